"""The lines about messages and requests, beside their decisions (form: ``policy/terms/event.py``)."""

import logging

from domain_secure.policy.terms.event import Event


def forged_marks_removed(*, queue_id: str, client: str, count: int) -> Event:
    """Return the line for marks that somebody else had put into a message."""
    return Event.of(logging.INFO, "forged-marks-removed", queue_id=queue_id, client=client, count=count)


def forged_marks_refused(*, queue_id: str, client: str) -> Event:
    """Return the line for a message with more forged marks than are worth removing."""
    return Event.of(logging.WARNING, "forged-marks-refused", queue_id=queue_id, client=client)


def too_much_refused(*, queue_id: str, client: str) -> Event:
    """Return the line for a message whose author fields hold more than its budget."""
    return Event.of(logging.WARNING, "too-much-refused", queue_id=queue_id, client=client)


def unreadable_author_refused(*, queue_id: str, client: str) -> Event:
    """Return the line for a message whose author is named in a character set that nobody here can read."""
    return Event.of(logging.WARNING, "unreadable-author-refused", queue_id=queue_id, client=client)


def descriptors_exhausted(door: str) -> Event:
    """Return the line for a door that waits until the process has a file descriptor again."""
    return Event.of(logging.ERROR, "descriptors-exhausted", door=door)


def malformed_delegation(detail: str) -> Event:
    """Return the line for a peer on the policy socket that does not speak the protocol."""
    return Event.of(logging.WARNING, "malformed-delegation-request", detail=detail)

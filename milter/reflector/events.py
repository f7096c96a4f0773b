"""The lines about letters to the reflector (form: ``policy/terms/event.py``).

An author's domain is told and never his address.
"""

import logging

from domain_secure.policy.reflector.reason import Reason
from domain_secure.policy.terms.event import Event

_LEVELS = {Reason.FAULT: logging.ERROR, Reason.BUSY: logging.WARNING, Reason.DAY_LIMIT: logging.WARNING}


def reflector_letter(
    reason: Reason, *, queue_id: str, client: str, domain: str | None, means: str | None, detail: str
) -> Event:
    """Return the line for a letter; *reason* says what became of it, *means* what spoke for its author."""
    return Event.of(
        _LEVELS.get(reason, logging.INFO),
        "reflector-letter",
        outcome=reason,
        queue_id=queue_id,
        client=client,
        domain=domain,
        means=means,
        detail=detail,
    )


def reflector_answer(*, queue_id: str, domain: str, sent: bool, detail: str) -> Event:
    """Return the line for an answer that our own Postfix took, or did not."""
    return Event.of(
        logging.INFO if sent else logging.WARNING,
        "reflector-answer",
        outcome="sent" if sent else "failed",
        queue_id=queue_id,
        domain=domain,
        detail=detail,
    )

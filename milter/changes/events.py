"""The lines about changes that were asked for by the page (form: ``policy/terms/event.py``)."""

import logging

from domain_secure.policy.terms.event import Event


def asked(*, act: str, subject: str, value: str, reason: str, who: str, client: str) -> Event:
    """Return the line for a change that somebody has confirmed; what became of it follows."""
    return Event.of(
        logging.INFO,
        "change-asked",
        act=act,
        subject=subject,
        value=value or None,
        reason=reason or None,
        who=who,
        client=client,
    )


def done(*, act: str, subject: str, value: str, who: str, client: str) -> Event:
    """Return the line for a change that was made."""
    return Event.of(
        logging.INFO, "change-done", act=act, subject=subject, value=value or None, who=who, client=client
    )


def refused(*, why: str, who: str, client: str) -> Event:
    """Return the line for a change that was not made."""
    return Event.of(logging.WARNING, "change-refused", detail=why, who=who, client=client)

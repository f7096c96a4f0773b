"""The lines about certificates that somebody showed (form: ``policy/terms/event.py``)."""

import logging

from domain_secure.policy.terms.event import Event


def certificate_set_aside(fingerprint: str, detail: str) -> Event:
    """Return the line for an entry of the certificate book that cannot be read; the others stay in use."""
    return Event.of(logging.ERROR, "certificate-set-aside", certificate=fingerprint, detail=detail)


def evidence_source_failed(source: str, error: BaseException) -> Event:
    """Return the line for a certificate source that failed; the message is judged without it."""
    return Event.of(logging.ERROR, "certificate-source-failed", source=source, detail=str(error))


def pending_not_noted(fingerprint: str, problem: str) -> Event:
    """Return the line for an unknown certificate that ``domain-secure pending`` will not show."""
    return Event.of(logging.ERROR, "pending-not-noted", certificate=fingerprint, detail=problem)


def book_set_aside(aside: str, detail: str) -> Event:
    """Return the line for a damaged certificate book that made way for a new one."""
    return Event.of(logging.ERROR, "book-set-aside", file=aside, detail=detail)


def book_put_back(imported: int, pending: int) -> Event:
    """Return the line for a new book with what was imported and what was pending; probes find the rest."""
    return Event.of(logging.WARNING, "book-put-back", imported=imported, pending=pending)

"""The line about kept revocation lists and answers (form: ``policy/terms/event.py``)."""

import logging

from domain_secure.policy.terms.event import Event


def revocation_set_aside(file: str, detail: str) -> Event:
    """Return the line for a kept revocation list or OCSP answer that cannot be read; it is fetched anew."""
    return Event.of(logging.WARNING, "revocation-set-aside", file=file, detail=detail)

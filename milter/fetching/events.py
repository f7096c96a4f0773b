"""The lines about missing authorities (form: ``policy/terms/event.py``)."""

import logging

from domain_secure.policy.terms.event import Event


def issuer_fetched(url: str, *, issuer: str) -> Event:
    """Return the line for an authority's certificate that was got where a certificate names it."""
    return Event.of(logging.INFO, "issuer-fetched", url=url, issuer=issuer)


def issuer_not_fetched(url: str, *, detail: str) -> Event:
    """Return the line for a place that a certificate names and that has not its authority's certificate."""
    return Event.of(logging.WARNING, "issuer-not-fetched", url=url, detail=detail)

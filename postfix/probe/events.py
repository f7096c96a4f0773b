"""The lines about probing partners' servers (form: ``policy/terms/event.py``)."""

import logging

from domain_secure.policy.terms.event import Event


def probed(*, target: str, certificate: str | None, tls: str | None, detail: str | None) -> Event:
    """Return the line for one look at a mail server's certificate; *detail* says what went wrong."""
    return Event.of(logging.INFO, "probed", target=target, certificate=certificate, tls=tls, detail=detail)


def probe_not_kept(target: str, problem: str) -> Event:
    """Return the line for a probed certificate that the book does not hold."""
    return Event.of(logging.ERROR, "probe-not-kept", target=target, detail=problem)

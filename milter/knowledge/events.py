"""The lines about the configuration in force and about what is known (form: ``policy/terms/event.py``)."""

import logging

from domain_secure.policy.terms.event import Event


def configuration_loaded(path: str, *, receive: int, send: int, mode: str) -> Event:
    """Return the line for a configuration that is in force from now on."""
    return Event.of(
        logging.INFO, "configuration-loaded", path=path, receive_domains=receive, send_domains=send, mode=mode
    )


def configuration_rejected(problem: str) -> Event:
    """Return the line for a reload that failed; the former configuration stays in force."""
    return Event.of(
        logging.ERROR, "configuration-rejected", detail=problem, in_force="the last good configuration"
    )


def issuers_not_kept(certificate: str, detail: str) -> Event:
    """Return the line for a missing authority that was got, and could not be put into the book."""
    return Event.of(logging.ERROR, "issuers-not-kept", certificate=certificate, detail=detail)

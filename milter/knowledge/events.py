"""The lines about the configuration in force (form: ``policy/terms/event.py``)."""

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

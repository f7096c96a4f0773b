"""The line about the self-proof (form: ``policy/terms/event.py``)."""

import logging

from domain_secure.policy.terms.event import Event


def self_proof(standing: str, detail: str) -> Event:
    """Return the line for a test of our own port 25; *standing* is a word of ``self_proof.Standing``."""
    level = {"proved": logging.INFO, "not-attached": logging.INFO, "failed": logging.ERROR}.get(
        standing, logging.WARNING
    )
    return Event.of(level, "self-proof", standing=standing, detail=detail)

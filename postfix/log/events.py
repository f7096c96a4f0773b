"""The lines about following Postfix's log (form: ``policy/terms/event.py``)."""

import logging

from domain_secure.policy.sending.delivery import Delivery
from domain_secure.policy.sending.delivery_counts import LogStanding
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.printable import without_local_parts


def log_followed(where: str, why: str) -> Event:
    """Return the line for Postfix's log that is read from now on, and why that one."""
    return Event.of(logging.INFO, "log-followed", log=where, because=why)


def log_not_followed(problem: str) -> Event:
    """Return the line for Postfix's log that cannot be read; it is tried again from the same place."""
    return Event.of(logging.ERROR, "log-not-followed", detail=problem)


def log_tells_nothing(where: str, standing: LogStanding, detail: str) -> Event:
    """Return the line for Postfix's log that is read and tells nothing: it is silent, or in another form."""
    return Event.of(logging.ERROR, f"log-{standing}", log=where, detail=detail)


def log_lines_lost(detail: str) -> Event:
    """Return the line for a gap in Postfix's log: deliveries in it are in no counter."""
    return Event.of(logging.WARNING, "log-lines-lost", detail=detail)


def log_lines_foreign(count: int) -> Event:
    """Return the line for records in the journal that somebody wrote in Postfix's name; they do not count."""
    return Event.of(logging.WARNING, "log-lines-foreign", count=count)


def sent_unverified(delivery: Delivery) -> Event:
    """Return the line for mail that left for a listed domain past the policy, and why it counts as that."""
    tls = delivery.tls
    return Event.of(
        logging.WARNING,
        "sent-unverified",
        domain=delivery.entry,
        recipient_domain=delivery.domain,
        queue_id=delivery.queue_id,
        relay=delivery.relay,
        because=delivery.unverified,
        tls=f"{tls.trust} {tls.protocol}" if tls else None,
        line=without_local_parts(delivery.lines[-1]) if delivery.lines else None,
    )

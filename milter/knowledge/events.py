"""The lines about the configuration in force and about what is known (form: ``policy/terms/event.py``)."""

import logging
from collections.abc import Iterable
from datetime import datetime

from domain_secure.policy.bypass.bypass import Bypass
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.pin import Pin


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


def pins_changed(partner: str, begun: Iterable[Pin], ended: Iterable[Pin]) -> Event:
    """Return the line for pins of a partner whose time has begun or ended."""
    return Event.of(
        logging.INFO,
        "pins-changed",
        partner=partner,
        begun=",".join(map(str, begun)) or None,
        ended=",".join(map(str, ended)) or None,
    )


def clock_ahead(clock: datetime, known: datetime) -> Event:
    """Return the line for a clock that leapt ahead of the time that has passed; nothing is refused by it."""
    return Event.of(logging.WARNING, "clock-ahead", clock=_told(clock), known=_told(known))


def clock_believed(clock: datetime, known: datetime) -> Event:
    """Return the line for such a clock that came back, or has been believed after a day."""
    return Event.of(logging.INFO, "clock-believed", clock=_told(clock), known=_told(known))


def _told(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def list_vanished(name: str, *, gone: int, former: int, detail: str) -> Event:
    """Return the line for a list that lost more than anybody confirmed; the former one stays in force."""
    return Event.of(
        logging.ERROR,
        "list-vanished",
        list=name,
        gone=gone,
        of=former,
        detail=detail,
        in_force="the last good configuration",
    )


def in_force_unknown(problem: str) -> Event:
    """Return the line for a start that cannot tell what was in force before."""
    return Event.of(logging.ERROR, "in-force-unknown", detail=problem)


def in_force_not_kept(detail: str) -> Event:
    """Return the line for what is in force and could not be kept for the next start."""
    return Event.of(logging.ERROR, "in-force-not-kept", detail=detail)


def issuers_not_kept(certificate: str, detail: str) -> Event:
    """Return the line for a missing authority that was got, and could not be put into the book."""
    return Event.of(logging.ERROR, "issuers-not-kept", certificate=certificate, detail=detail)


def partners_unfamiliar(problem: str) -> Event:
    """Return the line for a history that does not tell by what partners were known before the start."""
    return Event.of(logging.WARNING, "partners-unfamiliar", detail=problem)


def bypass_in_force(bypass: Bypass) -> Event:
    """Return the line for mail of a partner that goes through unproved from now on, or until another time."""
    return Event.of(
        logging.WARNING,
        "bypass-in-force",
        domain=bypass.entry,
        direction=bypass.direction,
        until=bypass.end.isoformat(timespec="seconds"),
        by=bypass.by,
        reason=bypass.reason,
    )


def bypass_over(bypass: Bypass) -> Event:
    """Return the line for a bypass that is over; the partner's rule holds again."""
    return Event.of(logging.WARNING, "bypass-over", domain=bypass.entry, direction=bypass.direction)


def bypasses_unknown(detail: str) -> Event:
    """Return the line for bypasses which cannot be read: none is in force as long."""
    return Event.of(logging.ERROR, "bypasses-unknown", detail=detail)


def certificate_dates_unknown(problem: str) -> Event:
    """Return the line for certificates whose ends could not be read for the metrics."""
    return Event.of(logging.ERROR, "certificate-dates-unknown", detail=problem)

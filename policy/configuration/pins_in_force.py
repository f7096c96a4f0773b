"""Which pins count at a moment, of those that count for a time alone.

Owns: that a pin which has a time counts in that time alone, whatever else the rule says of it.
Must not know: whose clock the moment is from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

from .configuration import Configuration, Partner


def with_pins_at(configuration: Configuration, moment: datetime) -> Configuration:
    """Return the configuration in which each rule's ``pins`` are those that count at *moment*.

    The same for what it returned before, at another moment.
    """
    if not any(partner.timed_pins for partner in configuration.partners.values()):
        return configuration
    partners: Mapping[Entry, Partner] = {
        entry: replace(partner, pins=pins_at(partner, moment)) if partner.timed_pins else partner
        for entry, partner in configuration.partners.items()
    }
    return replace(configuration, partners=MappingProxyType(dict(partners)))


def pins_at(partner: Partner, moment: datetime) -> frozenset[Pin]:
    """Return the pins of a rule that count at *moment*."""
    always = partner.pins - {timed.pin for timed in partner.timed_pins}
    return always | {timed.pin for timed in partner.timed_pins if timed.counts_at(moment)}


def steady_time(configuration: Configuration, moment: datetime) -> tuple[datetime | None, datetime | None]:
    """Return since when and until when the pins are what they are at *moment*; None: for ever."""
    every = sorted(_changes(configuration))
    return (
        max((one for one in every if one <= moment), default=None),
        min((one for one in every if one > moment), default=None),
    )


def _changes(configuration: Configuration) -> Iterable[datetime]:
    for partner in configuration.partners.values():
        for timed in partner.timed_pins:
            yield from (one for one in (timed.begins, timed.ends) if one is not None)

"""Whether this node of a fleet is up to date, by what the daemon noted on disk.

Must not know: the store; ``fleet status`` asks it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.fleet_cache import FleetCache
from domain_secure.postfix.findings.findings import Finding

_OLD = timedelta(minutes=15)


def check_fleet(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """Find a revision that was not applied, and a store that has not answered for long."""
    if configuration.revision is None:
        return
    cache = FleetCache(configuration.state)
    contact = cache.contact()
    where = f"{cache.folder}, revision {configuration.revision}"
    if contact is None:
        yield Finding.warning(
            "fleet-not-followed",
            "no daemon here has heard of the fleet's store",
            where,
            "start the daemon, and read its log",
        )
    elif contact.problem is not None:
        yield Finding.error(
            "fleet-behind",
            f"the fleet's newest policy is not in force here: {contact.problem}",
            where,
            "see `domain-secure fleet status`",
        )
    elif now - contact.at > _OLD:
        yield Finding.warning(
            "fleet-store-away",
            f"the fleet's store has not answered since {contact.at:%Y-%m-%d %H:%M} UTC",
            where,
            "see `domain-secure fleet status`; the policy on disk stays in force",
        )

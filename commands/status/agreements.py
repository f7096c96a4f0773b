"""The agreements that were accepted, as ``status`` tells of them: one that has ended is never passed over."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.timed_pin import time_text


def agreements_document(configuration: Configuration) -> list[dict[str, Any]]:
    """Return each rule whose partner announces its keys, with when that ends and which keys have a time."""
    now = datetime.now(UTC)
    return [
        {
            "domain": partner.entry,
            "until": time_text(partner.agreement_until),
            "ended": partner.agreement_until <= now,
            "timed_pins": list(map(str, partner.timed_pins)),
        }
        for partner in configuration.partners.values()
        if partner.agreement_until is not None
    ]


def agreement_lines(agreements: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each agreement that has ended, and for each whose keys change."""
    for one in agreements:
        if one["ended"]:
            yield f"agreement      with {one['domain']}: ENDED {one['until']}, see `check`"
        elif one["timed_pins"]:
            yield f"agreement      with {one['domain']} until {one['until']}: {'; '.join(one['timed_pins'])}"

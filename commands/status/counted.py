"""What a status takes from the daemon's metrics as it stands: when things end, since when is counted.

Must not know: what else a status has.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from domain_secure.commands.terminal.daemon_client import Sample
from domain_secure.milter.metrics.metrics import COUNTED_SINCE
from domain_secure.policy.certificates.expiry import Expiry, word_of
from domain_secure.policy.terms.direction import Direction

_EXPIRY = "domain_secure_certificate_expiry"
_CERTIFICATE_ENDS = "domain_secure_certificate_not_after_timestamp_seconds"
_CRL_ENDS = "domain_secure_crl_next_update_timestamp_seconds"


def counted_since(counted: Iterable[Sample]) -> dict[str, str | None]:
    """Return since when the counters count, by direction; a restart of the daemon changes nothing."""
    found = {one.labels["direction"]: one.value for one in counted if one.name == COUNTED_SINCE}
    since = {direction: found.get(direction, math.nan) for direction in Direction}
    return {str(direction): None if math.isnan(value) else _iso(value) for direction, value in since.items()}


def certificate_ends(counted: tuple[Sample, ...]) -> list[dict[str, Any]]:
    """Return our certificates and partners', with how near the end of each is by the daemon's one rule."""
    expiry = {
        (one.labels["role"], one.labels["name"]): Expiry(int(one.value))
        for one in counted
        if one.name == _EXPIRY
    }
    return [
        one | {"expiry": word_of(expiry.get((one["role"], one["name"]), Expiry.LASTS))}
        for one in _ends(counted, _CERTIFICATE_ENDS, "role", "name")
    ]


def revocation_list_ends(counted: tuple[Sample, ...]) -> list[dict[str, Any]]:
    """Return when each revocation list that the daemon knows is due to be replaced, by its issuer."""
    return _ends(counted, _CRL_ENDS, "issuer")


def _ends(counted: tuple[Sample, ...], metric: str, *labels: str) -> list[dict[str, Any]]:
    """Return what ends when, soonest first, with the days left from now."""
    now = datetime.now(UTC)
    found: list[dict[str, Any]] = []
    for sample in sorted((one for one in counted if one.name == metric), key=lambda one: one.value):
        end = datetime.fromtimestamp(sample.value, UTC)
        found.append(
            {label: sample.labels[label] for label in labels}
            | {"ends": end.isoformat(), "days_left": (end - now).days}
        )
    return found


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()

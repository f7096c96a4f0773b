"""Does a certificate end soon?  The one rule for ours and for partners', for whoever tells of it.

Owns: how long ahead somebody is warned, and what counts as urgent.
Must not know: whose a certificate is, who is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, unique

from .certificate import Certificate

# Many certificates live for weeks or days; one that is renewed in time is no reason for a warning.
_LAST_PART = 3  #: of its life, a third; of the time in which it is warned of, the part that is urgent
# What takes a partner's administrator to mend it; who lives with less sets less.
_LEAST = timedelta(days=7)


@unique
class Expiry(IntEnum):
    """How near the end of a certificate is; the numbers are those of the metric."""

    LASTS = 0
    ENDS_SOON = 1
    ENDS_VERY_SOON = 2
    ENDED = 3


def word_of(expiry: Expiry) -> str:
    """Return how it is written in documents: ``lasts``, ``ends-soon``, ``ends-very-soon``, ``ended``."""
    return expiry.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class CertificateDate:
    """When one certificate ends, or an authority without which it is of no use."""

    role: str  #: how it is used
    name: str
    ends: datetime
    expiry: Expiry


def expiry_of(not_before: datetime, not_after: datetime, now: datetime, warning: timedelta) -> Expiry:
    """Return how near the end is: *warning* ahead of it, or in the last third of a short life, it is soon.

    In the last third of that time, and in the last seven days of it, it is very soon.  Times are aware.
    """
    left = not_after - now
    ahead = min(warning, max((not_after - not_before) / _LAST_PART, _LEAST))
    if left <= timedelta(0):
        return Expiry.ENDED
    if left <= min(ahead, max(ahead / _LAST_PART, _LEAST)):
        return Expiry.ENDS_VERY_SOON
    return Expiry.ENDS_SOON if left <= ahead else Expiry.LASTS


def ends_first(chain: Iterable[Certificate]) -> Certificate:
    """Return the certificate of a chain that ends first, the leaf where several do; raises ValueError."""
    return min(chain, key=lambda one: one.not_after)

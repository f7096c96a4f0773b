"""When a revocation list or an OCSP responder is asked again.

Must not know: how it is asked.  Times are aware; *chance* is a number from 0 to 1, so that a fleet of servers
does not ask in the same second.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from domain_secure.policy.revocation.revocation import FOREVER, Statement, ends

_SOONEST = timedelta(minutes=5)
_LATEST = timedelta(hours=12)  #: authorities publish sooner than the next update says when they revoke
_FIRST_RETRY = timedelta(minutes=1)
_LAST_RETRY = timedelta(hours=1)


def refresh_at(statements: Iterable[Statement], fetched: datetime, chance: float) -> datetime:
    """Return when to ask again after an answer: between 50 and 70 % of the time that it still holds."""
    end = min(map(ends, statements), default=FOREVER)
    wait = (end - fetched) * (0.5 + 0.2 * chance)
    return fetched + min(max(wait, _SOONEST), _LATEST)


def retry_at(failures: int, now: datetime, chance: float) -> datetime:
    """Return when to ask again after *failures* in a row, at least one: a minute, doubled up to an hour."""
    wait = min(_FIRST_RETRY * (1 << min(failures - 1, 16)), _LAST_RETRY)
    return now + wait * (0.75 + 0.5 * chance)

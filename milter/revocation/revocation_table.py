"""Which paths are watched for revocation, which locations they need, and what is known of each.

Owns: the table, its bound, when a location is due, and which octets may replace which.
Must not know: HTTP, threads, whether a path is trusted; it is given trusted ones.  For one thread.
"""

import random
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain_secure.policy.revocation.revocation import (
    Revocation,
    RevocationJudge,
    Statement,
    ValidatedPath,
    ends,
)
from domain_secure.policy.revocation.revocation_evidence import (
    Need,
    UselessStatementError,
    check_progress,
    further_needs,
    judge_with,
    needs,
)
from domain_secure.policy.revocation.revocation_list import RevocationList
from domain_secure.policy.revocation.revocation_status import RevocationStatus
from domain_secure.policy.revocation.revocation_store import Location, RevocationStore, parse_statements
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from . import events
from .http_fetch import FetchError
from .revocation_schedule import refresh_at, retry_at

# As many certificates as are remembered with their path; beyond that the one asked for longest ago goes.
_PATHS = 4096
_STALE = timedelta(minutes=1)  #: after this an unknown outcome is judged again

PathKey = tuple[str, ...]

_chance = random.random


def key_of(path: ValidatedPath) -> PathKey:
    """Return what tells a path from others."""
    return tuple(certificate.certificate_pin.digest for certificate in path)


@dataclass(slots=True)
class Watched:
    """A path, and what is known of it."""

    path: ValidatedPath
    needs: dict[Location, Need] = field(default_factory=dict)
    judged: datetime | None = None
    outcome: Revocation | None = None

    @property
    def key(self) -> PathKey:
        """Return what tells it from others."""
        return key_of(self.path)

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether the outcome still holds."""
        if self.outcome is None or self.judged is None:
            return False
        return now <= (self.outcome.until or self.judged + _STALE)


@dataclass(slots=True)
class _Followed:
    """A location, and what it last said."""

    statements: tuple[Statement, ...]
    due: datetime
    failures: int = 0
    under_way: bool = False


class RevocationTable:
    """The table; *now* is the clock, *dropped* is called with each path that gives way to others."""

    def __init__(
        self,
        store: RevocationStore,
        log: Callable[[Event], None],
        now: Callable[[], datetime],
        dropped: Callable[[PathKey], None],
        *,
        paths: int = _PATHS,
    ) -> None:
        self._store = store
        self._log = log
        self._now = now
        self._dropped = dropped
        self._paths = paths
        self._judge = RevocationJudge()
        self._watched: OrderedDict[PathKey, Watched] = OrderedDict()
        self._followed: dict[Location, _Followed] = {}
        self.lists: tuple[RevocationList, ...] = ()  #: of files

    def __iter__(self) -> Iterator[Watched]:
        """Yield the watched paths, the one asked for longest ago first."""
        return iter(tuple(self._watched.values()))

    def watch(self, path: ValidatedPath) -> Watched:
        """Return the row of a path, making it where there is none."""
        key = key_of(path)
        if (watched := self._watched.get(key)) is not None:
            self._watched.move_to_end(key)
            return watched
        watched = self._watched[key] = Watched(path)
        for need in needs(path):
            self._follow(watched, need)
        if len(self._watched) > self._paths:
            self._drop(next(iter(self._watched)))
        return watched

    def judge(self, watched: Watched) -> Revocation:
        """Return what all that is at hand says of a path now; kept in its row."""
        statements = [one for location in watched.needs for one in self._followed[location].statements]
        watched.judged = self._now()
        watched.outcome = judge_with(self._judge, watched.path, (*self.lists, *statements), watched.judged)
        return watched.outcome

    def may_learn(self, watched: Watched) -> bool:
        """Tell whether the outcome is unknown and somebody who may know more is being asked."""
        return (watched.outcome is None or watched.outcome.status is RevocationStatus.UNKNOWN) and any(
            self._followed[location].under_way for location in watched.needs
        )

    def take_due(self) -> list[Location]:
        """Return the locations to ask now; until ``received`` they are under way."""
        now = self._now()
        due = {
            location: followed
            for location, followed in self._followed.items()
            if followed.due <= now and not followed.under_way
        }
        for followed in due.values():
            followed.under_way = True
        return list(due)

    def next_due(self) -> datetime | None:
        """Return when the next location is due, or None where nobody will have to be asked."""
        return min((one.due for one in self._followed.values() if not one.under_way), default=None)

    def retry_now(self) -> None:
        """Make every location due that did not answer usefully."""
        for followed in self._followed.values():
            if followed.failures:
                followed.due, followed.failures = self._now(), 0

    def received(self, location: Location, result: bytes | FetchError) -> list[Watched]:
        """Take what a location said, and return the paths that need it, judged again where it helps."""
        followed = self._followed.get(location)
        if followed is None:
            return []
        followed.under_way = False
        users = [watched for watched in self._watched.values() if location in watched.needs]
        try:
            if isinstance(result, FetchError):
                raise UselessStatementError(str(result))
            new = parse_statements(result, answers=bool(location.request))
            self._check(location, users, new, followed)
        except ValueError as error:
            now = self._now()
            followed.failures += 1
            followed.due = retry_at(followed.failures, now, _chance())
            self._log(
                events.revocation_not_fetched(location.url, detail=str(error), again=_time(followed.due))
            )
            return users
        self._accept(location, followed, new, result)
        for watched in users:
            for further in further_needs(watched.needs[location], new):
                self._follow(watched, further)
            self.judge(watched)
        return users

    def next_updates(self) -> dict[str, datetime]:
        """Return the earliest next update of the lists in use, by issuer."""
        found: dict[str, datetime] = {}
        followed = (one for location in self._followed.values() for one in location.statements)
        for one in (*self.lists, *followed):
            if isinstance(one, RevocationList):
                found[one.issuer] = min(ends(one), found.get(one.issuer, ends(one)))
        return found

    def _check(
        self, location: Location, users: list[Watched], new: tuple[Statement, ...], followed: _Followed
    ) -> None:
        """Raise UselessStatementError unless *new* helps one of the users.

        One is enough: a certificate that names somebody else's list must not keep that one from being read.
        """
        fault = UselessStatementError("nobody needs it any more")
        for watched in users:
            try:
                check_progress(
                    self._judge, watched.path, watched.needs[location], new, followed.statements, self._now()
                )
            except UselessStatementError as error:
                fault = error
            else:
                return
        raise fault

    def _accept(
        self, location: Location, followed: _Followed, new: tuple[Statement, ...], content: bytes
    ) -> None:
        now = self._now()
        if new != followed.statements:
            self._log(events.revocation_fetched(location.url, until=_time(min(map(ends, new)))))
        followed.statements, followed.failures = new, 0
        followed.due = refresh_at(new, now, _chance())
        try:
            self._store.put(location, content, now)
        except Problem as problem:
            self._log(events.revocation_not_kept(str(problem)))

    def _follow(self, watched: Watched, need: Need) -> None:
        """Let a path use a location, and whatever the lists there point to."""
        if need.location in watched.needs:
            return
        watched.needs[need.location] = need
        followed = self._followed.get(need.location)
        if followed is None:
            followed = self._followed[need.location] = _Followed((), self._now())
            if (stored := self._store.get(need.location)) is not None:
                followed.statements = stored.statements
                followed.due = refresh_at(stored.statements, stored.fetched, _chance())
        for further in further_needs(need, followed.statements):
            self._follow(watched, further)

    def _drop(self, key: PathKey) -> None:
        unwanted = self._watched.pop(key).needs.keys()
        used = {location for other in self._watched.values() for location in other.needs}
        for location in unwanted - used:
            self._followed.pop(location, None)
        self._dropped(key)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"

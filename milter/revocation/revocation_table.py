"""Which paths are watched, which locations they need, what these last said, and when they are asked again.

Owns: the table, its bound, the times, and that octets replace others only where that helps a path.
Must not know: HTTP, threads, whether a path is trusted; it is given trusted ones.  For one thread.
"""

import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain_secure.policy.revocation.judge import RevocationJudge, UselessStatementError
from domain_secure.policy.revocation.list_choice import is_outrun
from domain_secure.policy.revocation.needs import further_needs, needs
from domain_secure.policy.revocation.revocation import (
    FOREVER,
    Judgement,
    Location,
    Need,
    RevocationList,
    RevocationStatus,
    Statement,
    ValidatedPath,
    ends,
)
from domain_secure.policy.revocation.revocation_store import RevocationStore
from domain_secure.policy.revocation.statements import parse_statements
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from . import events
from .http_fetch import FetchError

# As many certificates as are remembered with their path; beyond that the one asked for longest ago goes.
_PATHS = 4096
_STALE = timedelta(minutes=1)  #: after this an unknown judgement is made again
_SOONEST = timedelta(minutes=5)
_LATEST = timedelta(hours=12)  #: authorities publish sooner than the next update says when they revoke
_FIRST_RETRY = timedelta(minutes=1)
_LAST_RETRY = timedelta(hours=1)

PathKey = tuple[str, ...]

_chance = random.random


def refresh_at(statements: Iterable[Statement], fetched: datetime, chance: float) -> datetime:
    """Return when to ask again after an answer: between 50 and 70 % of the time that it still holds.

    *chance* is a number from 0 to 1, so that a fleet of servers does not ask in the same second.
    """
    end = min(map(ends, statements), default=FOREVER)
    wait = (end - fetched) * (0.5 + 0.2 * chance)
    return fetched + min(max(wait, _SOONEST), _LATEST)


def retry_at(failures: int, now: datetime, chance: float) -> datetime:
    """Return when to ask again after *failures* in a row, at least one: a minute, doubled up to an hour."""
    wait = min(_FIRST_RETRY * (1 << min(failures - 1, 16)), _LAST_RETRY)
    return now + wait * (0.75 + 0.5 * chance)


def key_of(path: ValidatedPath) -> PathKey:
    """Return what tells a path from others."""
    return tuple(certificate.certificate_pin.digest for certificate in path)


@dataclass(slots=True)
class Watched:
    """A path, the locations it needs, and the last judgement on it."""

    path: ValidatedPath
    needs: dict[Location, Need] = field(default_factory=dict)
    judgement: Judgement | None = None
    judged: datetime | None = None  #: when that was; None: it is to be made anew

    @property
    def key(self) -> PathKey:
        """Return what tells it from others."""
        return key_of(self.path)

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether the judgement still holds."""
        if self.judgement is None or self.judged is None:
            return False
        return now <= (self.judgement.until or self.judged + _STALE)


@dataclass(slots=True)
class _Followed:
    """A location that some watched path needs, and what it last said."""

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

    def at_hand(self, path: ValidatedPath) -> Judgement | None:
        """Return the last judgement on a path, which may be past; the one method for every thread."""
        watched = self._watched.get(key_of(path))
        return watched.judgement if watched and watched.judged else None

    def judge(self, watched: Watched) -> None:
        """Judge a path by all the statements that are at hand."""
        now = self._now()
        statements = [one for location in watched.needs for one in self._followed[location].statements]
        watched.judgement = self._judge.judge_by(watched.path, (*self.lists, *statements), now)
        watched.judged = now

    def may_learn(self, watched: Watched) -> bool:
        """Tell whether the judgement is unknown and somebody who may know more is being asked."""
        return (watched.judgement is None or watched.judgement.status is RevocationStatus.UNKNOWN) and any(
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
            self._store.touch(location, now)
            followed.due = retry_at(followed.failures, now, _chance())
            self._log(
                events.revocation_not_fetched(location.url, detail=str(error), again=_time(followed.due))
            )
            return users
        self._accept(location, followed, new, result)
        self._ask_for_bases(users, new)
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
        self, location: Location, users: list[Watched], new: Sequence[Statement], followed: _Followed
    ) -> None:
        """Raise UselessStatementError unless *new* helps one of the users, and what helped another stays.

        One is enough: a certificate that names somebody else's list must not keep that one from being read.
        """
        fault: UselessStatementError | None = UselessStatementError("nobody needs it any more")
        former, now = followed.statements, self._now()
        for watched in users:
            need = watched.needs[location]
            try:
                self._judge.check_progress(watched.path, need, new, former, now)
            except UselessStatementError as error:
                if self._judge.helps(watched.path, need, former, now):
                    raise
                fault = fault and error
            else:
                fault = None
        if fault is not None:
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

    def _ask_for_bases(self, users: list[Watched], new: Sequence[Statement]) -> None:
        """Make complete lists due that are older than what a new delta list builds upon."""
        deltas = [one for one in new if isinstance(one, RevocationList) and one.base_number is not None]
        for followed in (self._followed[location] for watched in users for location in watched.needs):
            lists = [one for one in followed.statements if isinstance(one, RevocationList)]
            if any(is_outrun(one, delta) for one in lists for delta in deltas) and not followed.failures:
                followed.due = self._now()

    def _follow(self, watched: Watched, need: Need) -> None:
        """Let a path use a location, and whatever the lists there point to."""
        if need.location in watched.needs:
            return
        watched.needs[need.location] = need
        followed = self._followed.get(need.location)
        if followed is None:
            followed = self._followed[need.location] = _Followed((), self._now())
            if (stored := self._store.get(need.location)) is not None:
                self._store.touch(need.location, self._now())
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

"""Which paths are watched, which locations they need, and what is judged of them.

Owns: the table, its bound, and that octets replace others only where that helps a path and harms none.
Must not know: HTTP, threads, whether a path is trusted; it is given trusted ones.  For one thread.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain_secure.milter.fetching.http_fetch import FetchError
from domain_secure.policy.revocation.judge import RevocationJudge, UselessStatementError
from domain_secure.policy.revocation.list_choice import is_outrun
from domain_secure.policy.revocation.location_report import LocationReport
from domain_secure.policy.revocation.needs import further_needs, needs, passed_over
from domain_secure.policy.revocation.revocation import (
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

from .followed_locations import FollowedLocations
from .location_request import advice

# As many certificates as are remembered with their path; beyond that the one asked for longest ago goes.
_PATHS = 4096
_STALE = timedelta(minutes=1)  #: after this an unknown judgement is made again

PathKey = tuple[str, ...]


def key_of(path: ValidatedPath) -> PathKey:
    """Return what tells a path from others."""
    return tuple(certificate.certificate_pin.digest for certificate in path)


@dataclass(slots=True)
class Watched:
    """A path, the locations it needs, and the last judgement on it."""

    path: ValidatedPath
    needs: dict[Location, Need] = field(default_factory=dict)
    passed_over: tuple[LocationReport, ...] = ()  #: what it names and nobody asks
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

    @property
    def is_unknown(self) -> bool:
        """Tell whether nobody has said yet whether a certificate of it has been revoked."""
        return self.judgement is None or self.judgement.status is RevocationStatus.UNKNOWN


@dataclass(slots=True)
class _Refresh:
    """Somebody waits until every location was asked."""

    pending: set[Location]
    done: Callable[[tuple[LocationReport, ...]], None]
    reports: list[LocationReport] = field(default_factory=list)


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
        self._now = now
        self._dropped = dropped
        self._paths = paths
        self._judge = RevocationJudge()
        self._watched: OrderedDict[PathKey, Watched] = OrderedDict()
        self._refreshes: list[_Refresh] = []
        self.locations = FollowedLocations(store, log, now)
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
        watched = self._watched[key] = Watched(path, passed_over=tuple(passed_over(path)))
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
        statements = [one for location in watched.needs for one in self.locations[location].statements]
        watched.judgement = self._judge.judge_by(watched.path, (*self.lists, *statements), now)
        watched.judged = now

    def may_learn(self, watched: Watched) -> bool:
        """Tell whether the judgement is unknown and somebody who may know more is being asked."""
        asked = (self.locations[location] for location in watched.needs)
        return watched.is_unknown and any(one.under_way and not one.pressed for one in asked)

    def take_due(self) -> list[Location]:
        """Return the locations to ask now; until ``received`` they are under way."""
        return self.locations.take_due()

    def refresh(self, done: Callable[[tuple[LocationReport, ...]], None]) -> None:
        """Make every location due, and call *done* with what became of each once all have been asked."""
        self._refreshes.append(_Refresh(self.locations.ask_all(), done))
        self._settle()

    def received(self, location: Location, result: bytes | FetchError) -> list[Watched]:
        """Take what a location said, and return the paths that need it, judged again where it helps."""
        if location not in self.locations:
            return []
        users = [watched for watched in self._watched.values() if location in watched.needs]
        try:
            if isinstance(result, FetchError):
                raise UselessStatementError(str(result))
            new = parse_statements(result, answers=bool(location.request))
            self._check(location, users, new)
        except ValueError as error:
            self.locations.refuse(location, str(error), advice(result))
        else:
            self.locations.accept(location, new, result)
            self._ask_for_bases(users, new)
            for watched in users:
                for further in further_needs(watched.needs[location], new):
                    self._follow(watched, further)
                self.judge(watched)
        if not self.locations.finish(location):
            for refresh in self._refreshes:
                if location in refresh.pending:
                    refresh.pending.remove(location)
                    refresh.reports.append(self._report(location, users))
            self._settle()
        return users

    def failures(self) -> tuple[LocationReport, ...]:
        """Return the locations that were of no use when they were asked last, or that nobody asks."""
        found: dict[Location, list[Watched]] = {}
        others: dict[str, LocationReport] = {}
        for watched in self._watched.values():
            for location in watched.needs:
                if self.locations[location].failure:
                    found.setdefault(location, []).append(watched)
            for report in watched.passed_over if watched.is_unknown else ():
                others.setdefault(report.url, report)
        return (*(self._report(location, users) for location, users in found.items()), *others.values())

    def _report(self, location: Location, users: Sequence[Watched]) -> LocationReport:
        followed = self.locations[location]
        return LocationReport(
            url=location.url,
            kind="OCSP" if location.request else "CRL",
            certificate=users[0].path[users[0].needs[location].index].subject if users else "",
            until=min(map(ends, followed.statements), default=None),
            failure=followed.failure,
            fix=followed.fix,
            is_missed=any(watched.is_unknown for watched in users),
        )

    def _settle(self) -> None:
        for refresh in [one for one in self._refreshes if not one.pending]:
            self._refreshes.remove(refresh)
            refresh.done(tuple(refresh.reports))

    def _check(self, location: Location, users: Sequence[Watched], new: Sequence[Statement]) -> None:
        """Raise UselessStatementError unless *new* helps one of the users, and what helped another stays.

        One is enough: a certificate that names somebody else's list must not keep that one from being read.
        """
        fault: UselessStatementError | None = UselessStatementError("nobody needs it any more")
        former, now = self.locations[location].statements, self._now()
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

    def _ask_for_bases(self, users: Sequence[Watched], new: Sequence[Statement]) -> None:
        """Make complete lists due that are older than what a new delta list builds upon."""
        deltas = [one for one in new if isinstance(one, RevocationList) and one.base_number is not None]
        for followed in (self.locations[location] for watched in users for location in watched.needs):
            lists = [one for one in followed.statements if isinstance(one, RevocationList)]
            if any(is_outrun(one, delta) for one in lists for delta in deltas) and not followed.failures:
                followed.due = self._now()

    def _follow(self, watched: Watched, need: Need) -> None:
        """Let a path use a location, and whatever the lists there point to."""
        if need.location in watched.needs:
            return
        watched.needs[need.location] = need
        is_new = need.location not in self.locations
        followed = self.locations.follow(need.location)
        if is_new and self._refreshes:
            followed.due = self._now()
            for refresh in self._refreshes:
                refresh.pending.add(need.location)
        for further in further_needs(need, followed.statements):
            self._follow(watched, further)

    def _drop(self, key: PathKey) -> None:
        unwanted = set(self._watched.pop(key).needs)
        unwanted -= {location for other in self._watched.values() for location in other.needs}
        self.locations.forget(unwanted)
        for refresh in self._refreshes:
            refresh.pending -= unwanted
        self._dropped(key)
        self._settle()

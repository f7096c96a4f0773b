"""The locations that watched paths need: what each said last, and when it is asked again.

Owns: the times, and keeping what was said.
Must not know: HTTP, threads, paths, whether a statement is to be believed.  For one thread.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain_secure.policy.revocation.revocation import (
    FOREVER,
    Location,
    RevocationList,
    Statement,
    ends,
)
from domain_secure.policy.revocation.revocation_store import RevocationStore
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from . import events

DEFAULT_REFRESH = timedelta(hours=1)
_SOONEST = timedelta(minutes=5)
_FIRST_RETRY = timedelta(minutes=1)
_LAST_RETRY = timedelta(hours=1)
_PRESSING_RETRY = timedelta(seconds=1)  #: while mail waits for what it would say

_chance = random.random


def refresh_at(
    statements: Iterable[Statement], fetched: datetime, chance: float, longest: timedelta = DEFAULT_REFRESH
) -> datetime:
    """Return when to ask again after an answer: between 50 and 70 % of the time that it still holds.

    At the latest after *longest*, as authorities publish sooner than the next update says when they revoke.
    *chance* is a number from 0 to 1, so that a fleet of servers does not ask in the same second.
    """
    end = min(map(ends, statements), default=FOREVER)
    wait = (end - fetched) * (0.5 + 0.2 * chance)
    return fetched + min(max(wait, _SOONEST), longest * (0.9 + 0.1 * chance))


def retry_at(failures: int, now: datetime, chance: float) -> datetime:
    """Return when to ask again after *failures* in a row, at least one: a minute, doubled up to an hour."""
    wait = min(_FIRST_RETRY * (1 << min(failures - 1, 16)), _LAST_RETRY)
    return now + wait * (0.75 + 0.5 * chance)


@dataclass(slots=True)
class Followed:
    """A location, and what it said last."""

    statements: tuple[Statement, ...]
    due: datetime
    fetched: datetime | None = None  #: when it said that
    failures: int = 0  #: in a row
    failure: str = ""  #: one clause for the operator on the last of them
    fix: str = ""
    tried: datetime | None = None  #: when the last of them was
    pressed: bool = False  #: what is under way is asked before its time, and nobody waits for it
    under_way: bool = False
    again: bool = False  #: what is under way began before somebody asked for the state of now


class FollowedLocations:
    """The locations; *now* is the clock."""

    def __init__(
        self, store: RevocationStore, log: Callable[[Event], None], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._log = log
        self._now = now
        self._followed: dict[Location, Followed] = {}
        self._longest = DEFAULT_REFRESH

    def __getitem__(self, location: Location) -> Followed:
        """Return a location that is followed; raises KeyError."""
        return self._followed[location]

    def __contains__(self, location: Location) -> bool:
        """Tell whether a location is followed."""
        return location in self._followed

    def __iter__(self) -> Iterator[Location]:
        """Yield every location."""
        return iter(tuple(self._followed))

    def follow(self, location: Location) -> Followed:
        """Return a location, from now on followed; what it said before a restart is at hand."""
        if (followed := self._followed.get(location)) is not None:
            return followed
        now = self._now()
        followed = self._followed[location] = Followed((), now)
        if (stored := self._store.get(location)) is not None:
            self._store.touch(location, now)
            followed.statements, followed.fetched = stored.statements, stored.fetched
            # Who was revoked while nobody asked must not wait for the next refresh after a restart.
            followed.due = min(self._refresh_at(followed), stored.fetched + _SOONEST)
        return followed

    def forget(self, locations: Iterable[Location]) -> None:
        """Follow these no longer."""
        for location in locations:
            self._followed.pop(location, None)

    def take_due(self) -> list[Location]:
        """Return the locations to ask now; they are under way until something is heard of them."""
        now = self._now()
        due = {
            location: followed
            for location, followed in self._followed.items()
            if (followed.pressed or followed.due <= now) and not followed.under_way
        }
        for followed in due.values():
            followed.under_way = True
        return list(due)

    def next_due(self) -> datetime | None:
        """Return when the next location is due, or None where nobody will have to be asked."""
        return min((one.due for one in self._followed.values() if not one.under_way), default=None)

    def set_longest(self, longest: timedelta) -> None:
        """Ask every location again at the latest after this span from now on."""
        if longest != self._longest:
            self._longest = longest
            for followed in self._followed.values():
                followed.due = min(followed.due, self._refresh_at(followed))

    def retry_failed(self) -> None:
        """Make every location due that did not answer usefully."""
        for followed in self._followed.values():
            if followed.failures:
                followed.due, followed.failures = self._now(), 0

    def press(self, locations: Iterable[Location]) -> None:
        """Ask those of these that failed before their time, as mail was put off for want of their word."""
        now = self._now()
        for followed in (self._followed[location] for location in locations):
            if (
                followed.tried
                and not followed.under_way
                and followed.tried + _PRESSING_RETRY <= now < followed.due
            ):
                followed.pressed = True

    def ask_again(self) -> None:
        """Make every location due that said nothing useful in the last few minutes."""
        now = self._now()
        for followed in self._followed.values():
            if followed.fetched is None or followed.fetched + _SOONEST <= now:
                followed.due = now

    def ask_all(self) -> set[Location]:
        """Make every location due, whenever it was asked last, and return them all."""
        for followed in self._followed.values():
            followed.due, followed.again = self._now(), followed.under_way
        return set(self._followed)

    def finish(self, location: Location) -> bool:
        """Note that a location is not under way any more; tell whether it is to be asked again at once."""
        followed = self._followed[location]
        followed.under_way = followed.pressed = False
        is_asked_again, followed.again = followed.again, False
        if is_asked_again:
            followed.due = self._now()
        return is_asked_again

    def accept(self, location: Location, new: tuple[Statement, ...], content: bytes) -> None:
        """Take what a location said in place of what it said before."""
        now, followed = self._now(), self._followed[location]
        if new != followed.statements:
            self._log(events.revocation_fetched(location.url, until=_time(min(map(ends, new)))))
        followed.statements, followed.fetched = new, now
        followed.failures, followed.failure, followed.fix, followed.tried = 0, "", "", None
        followed.due = self._refresh_at(followed)
        try:
            self._store.put(location, content, now)
        except Problem as problem:
            self._log(events.revocation_not_kept(str(problem)))

    def refuse(self, location: Location, failure: str, fix: str) -> None:
        """Keep what a location said before, as what it said now is of no use."""
        now, followed = self._now(), self._followed[location]
        if followed.pressed and now < followed.due and failure == followed.failure:
            followed.tried = now  # told already, and asked again when it would have been
            return
        followed.failures += 1
        followed.failure, followed.fix, followed.tried = failure, fix, now
        followed.due = min(retry_at(followed.failures, now, _chance()), now + self._longest)
        self._store.touch(location, now)
        again = _time(followed.due)
        self._log(events.revocation_not_fetched(location.url, detail=failure, again=again, fix=fix))

    def next_updates(self, lists: Iterable[RevocationList]) -> dict[str, datetime]:
        """Return the earliest next update of the lists in use, by issuer; *lists* are in use besides."""
        found: dict[str, datetime] = {}
        followed = (one for location in self._followed.values() for one in location.statements)
        for one in (*lists, *followed):
            if isinstance(one, RevocationList):
                found[one.issuer] = min(ends(one), found.get(one.issuer, ends(one)))
        return found

    def _refresh_at(self, followed: Followed) -> datetime:
        fetched = followed.fetched or self._now()
        return refresh_at(followed.statements, fetched, _chance(), self._longest)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"

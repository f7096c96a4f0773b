"""Look back at what became of partners' mail: by category, whose it was, and from where it passed.

Owns: the questions that can be asked of these tables.
Must not know: how an answer is shown.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

from . import history_file
from .history import Sighting, sighting_of
from .partner_report import Category, category_of

_MOST_CERTIFICATES = 5000  #: that came last; each partner has a handful


@dataclass(frozen=True, slots=True)
class LatestOutcome:
    """The last thing of its kind that became of a partner's mail."""

    entry: Entry
    category: Category
    attribution: Attribution | None  #: None: it was let in as the partner's, or sent
    time: datetime
    outcome: str  #: a verdict's word, ``sent``, or why a session failed
    detail: str
    queue_id: str
    client: str  #: the address it came from; empty for what was sent


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """How often something became of a partner's mail in one hour."""

    hour: datetime  #: aware, UTC: the hour that begins then
    entry: Entry | None  #: None: of all partners together
    category: Category
    attribution: Attribution | None  #: None: let in or sent, or from before anybody asked whose it was
    tls: str
    count: int


@dataclass(frozen=True, slots=True)
class Client:
    """A server from which a partner's mail has passed, with one of its certificates."""

    entry: Entry
    address: str
    fingerprint: Pin
    first_seen: datetime
    last_seen: datetime
    passed: int


class Outcomes:
    """Asks the history in a state folder; without a file there is nothing to tell.

    Every method raises Problem where the file cannot be read.
    """

    def __init__(self, state: Path) -> None:
        self._path = state / history_file.FILE_NAME

    def latest(self) -> tuple[LatestOutcome, ...]:
        """Return the last of each category, for each partner."""
        return tuple(
            LatestOutcome(Entry(entry), Category[category.upper()], _attribution(whose), _time(time), *rest)
            for entry, category, whose, time, *rest in self._rows("SELECT * FROM latest_outcome")
        )

    def clients(self, entry: Entry | None = None) -> tuple[Client, ...]:
        """Return the servers from which mail has passed, the last seen first."""
        rows = self._rows(
            "SELECT * FROM client WHERE ?1 IS NULL OR entry = ?1 ORDER BY last_seen DESC", (entry,)
        )
        return tuple(
            Client(Entry(found), address, Pin.certificate(digest), _time(first), _time(last), passed)
            for found, address, digest, first, last, passed in rows
        )

    def certificates(self, since: datetime) -> tuple[Sighting, ...]:
        """Return the certificates with which mail has passed ever, and that came from *since* on."""
        rows = self._rows(
            "SELECT sighting.*, der FROM sighting LEFT JOIN certificate USING (fingerprint)"
            " WHERE direction = ?1 AND passed > 0 AND sighting.last_seen >= ?2"
            " ORDER BY sighting.last_seen DESC LIMIT ?3",
            (Direction.RECEIVE, since.timestamp(), _MOST_CERTIFICATES),
        )
        return tuple(map(sighting_of, rows))

    def passed_with(self) -> tuple[tuple[Entry, str, Pin | None], ...]:
        """Return partners with the addresses and certificates with which their mail passed, latest last."""
        return tuple((one.entry, one.address, one.fingerprint) for one in reversed(self.clients()))

    def counts(
        self, since: datetime, until: datetime, entries: tuple[Entry, ...] = ()
    ) -> tuple[CategoryCount, ...]:
        """Return what happened from *since* to before *until*: with each of *entries*, or with all."""
        column = "entry" if entries else "NULL"
        among = f"AND entry IN ({', '.join('?' * len(entries))})" if entries else ""
        period = (int(since.timestamp()), int(until.timestamp()), *entries)
        rows = self._rows(
            f"SELECT hour, {column}, outcome, effect, method, tls, sum(count) FROM hourly"  # noqa: S608 - ours
            f" WHERE hour >= ? AND hour < ? {among} GROUP BY 1, 2, 3, 4, 5, 6",
            period,
        )
        whose = self._rows(
            f"SELECT hour, {column}, category, attribution, sum(count) FROM attributed"  # noqa: S608 - ours
            f" WHERE hour >= ? AND hour < ? {among} GROUP BY 1, 2, 3, 4",
            period,
        )
        return _told_apart(rows, whose)

    def _rows(self, statement: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        opened = history_file.open_to_read(self._path)
        if opened is None:
            return []
        with closing(opened):
            try:
                return opened.execute(statement, tuple(values)).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):  # of an earlier release, until the daemon writes
                    return []
                raise history_file.problem_of(error, self._path) from error
            except (OSError, sqlite3.Error) as error:
                raise history_file.problem_of(error, self._path) from error


@dataclass(frozen=True, slots=True)
class _Counted:
    outcome: str
    effect: str
    method: str


def _told_apart(
    rows: Iterable[tuple[Any, ...]], whose: Iterable[tuple[Any, ...]]
) -> tuple[CategoryCount, ...]:
    """Return the counts of each hour; what is known to be somebody's is taken out of what is nobody's."""
    attributed: dict[tuple[int, str | None, Category], dict[Attribution, int]] = {}
    for hour, entry, category, attribution, count in whose:
        by_whom = attributed.setdefault((hour, entry, Category[category.upper()]), {})
        by_whom[Attribution(attribution)] = count
    found: list[CategoryCount] = []
    for hour, entry, outcome, effect, method, tls, count in rows:
        category = category_of(_Counted(outcome, effect, method))
        left = count
        by_whom = attributed.get((hour, entry, category), {})
        for attribution in tuple(by_whom):
            taken = min(left, by_whom[attribution])
            if taken:
                by_whom[attribution] -= taken
                left -= taken
                found.append(_count(hour, entry, category, attribution, tls, taken))
        if left:
            found.append(_count(hour, entry, category, None, tls, left))
    return tuple(found)


def _count(
    hour: int, entry: str | None, category: Category, attribution: Attribution | None, tls: str, count: int
) -> CategoryCount:
    return CategoryCount(_time(hour), Entry(entry) if entry else None, category, attribution, tls, count)


def _attribution(word: str) -> Attribution | None:
    return Attribution(word) if word else None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

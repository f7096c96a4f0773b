"""Look back: what happened with which partner, and when.

Owns: the questions that can be asked of the history.
Must not know: how an answer is shown.
Invariant: nobody who reads holds up the daemon that writes.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.pin import Pin

from . import counter_sums, history_file
from .counter_sums import NOTHING_COUNTED, Counted
from .seen_hours import InForce, in_force_of

Answer = TypeVar("Answer")

_PAGE = 500
_SUCCESSES = (Verdict.PASS.word, "sent")
_NEITHER = (Verdict.NONE.word, Verdict.EXEMPT.word)


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it was written; *number* grows from record to record."""

    number: int
    time: datetime
    direction: Direction
    kind: str
    queue_id: str
    outcome: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """Which records are wanted; what is empty or None does not narrow it down."""

    direction: Direction | None = None
    entries: tuple[str, ...] = ()  #: list entries
    outcomes: tuple[str, ...] = ()
    queue_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: int = 0  #: the number of a record: only later ones


@dataclass(frozen=True, slots=True)
class HourlyCount:
    """How often the same thing happened in one hour."""

    hour: datetime  #: aware, UTC: the hour that begins then
    direction: Direction
    entry: Entry
    outcome: str
    effect: str
    method: str
    tls: str
    count: int


@dataclass(frozen=True, slots=True)
class Activity:
    """How often something went well, or did not, in one hour."""

    hour: datetime  #: aware, UTC: the hour that begins then
    direction: Direction
    entry: Entry | None  #: None: of all partners together
    is_success: bool
    count: int


@dataclass(frozen=True, slots=True)
class Latest:
    """The last success or the last failure of one partner in one direction."""

    direction: Direction
    entry: Entry
    is_success: bool
    time: datetime
    outcome: str
    detail: str
    queue_id: str
    is_hour: bool = False  #: *time* is the hour alone, and nothing more is known


@dataclass(frozen=True, slots=True)
class Sighting:
    """One certificate that came with a partner's name, and how often it passed and failed."""

    direction: Direction
    entry: Entry
    fingerprint: Pin
    first_seen: datetime
    last_seen: datetime
    passed: int
    failed: int
    certificate: Certificate | None  #: its content, where that was known


def sighting_of(row: tuple[Any, ...]) -> Sighting:
    """Return one row of ``sighting`` with the certificate's content, or None, at its end."""
    direction, entry, digest, first, last, passed, failed, der = row
    fingerprint = Pin.certificate(digest)
    times = _time(first), _time(last)
    return Sighting(
        Direction(direction), Entry(entry), fingerprint, *times, passed, failed, _certificate(der)
    )


class History:
    """The history in one file; each question opens it anew, and none is answered with a file that is bad.

    Without a file there is nothing to tell, which is no error.  Every method raises Problem.
    """

    def __init__(self, state: Path) -> None:
        self.path = state / history_file.FILE_NAME

    def records(self, query: RecordQuery = RecordQuery()) -> Iterator[Record]:
        """Yield the records that fit, oldest first."""
        after = query.after
        while page := self._page(query, after):
            yield from page
            after = page[-1].number

    def last_records(self, query: RecordQuery, count: int) -> tuple[Record, ...]:
        """Return the last *count* records that fit, oldest first."""
        return self._page(query, query.after, count)[::-1]

    def last_number(self) -> int:
        """Return the number of the last record, 0 where there is none."""
        rows = self._rows("SELECT coalesce(max(number), 0) FROM record")
        return int(rows[0][0]) if rows else 0

    def hourly(self, since: datetime, until: datetime, entry: Entry | None = None) -> tuple[HourlyCount, ...]:
        """Return the counts of the hours that begin from *since* to before *until*, oldest first."""
        rows = self._rows(
            "SELECT * FROM hourly WHERE hour >= ?1 AND hour < ?2 AND (?3 IS NULL OR entry = ?3)"
            " ORDER BY hour",
            (int(since.timestamp()), int(until.timestamp()), entry),
        )
        return tuple(
            HourlyCount(_time(hour), Direction(direction), Entry(entry), *rest)
            for hour, direction, entry, *rest in rows
        )

    def outcomes(self, direction: Direction) -> dict[tuple[Entry, str, str], int]:
        """Return how often each outcome and effect came about with each partner, in all hours together."""
        rows = self._rows(
            "SELECT entry, outcome, effect, sum(count) FROM hourly WHERE direction = ? GROUP BY 1, 2, 3",
            (direction,),
        )
        return {(Entry(entry), outcome, effect): count for entry, outcome, effect, count in rows}

    def first_hour(self) -> datetime | None:
        """Return the first hour of which there are counts, or None where there is none."""
        rows = self._rows("SELECT min(hour) FROM hourly")
        return None if not rows or rows[0][0] is None else _time(rows[0][0])

    def activity(
        self, since: datetime, until: datetime, entries: tuple[Entry, ...] = ()
    ) -> tuple[Activity, ...]:
        """Return what happened from *since* to before *until*: with each of *entries*, or with all."""
        column = "entry" if entries else "NULL"
        among = f"AND entry IN ({_marks(entries)})" if entries else ""
        rows = self._rows(
            f"SELECT hour, direction, {column}, outcome IN ({_marks(_SUCCESSES)}), sum(count)"  # noqa: S608 - ours
            f" FROM hourly WHERE hour >= ? AND hour < ? AND outcome NOT IN ({_marks(_NEITHER)}) {among}"
            " GROUP BY 1, 2, 3, 4 ORDER BY hour",
            (*_SUCCESSES, int(since.timestamp()), int(until.timestamp()), *_NEITHER, *entries),
        )
        return tuple(
            Activity(_time(hour), Direction(direction), entry and Entry(entry), bool(good), count)
            for hour, direction, entry, good, count in rows
        )

    def latest(self) -> tuple[Latest, ...]:
        """Return the last success and the last failure of each partner and direction."""
        return tuple(
            Latest(Direction(direction), Entry(entry), bool(good), _time(time), *rest)
            for direction, entry, good, time, *rest in self._rows("SELECT * FROM latest")
        )

    def sightings(self, since: datetime, entry: Entry | None = None) -> tuple[Sighting, ...]:
        """Return the certificates seen from *since* on, in the order in which they came up."""
        rows = self._rows(
            "SELECT sighting.*, der FROM sighting LEFT JOIN certificate USING (fingerprint)"
            " WHERE sighting.last_seen >= ?1 AND (?2 IS NULL OR entry = ?2) ORDER BY first_seen",
            (since.timestamp(), entry),
        )
        return tuple(map(sighting_of, rows))

    def seen_since(self) -> datetime | None:
        """Return from when on seen() tells everything; None for a file that has nothing of that kind."""
        rows = self._rows("SELECT time FROM seen_since") if self._has("seen_since") else []
        return _time(rows[0][0]) if rows else None

    def seen(
        self, since: datetime, until: datetime, entry: Entry | None = None
    ) -> tuple[tuple[Sighting, ...], bool]:
        """Return the certificates seen in the hours that begin from *since* to before *until*.

        Times and numbers are those of these hours.  Also returns whether there were more than are kept.
        """
        if not self._has("seen"):
            return (), False
        rows = self._rows(
            "SELECT direction, entry, fingerprint, min(first_seen), max(seen.last_seen), sum(passed),"
            " sum(failed), der FROM seen LEFT JOIN certificate USING (fingerprint)"
            " WHERE hour >= ?1 AND hour < ?2 AND (?3 IS NULL OR entry = ?3)"
            " GROUP BY direction, entry, fingerprint ORDER BY 4",
            (int(since.timestamp()), until.timestamp(), entry),
        )
        found = [row for row in rows if row[2]]
        return tuple(
            Sighting(
                Direction(direction),
                Entry(one),
                Pin.certificate(digest),
                _time(first),
                _time(last),
                passed,
                failed,
                _certificate(der),
            )
            for direction, one, digest, first, last, passed, failed, der in found
        ), len(found) < len(rows)

    def in_force(self, since: datetime, until: datetime) -> tuple[InForce, ...]:
        """Return the configuration in force at *since*, and each that came before *until*, oldest first."""
        if not self._has("in_force"):
            return ()
        rows = self._rows(
            "SELECT time, revision, files FROM in_force WHERE time < ?2 AND time >="
            " coalesce((SELECT max(time) FROM in_force WHERE time <= ?1), 0) ORDER BY time",
            (since.timestamp(), until.timestamp()),
        )
        return in_force_of(tuple(row) for row in rows)

    def certificates(self, fingerprints: Iterable[Pin]) -> dict[Pin, Certificate]:
        """Return those of the certificates that are kept and can be read."""
        found: dict[Pin, Certificate] = {}
        for fingerprint in fingerprints:
            rows = self._rows("SELECT der FROM certificate WHERE fingerprint = ?", (fingerprint.digest,))
            if rows and (certificate := _certificate(rows[0][0])):
                found[fingerprint] = certificate
        return found

    def counted(self) -> Counted:
        """Return the sums of the daemon's counters as they were kept last."""
        return self._read(counter_sums.read, NOTHING_COUNTED)

    def span(self) -> tuple[datetime, datetime] | None:
        """Return the times of the first and of the last record, or None where there is none."""
        rows = self._rows("SELECT min(time), max(time) FROM record")
        return None if not rows or rows[0][0] is None else (_time(rows[0][0]), _time(rows[0][1]))

    def _has(self, table: str) -> bool:
        return bool(self._rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)))

    def _page(self, query: RecordQuery, after: int, last: int | None = None) -> tuple[Record, ...]:
        conditions, values = _conditions(query)
        order = "ASC" if last is None else "DESC"
        rows = self._rows(
            "SELECT number, time, direction, kind, queue_id, outcome, document FROM record"  # noqa: S608 - ours
            f" WHERE number > ? {conditions} ORDER BY number {order} LIMIT ?",
            (after, *values, _PAGE if last is None else last),
        )
        return tuple(
            Record(number, _time(time), Direction(direction), kind, queue_id, outcome, parse_json(document))
            for number, time, direction, kind, queue_id, outcome, document in rows
        )

    def _rows(self, statement: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        return self._read(lambda opened: opened.execute(statement, tuple(values)).fetchall(), [])

    def _read(self, ask: Callable[[sqlite3.Connection], Answer], nothing: Answer) -> Answer:
        opened = history_file.open_to_read(self.path)
        if opened is None:
            return nothing
        with closing(opened):
            try:
                return ask(opened)
            except (OSError, sqlite3.Error) as error:
                raise history_file.problem_of(error, self.path) from error


def _conditions(query: RecordQuery) -> tuple[str, list[object]]:
    """Return the narrowing conditions in SQL, each with its leading AND, and their values."""
    given: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("direction = ?", (query.direction,) if query.direction else ()),
        (f"outcome IN ({_marks(query.outcomes)})", query.outcomes),
        (
            f"number IN (SELECT number FROM record_entry WHERE entry IN ({_marks(query.entries)}))",  # noqa: S608 - ours
            query.entries,
        ),
        ("queue_id = ?", (query.queue_id,) if query.queue_id is not None else ()),
        ("time >= ?", (query.since.timestamp(),) if query.since else ()),
        ("time < ?", (query.until.timestamp(),) if query.until else ()),
    )
    used = [(condition, values) for condition, values in given if values]
    return " ".join(f"AND {condition}" for condition, _ in used), [
        one for _, values in used for one in values
    ]


def _marks(values: tuple[str, ...]) -> str:
    return ", ".join("?" * len(values))


def _certificate(der: bytes | None) -> Certificate | None:
    try:
        return parse(der) if der else None
    except MalformedCertificateError:
        return None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

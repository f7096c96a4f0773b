"""Write the history: whole batches, bounded in age and size.

Owns: what a batch becomes in the tables, and what gives way when there is too much.
Must not know: what the documents say.
Invariants: a batch is in the history whole or not at all; hours outlive records; there is one writer.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.configuration.configuration import Retention
from domain_secure.policy.record.history_item import Count, HistoryItem
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry

from . import counter_sums, history_file, outcome_tables, seen_hours
from .counter_sums import NOTHING_COUNTED, Counted
from .seen_hours import InForce

_HOUR = 3600
_DAY = 24 * _HOUR
_CERTIFICATE_SECONDS = 3600.0  #: how exactly it is known when a certificate was last in use
_REMEMBERED = 4096
# Partners have a handful; a stranger who claims to be one can show a new certificate each time.
_SIGHTINGS = 100
_ROWS_AT_A_TIME = 5000  #: to drop: some tens of milliseconds
_PAGES_AT_A_TIME = 2000
_MEGABYTE = 1024 * 1024
_encoded = json.JSONEncoder(separators=(",", ":")).encode


class HistoryWriter:
    """The one writer; for one thread.  Every method raises sqlite3.Error or OSError where the file is bad."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None
        self._kept: dict[str, float] = {}

    def write(
        self,
        items: Sequence[HistoryItem],
        counted: Counted = NOTHING_COUNTED,
        in_force: InForce | None = None,
    ) -> None:
        """Write a batch, and with it the counters' sums and the configuration in force, in one transaction.

        Also raises UnusableHistoryError.
        """
        connection = self._opened()
        kept = dict(self._kept)
        about: list[tuple[int | None, Entry]] = []
        with _transaction(connection):
            for item in items:
                if item.document is not None:
                    about += _insert_record(connection, item)
                self._keep_certificates(connection, item, kept)
            connection.executemany("INSERT OR IGNORE INTO record_entry VALUES (?, ?)", about)
            _add_hours(connection, items)
            _note_latest(connection, items)
            _note_sightings(connection, items)
            seen_hours.note(connection, tuple(_each(items)))
            counter_sums.keep(connection, counted)
            outcome_tables.note(connection, list(_each(items)))
            if in_force is not None:
                seen_hours.note_in_force(connection, in_force)
        self._kept = kept if len(kept) < _REMEMBERED else {}

    @property
    def is_in_place(self) -> bool:
        """Tell whether the file is the one that was written to last."""
        if self._connection is None:
            return False
        with suppress(FileNotFoundError):
            return self.path.stat().st_ino == self._inode
        return False

    def prune(self, retention: Retention, now: datetime) -> bool:
        """Drop some of what is too old or too much; returns whether there is more to drop."""
        connection = self._opened()
        present = now.timestamp()
        oldest = present - retention.days * _DAY
        # Hours outlive records.
        oldest_hour = int(present - max(retention.days, retention.summary_days) * _DAY)
        with _transaction(connection):
            dropped = _drop_records(connection, "WHERE time < ? ORDER BY time", oldest)
            dropped += _drop_hours(connection, oldest_hour)
            if not dropped and _octets(connection) > retention.megabytes * _MEGABYTE:
                # Records first: the counts are small, and what an auditor asks for last.
                dropped += _drop_records(connection, "ORDER BY number") or _drop_oldest_hours(connection)
            # What passed is worth as much to an auditor as the hours in which it did.
            connection.execute(
                "DELETE FROM certificate WHERE last_seen < ? AND fingerprint NOT IN"
                " (SELECT fingerprint FROM sighting WHERE passed > 0)",
                (oldest - _CERTIFICATE_SECONDS,),
            )
            seen_hours.drop(connection, oldest_hour)
            connection.execute("DELETE FROM sighting WHERE last_seen < ?", (oldest_hour,))
            connection.execute("DELETE FROM latest WHERE time < ?", (oldest_hour,))
            outcome_tables.drop(connection, oldest_hour)
        self._kept.clear()
        # As a script: execute() takes one step of this statement, which frees one page.
        connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_A_TIME})")
        return dropped > 0

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def __del__(self) -> None:
        """Close the file with its last user."""
        self.close()

    def set_aside(self) -> Path:
        """Move the file out of the way, so that the next batch starts a new one; raises OSError."""
        self.close()
        self._kept.clear()
        return history_file.set_aside(self.path)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None:
            if self.is_in_place:
                return self._connection
            # Somebody has moved the file away: what is written from now on belongs into the new one.
            self.close()
        self._kept.clear()
        self._connection = history_file.open_to_write(self.path)
        self._inode = self.path.stat().st_ino
        return self._connection

    def _keep_certificates(
        self, connection: sqlite3.Connection, item: HistoryItem, kept: dict[str, float]
    ) -> None:
        seen = item.time.timestamp()
        for certificate in item.certificates:
            digest = certificate.certificate_pin.digest
            if seen - kept.get(digest, 0.0) > _CERTIFICATE_SECONDS:
                kept[digest] = seen
                _upsert_certificate(connection, digest, certificate, seen)


class _transaction:  # noqa: N801 - used as a verb
    """A transaction that takes the write lock at once, and leaves nothing behind where it fails."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                self._roll_back()
                raise
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        # SQLite may have done so by itself, on a full disk for one.
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")


def _insert_record(connection: sqlite3.Connection, item: HistoryItem) -> list[tuple[int | None, Entry]]:
    """Insert a record, and return its number with each partner that it is about."""
    number = connection.execute(
        "INSERT INTO record (time, direction, kind, queue_id, outcome, document) VALUES (?, ?, ?, ?, ?, ?)",
        (
            item.time.timestamp(),
            item.direction,
            item.kind,
            item.queue_id,
            item.outcome,
            _encoded(item.document),
        ),
    ).lastrowid
    return [(number, count.entry) for count in item.counts]


def _upsert_certificate(
    connection: sqlite3.Connection, digest: str, certificate: Certificate, seen: float
) -> None:
    connection.execute(
        "INSERT INTO certificate VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO UPDATE SET last_seen = max(last_seen, ?3)",
        (digest, certificate.der, seen),
    )


def _each(items: Iterable[HistoryItem]) -> Iterable[tuple[HistoryItem, Count]]:
    return ((item, count) for item in items if item.is_counted for count in item.counts)


def _add_hours(connection: sqlite3.Connection, items: Sequence[HistoryItem]) -> None:
    counted = Counter(
        (
            int(item.time.timestamp()) // _HOUR * _HOUR,
            str(item.direction),
            count.entry,
            count.outcome,
            count.effect,
            count.method,
            count.tls,
        )
        for item, count in _each(items)
    )
    connection.executemany(
        "INSERT INTO hourly VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET count = count + excluded.count",
        [(*key, number) for key, number in counted.items()],
    )


def _note_latest(connection: sqlite3.Connection, items: Sequence[HistoryItem]) -> None:
    latest = {
        (item.direction, count.entry, count.is_success): (
            str(item.direction),
            count.entry,
            count.is_success,
            item.time.timestamp(),
            count.outcome,
            count.detail,
            item.queue_id,
        )
        for item, count in _each(items)
        if count.is_success is not None
    }
    connection.executemany("INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?, ?, ?)", latest.values())


def _note_sightings(connection: sqlite3.Connection, items: Sequence[HistoryItem]) -> None:
    seen: dict[tuple[Direction, Entry, str], list[float]] = {}
    for item, count in _each(items):
        if count.certificate is not None:
            time = item.time.timestamp()
            row = seen.setdefault(
                (item.direction, count.entry, count.certificate.digest), [time, time, 0.0, 0.0]
            )
            row[1] = time
            row[2 if count.is_success else 3] += 1
    connection.executemany(
        "INSERT INTO sighting VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " last_seen = max(last_seen, excluded.last_seen), passed = passed + excluded.passed,"
        " failed = failed + excluded.failed",
        [
            (*map(str, key), first, last, int(good), int(bad))
            for key, (first, last, good, bad) in seen.items()
        ],
    )
    connection.executemany(
        "DELETE FROM sighting WHERE direction = ?1 AND entry = ?2 AND fingerprint IN (SELECT fingerprint FROM"
        " sighting WHERE direction = ?1 AND entry = ?2 ORDER BY passed > 0 DESC, last_seen DESC"
        " LIMIT -1 OFFSET ?3)",
        [(direction, entry, _SIGHTINGS) for direction, entry in {(str(one[0]), one[1]) for one in seen}],
    )


def _drop_records(connection: sqlite3.Connection, which: str, *values: float) -> int:
    numbers = connection.execute(
        f"SELECT number FROM record {which} LIMIT ?",  # noqa: S608 - ours
        (*values, _ROWS_AT_A_TIME),
    ).fetchall()
    if numbers:
        connection.executemany("DELETE FROM record WHERE number = ?", numbers)
        connection.executemany("DELETE FROM record_entry WHERE number = ?", numbers)
    return len(numbers)


def _drop_hours(connection: sqlite3.Connection, oldest: int) -> int:
    return connection.execute("DELETE FROM hourly WHERE hour < ?", (oldest,)).rowcount


def _drop_oldest_hours(connection: sqlite3.Connection) -> int:
    (first,) = connection.execute("SELECT min(hour) FROM hourly").fetchone()
    if first is None:
        return 0
    seen_hours.drop(connection, first + _DAY)
    return _drop_hours(connection, first + _DAY)


def _octets(connection: sqlite3.Connection) -> int:
    sizes = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _SIZES]
    return int((sizes[0] - sizes[1]) * sizes[2])


_SIZES = ("page_count", "freelist_count", "page_size")

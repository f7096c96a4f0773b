"""Which certificates came in which hour, and which configuration was in force from when on.

Owns: these tables, which let a report tell of its period alone; they are kept as long as the hours.
Must not know: how a report looks.
Invariant: since when a table is kept is known; what was before is not taken for nothing.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from domain_secure.policy.record.history_item import Count, HistoryItem
from domain_secure.policy.terms.kept_json import parse_json

SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
    hour INTEGER NOT NULL,                     -- seconds since 1970 at which it begins
    direction TEXT NOT NULL,
    entry TEXT NOT NULL,
    fingerprint TEXT NOT NULL,                 -- SHA-256 of the certificate; empty: what is beyond the most
    first_seen REAL NOT NULL,
    last_seen REAL NOT NULL,
    passed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (hour, direction, entry, fingerprint)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS in_force (
    time REAL NOT NULL,                        -- from then on
    revision TEXT NOT NULL,
    files TEXT NOT NULL,                       -- JSON: the SHA-256 of each file, by path
    PRIMARY KEY (time)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen_since (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    time REAL NOT NULL                         -- what came before is not in seen
);
"""
_HOUR = 3600
# Partners have a handful; a stranger who claims to be one can show a new certificate each time.
_MOST = 100


@dataclass(frozen=True, slots=True)
class InForce:
    """One configuration, from *since* on."""

    since: datetime  #: aware, UTC
    revision: str  #: of the fleet's policy, or what stands for the files; the same exactly when they are
    files: Mapping[str, str]  #: SHA-256 by path, in hexadecimal


def add_tables(connection: sqlite3.Connection, *, is_new: bool) -> None:
    """Make what is missing in a file, which *is_new* or of an earlier version; raises sqlite3.Error."""
    connection.executescript(SCHEMA)
    begin = 0.0 if is_new else time.time()
    connection.execute("INSERT OR IGNORE INTO seen_since VALUES (1, ?)", (begin,))


def note(connection: sqlite3.Connection, counted: Sequence[tuple[HistoryItem, Count]]) -> None:
    """Take in a batch, inside its transaction."""
    rows: dict[tuple[int, str, str, str], list[float]] = {}
    for item, count in counted:
        if count.certificate is None:
            continue
        moment = item.time.timestamp()
        key = (int(moment) // _HOUR * _HOUR, str(item.direction), count.entry, count.certificate.digest)
        row = rows.setdefault(key, [moment, moment, 0, 0])
        row[0], row[1] = min(row[0], moment), max(row[1], moment)
        row[2 if count.is_success else 3] += 1
    connection.executemany(
        "INSERT INTO seen VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen),"
        " passed = passed + excluded.passed, failed = failed + excluded.failed",
        [(*key, first, last, int(good), int(bad)) for key, (first, last, good, bad) in rows.items()],
    )
    for hour in {key[:3] for key in rows}:
        _fold(connection, hour)


def _fold(connection: sqlite3.Connection, hour: tuple[int, str, str]) -> None:
    """Count as one what is beyond the most certificates of one hour."""
    beyond = connection.execute(
        "SELECT fingerprint, first_seen, last_seen, passed, failed FROM seen WHERE hour = ? AND direction = ?"
        " AND entry = ? ORDER BY fingerprint = '' DESC, passed > 0 DESC, first_seen LIMIT -1 OFFSET ?",
        (*hour, _MOST + 1),
    ).fetchall()
    for fingerprint, *row in beyond:
        connection.execute(
            "DELETE FROM seen WHERE hour = ? AND direction = ? AND entry = ? AND fingerprint = ?",
            (*hour, fingerprint),
        )
        connection.execute(
            "INSERT INTO seen VALUES (?, ?, ?, '', ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " first_seen = min(first_seen, excluded.first_seen),"
            " last_seen = max(last_seen, excluded.last_seen),"
            " passed = passed + excluded.passed, failed = failed + excluded.failed",
            (*hour, *row),
        )


def note_in_force(connection: sqlite3.Connection, present: InForce) -> None:
    """Write down a configuration unless it is the one that was written last."""
    last = connection.execute("SELECT revision FROM in_force ORDER BY time DESC LIMIT 1").fetchone()
    if last is None or last[0] != present.revision:
        connection.execute(
            "INSERT OR REPLACE INTO in_force VALUES (?, ?, ?)",
            (present.since.timestamp(), present.revision, json.dumps(dict(present.files))),
        )


def drop(connection: sqlite3.Connection, oldest: int) -> None:
    """Forget what was before *oldest*, in seconds since 1970, but not what was in force then."""
    connection.execute("DELETE FROM seen WHERE hour < ?", (oldest,))
    connection.execute(
        "DELETE FROM in_force WHERE time < (SELECT max(time) FROM in_force WHERE time < ?)", (oldest,)
    )


def in_force_of(rows: Iterable[tuple[float, str, str]]) -> tuple[InForce, ...]:
    """Return rows of ``in_force`` as they are told."""
    return tuple(
        InForce(datetime.fromtimestamp(moment, UTC), revision, parse_json(files))
        for moment, revision, files in rows
    )

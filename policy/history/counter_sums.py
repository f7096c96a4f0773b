"""The sums of the daemon's counters, which outlive it beside the hours that they were counted in.

Owns: the table they are kept in, and what stands for them where none were kept yet.
Must not know: what the counters are called, who shows them.
Invariant: a kept sum never falls, whatever is written: who reads it again after a crash finds no less than
what was shown, as long as what is shown was written before.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from domain_secure.policy.terms.kept_json import parse_json

SCHEMA = """
CREATE TABLE IF NOT EXISTS counter (
    name TEXT NOT NULL,
    labels TEXT NOT NULL,                      -- JSON: the values, in the order of the counter's labels
    value INTEGER NOT NULL,
    PRIMARY KEY (name, labels)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counting (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    since REAL NOT NULL                        -- seconds since 1970
);
"""

CounterKey = tuple[str, ...]  #: the counter's name, and the values of its labels


@dataclass(frozen=True, slots=True)
class Counted:
    """Every sum, and since when it is counted; *since* is None where nothing was kept yet."""

    sums: Mapping[CounterKey, int] = field(default_factory=dict)
    since: datetime | None = None


NOTHING_COUNTED = Counted()


def read(connection: sqlite3.Connection) -> Counted:
    """Return what is kept; a file without the tables holds nothing.  Raises sqlite3.Error."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'counting'").fetchone()
    begin = connection.execute("SELECT since FROM counting").fetchone() if known else None
    if begin is None:
        return NOTHING_COUNTED
    rows = connection.execute("SELECT name, labels, value FROM counter")
    return Counted(
        {(name, *parse_json(labels)): value for name, labels, value in rows},
        datetime.fromtimestamp(begin[0], UTC),
    )


def keep(connection: sqlite3.Connection, counted: Counted) -> None:
    """Keep these sums, each where it is more than what is kept; raises sqlite3.Error."""
    if counted.since is not None:
        connection.execute(
            "INSERT INTO counting VALUES (1, ?1) ON CONFLICT DO UPDATE SET since = min(since, ?1)",
            (counted.since.timestamp(),),
        )
    connection.executemany(
        "INSERT INTO counter VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
        [(name, json.dumps(labels), value) for (name, *labels), value in counted.sums.items()],
    )

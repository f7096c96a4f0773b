"""What is kept of Postfix's log over a restart: the sums, the position, and what is under way, in one commit.

Owns: the file and its one transaction.
Must not know: how lines are read or counted.
Invariant: the three belong together.  Whoever was killed at any moment resumes behind exactly those lines
that are in the sums.  After a power cut the last seconds may be missing, of all three alike, and are read
again.
Source: sqlite.org/wal.html.
"""

import json
import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.policy.files import held_database, state_folder
from domain_secure.policy.sending.delivery_counts import CountKey, OutboundCounter
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import NoPermission, Problem

from .log_source import Position

FILE_NAME = "deliveries.sqlite"  #: in the state folder
_BUSY_SECONDS = 5.0
_VERSION = 1
_SCHEMA = """
CREATE TABLE sum (
    counter TEXT NOT NULL,
    entry TEXT NOT NULL,
    reason TEXT NOT NULL,            -- empty but for failed sessions
    value INTEGER NOT NULL,
    PRIMARY KEY (counter, entry, reason)
);
CREATE TABLE reading (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position TEXT NOT NULL,          -- JSON, of the source
    tracker TEXT NOT NULL            -- JSON, of the tracker
);
"""

_SINCE = "CREATE TABLE IF NOT EXISTS counting (one INTEGER PRIMARY KEY CHECK (one = 1), since REAL NOT NULL)"

Sums = Mapping[CountKey, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """Where the reading of the log stands."""

    sums: Sums
    position: Position | None  #: None: nothing was read yet
    tracker: dict[str, Any] | None


def read_sums(state: Path) -> tuple[Sums, datetime | None]:
    """Return the sums as they were committed last, and since when they are counted; raises Problem.

    For who only looks: nothing is made where nothing is, and the writer is not held up.
    """
    path = state / FILE_NAME
    try:
        if not path.exists():
            return {}, None
        with closing(held_database.connect(path, timeout=_BUSY_SECONDS, read_only=True)) as connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'counting'").fetchone()
            return _sums(connection), _since(connection) if known else None
    except PermissionError as error:
        raise NoPermission("no permission to read the outbound counters", str(path)) from error
    except (sqlite3.Error, OSError, ValueError) as error:
        raise Problem(
            f"cannot read the outbound counters ({error})", str(path), "start the daemon"
        ) from error


class DeliveryLedger:
    """The one writer's access; made where there is none.  Every method raises Problem."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE_NAME
        self._known: dict[CountKey, int] = {}
        try:
            state_folder.make(state)
            # What is under way includes lines of the log, with addresses.
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o640))
            self._connection = held_database.connect(self._path, timeout=_BUSY_SECONDS)
            try:
                self._prepare()
            except BaseException:
                self.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise _problem(self._path, error) from error

    def load(self) -> Reading:
        """Return what was committed last."""
        try:
            sums = _sums(self._connection)
            row = self._connection.execute("SELECT position, tracker FROM reading").fetchone()
        except (sqlite3.Error, ValueError) as error:
            raise _problem(self._path, error) from error
        self._known = dict(sums)
        if row is None:
            return Reading(sums, None, None)
        return Reading(sums, parse_json(row[0]), parse_json(row[1]))

    def since(self) -> datetime | None:
        """Return since when the sums are counted; None for a file of a version that did not write it down."""
        try:
            self._connection.execute(_SINCE)
            return _since(self._connection)
        except sqlite3.Error as error:
            raise _problem(self._path, error) from error

    def commit(self, reading: Reading) -> None:
        """Keep a reading, as a whole or not at all."""
        changed = [(*key, value) for key, value in reading.sums.items() if self._known.get(key) != value]
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany("INSERT OR REPLACE INTO sum VALUES (?, ?, ?, ?)", changed)
                self._connection.execute(
                    "INSERT OR REPLACE INTO reading VALUES (1, ?, ?)",
                    (json.dumps(reading.position), json.dumps(reading.tracker)),
                )
        except sqlite3.Error as error:
            raise _problem(self._path, error) from error
        self._known = dict(reading.sums)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _prepare(self) -> None:
        # Readers do not wait for the writer; and no commit waits for the disk, which mail needs more.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in (*_SCHEMA.split(";\n"), _SINCE):
                    self._connection.execute(statement)
                self._connection.execute("INSERT INTO counting VALUES (1, ?)", (time.time(),))
                self._connection.execute(f"PRAGMA user_version = {_VERSION}")
            elif version != _VERSION:
                raise Problem(
                    f"the outbound counters have format {version}, and this version reads format {_VERSION}",
                    str(self._path),
                    "install the version that wrote it, or move the file away: the counters begin at 0 then",
                )


def _since(connection: sqlite3.Connection) -> datetime | None:
    row = connection.execute("SELECT since FROM counting").fetchone()
    return None if row is None else datetime.fromtimestamp(row[0], UTC)


def _sums(connection: sqlite3.Connection) -> dict[CountKey, int]:
    return {
        CountKey(OutboundCounter(counter), Entry(entry), reason): value
        for counter, entry, reason, value in connection.execute(
            "SELECT counter, entry, reason, value FROM sum"
        )
    }


def _problem(path: Path, error: Exception) -> Problem:
    return Problem(
        f"cannot keep the outbound counters ({error})",
        str(path),
        "make it and its folder writable for the user domain-secure, and see that the disk is not full; "
        "a damaged file may be moved away: the counters begin at 0 then",
    )

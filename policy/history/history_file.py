"""The file of the history: SQLite, written by the daemon alone, read by whoever looks back.

Owns: the schema, making the file, opening it, and what the operator is told when that fails.
Must not know: what the rows mean, when they are written or dropped.
Invariant: readable and writable for its owner, the daemon's user, and for root only.
Source: sqlite.org/wal.html, sqlite.org/pragma.html.
"""

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from domain_secure.policy.files import atomic_file, held_database, state_file, state_folder
from domain_secure.policy.files.held_folder import UntrustedEntryError
from domain_secure.policy.terms.problems import ExitStatus, NoPermission, Problem

from . import counter_sums, seen_hours

FILE_NAME = "history.sqlite"  #: in the state folder
FORMAT = 1
MODE = 0o600
_BESIDE = ("-wal", "-shm")  #: what SQLite keeps next to the file
_BUSY_SECONDS = 5.0
# The log file is cut back to this after each checkpoint; a reader that takes long lets it grow meanwhile.
_LOG_OCTETS = 16 * 1024 * 1024
_CACHE_KIBIBYTES = 512  #: the ends of the tables; SQLite's own 2 MiB would stay in the daemon's memory
_SCHEMA = """
CREATE TABLE record (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- in the order of writing, and never used twice
    time REAL NOT NULL,                        -- seconds since 1970, as in all tables
    direction TEXT NOT NULL,
    kind TEXT NOT NULL,
    queue_id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    document TEXT NOT NULL                     -- JSON
);
CREATE INDEX record_time ON record (time);
CREATE INDEX record_queue_id ON record (queue_id);
CREATE TABLE record_entry (
    number INTEGER NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (number, entry)
) WITHOUT ROWID;
CREATE INDEX record_entry_entry ON record_entry (entry, number);
CREATE TABLE hourly (
    hour INTEGER NOT NULL,                     -- seconds since 1970 at which it begins
    direction TEXT NOT NULL,
    entry TEXT NOT NULL,
    outcome TEXT NOT NULL,
    effect TEXT NOT NULL,
    method TEXT NOT NULL,
    tls TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, direction, entry, outcome, effect, method, tls)
) WITHOUT ROWID;
CREATE INDEX hourly_entry ON hourly (entry, hour);
CREATE TABLE latest (
    direction TEXT NOT NULL,
    entry TEXT NOT NULL,
    is_success INTEGER NOT NULL,
    time REAL NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    queue_id TEXT NOT NULL,
    PRIMARY KEY (direction, entry, is_success)
) WITHOUT ROWID;
CREATE TABLE certificate (
    fingerprint TEXT PRIMARY KEY,              -- SHA-256 of the certificate
    der BLOB NOT NULL,
    last_seen REAL NOT NULL
);
CREATE TABLE sighting (
    direction TEXT NOT NULL,
    entry TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    first_seen REAL NOT NULL,
    last_seen REAL NOT NULL,
    passed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (direction, entry, fingerprint)
) WITHOUT ROWID;
"""
# What came later; a history without these is one of an earlier release, and gains them.
_ADDED = """
CREATE TABLE IF NOT EXISTS latest_outcome (
    entry TEXT NOT NULL,
    category TEXT NOT NULL,
    attribution TEXT NOT NULL,                 -- whose it was; empty where it was let in, or sent
    time REAL NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    queue_id TEXT NOT NULL,
    client TEXT NOT NULL,                      -- address; empty for what was sent
    PRIMARY KEY (entry, category, attribution)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attributed (
    hour INTEGER NOT NULL,
    entry TEXT NOT NULL,
    category TEXT NOT NULL,
    attribution TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, entry, category, attribution)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS client (
    entry TEXT NOT NULL,
    address TEXT NOT NULL,
    fingerprint TEXT NOT NULL,                 -- SHA-256 of its certificate
    first_seen REAL NOT NULL,
    last_seen REAL NOT NULL,
    passed INTEGER NOT NULL,
    PRIMARY KEY (entry, address, fingerprint)
) WITHOUT ROWID;
"""


class UnusableHistoryError(Exception):
    """The file is damaged, of another format, or not ours: it has to make way for a new one."""


def make(path: Path) -> None:
    """Put an empty history in place, whole, and owned like its folder; raises OSError, sqlite3.Error."""
    state_folder.make(path.parent)
    with tempfile.TemporaryDirectory() as folder:
        blank = Path(folder, "history")
        with closing(sqlite3.connect(blank, isolation_level=None)) as connection:
            # Readers do not wait for the writer; both choices are kept in the file.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
            _add_tables(connection, is_new=True)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        content = blank.read_bytes()
    with atomic_file.writer_lock(path.parent):
        for suffix in _BESIDE:
            # Of a file that somebody moved away: its log would be taken for this one's.
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        state_file.replace(path.parent, path.name, content, default_mode=MODE)


def open_to_write(path: Path) -> sqlite3.Connection:
    """Return the history open for its one writer, made where there is none.

    Raises UnusableHistoryError, sqlite3.Error and OSError.
    """
    if not path.exists():
        make(path)
    elif path.is_file() and not os.access(path, os.R_OK | os.W_OK):
        raise UnusableHistoryError("the history belongs to another user")
    connection = held_database.connect(path, timeout=_BUSY_SECONDS)
    try:
        _check_format(connection)
        _add_tables(connection, is_new=False)
        # What is committed survives ``kill -9``; a power cut may cost the last seconds, and no flush of the
        # mail server's disk is spent on that.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_OCTETS}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _add_tables(connection: sqlite3.Connection, *, is_new: bool) -> None:
    """Make the tables that a file of an earlier version has not; raises sqlite3.Error."""
    connection.executescript(counter_sums.SCHEMA + _ADDED)
    seen_hours.add_tables(connection, is_new=is_new)


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether an error means that the file itself is bad, rather than the moment."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def fault(path: Path) -> str | None:
    """Return why the history cannot be read, or None; one that is not there yet is none."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        return f"{path}: {error}"
    return None


def set_aside(path: Path) -> Path:
    """Move an unusable history out of the way, over the one that was set aside before; raises OSError."""
    target = path.with_name(f"{path.name}.set-aside")
    for suffix in _BESIDE:
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.replace(target.with_name(target.name + suffix))
        else:
            with suppress(FileNotFoundError):
                target.with_name(target.name + suffix).unlink()
    path.replace(target)
    return target


def open_to_read(path: Path) -> sqlite3.Connection | None:
    """Return the history open for reading, or None where there is none yet; raises Problem."""
    try:
        if not state_file.is_there(path):
            return None
        if not path.is_symlink() and not os.access(path, os.R_OK):
            raise NoPermission("no permission to read the history", str(path))
        connection = held_database.connect(path, timeout=_BUSY_SECONDS, read_only=True)
        try:
            _check_format(connection)
        except BaseException:
            connection.close()
            raise
    except UnusableHistoryError as error:
        raise Problem(
            str(error), str(path), "restart the daemon, which sets it aside, or use the version that wrote it"
        ) from error
    except (OSError, sqlite3.Error) as error:
        raise problem_of(error, path) from error
    return connection


def problem_of(error: OSError | sqlite3.Error, path: Path) -> Problem:
    """Return what went wrong with the history in the operator's words."""
    if isinstance(error, sqlite3.Error):
        if is_damage(error):
            return Problem("the history is damaged", str(path), "restart the daemon, which sets it aside")
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return Problem(
                "the history is held by another process", str(path), "try again", ExitStatus.NO_ANSWER
            )
    if isinstance(error, UntrustedEntryError):
        what = f"the history is not used ({error.strerror})"
        return Problem(what, str(error.filename or path), "find out who put it there, and remove it")
    if isinstance(error, PermissionError):
        return NoPermission("no permission to read the history", str(path))
    reason = error.strerror if isinstance(error, OSError) else error
    return Problem(
        f"cannot use the history ({reason})",
        str(path),
        "see that the disk is not full, and that the folder belongs to the daemon's user",
    )


def _check_format(connection: sqlite3.Connection) -> None:
    try:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        if is_damage(error):
            raise UnusableHistoryError("the history is damaged") from error
        raise
    if found != FORMAT:
        raise UnusableHistoryError(f"the history has format {found}, and this version has format {FORMAT}")

"""The file of the certificate book: SQLite, used by the daemon and by commands of root at the same time.

Owns: the schema, making the file, opening it, and what the operator is told when that fails.
Must not know: what the rows mean.
Source: sqlite.org/wal.html, sqlite.org/pragma.html.
"""

import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from domain_secure.policy.files import atomic_file, held_database, state_file, state_folder
from domain_secure.policy.files.held_folder import UntrustedEntryError
from domain_secure.policy.terms.problems import ExitStatus, NoPermission, Problem

_BUSY_SECONDS = 5.0  #: every transaction here takes milliseconds
# Kernels tell the time of a write by the clock's tick, of a hundredth of a second at most.
_MOMENT = 100_000_000  #: ns
_VERSION = 2
_SCHEMA = """
CREATE TABLE chain (
    fingerprint TEXT PRIMARY KEY,    -- SHA-256 of the first certificate
    certificates BLOB NOT NULL,      -- DER, one after the other
    imported INTEGER NOT NULL,       -- never evicted
    last_seen INTEGER NOT NULL       -- times are seconds since 1970
);
CREATE TABLE origin (
    fingerprint TEXT NOT NULL REFERENCES chain ON DELETE CASCADE,
    source TEXT NOT NULL,
    entry TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, source, entry)
);
CREATE INDEX origin_entry ON origin (entry);
CREATE TABLE pending (
    fingerprint TEXT NOT NULL,
    entry TEXT NOT NULL,
    public_key TEXT,
    client_address TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, entry)
);
CREATE INDEX pending_client ON pending (client_address);
CREATE TABLE client_request (
    entry TEXT NOT NULL,
    target TEXT NOT NULL,
    asked INTEGER NOT NULL,
    authorities TEXT NOT NULL,       -- a JSON list
    seen INTEGER NOT NULL,
    PRIMARY KEY (entry, target)
);
"""

#: Of both files that the book is in: inode, octets, and when it was written, in ns; zeros: there is none.
Look = tuple[tuple[int, int, int], tuple[int, int, int]]


class _Access:
    """A connection that one thread uses at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None

    @contextmanager
    def exclusive(self, patience: float) -> Iterator[None]:
        """Keep other threads out; raises Problem where another one does not leave in time."""
        if not self._lock.acquire(timeout=patience):
            raise _held(self._path)
        try:
            yield
        except sqlite3.Error:
            self.close()
            raise
        finally:
            self._lock.release()

    def opened(self, patience: float) -> sqlite3.Connection:
        """Return the open file, for use inside exclusive(); raises Problem for another format."""
        inode = self._path.lstat().st_ino
        if self._connection is None or inode != self._inode:
            # Somebody has moved the file away: what is kept from now on belongs into the new one.
            self.close()
            self._connection = held_database.connect(self._path)
            self._inode = inode
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._check_version(self._connection)
        self._connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
        return self._connection

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _check_version(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != _VERSION:
            self.close()
            raise Problem(
                f"the certificate book has format {version}, and this version reads format {_VERSION}",
                str(self._path),
                "install the version that wrote it, or move the file away and import the certificates again",
            )


class BookFile:
    """One process's access to the file; safe from many threads.

    Who reads does not wait for who writes, whatever holds the writer up: messages read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name, self._log = str(path), f"{path}-wal"  #: where SQLite writes first
        self._reader = _Access(path)
        self._writer = _Access(path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """Yield the open file, or None where there is none yet; raises Problem.

        Other readers wait meanwhile: what takes long is done after the rows were fetched.
        """
        with self._explained(), self._reader.exclusive(_BUSY_SECONDS):
            yield self._reader.opened(_BUSY_SECONDS) if state_file.is_there(self.path) else None

    @contextmanager
    def writing(self, *, durable: bool, patience: float | None = None) -> Iterator[sqlite3.Connection]:
        """Yield the open file inside a transaction, making it where there is none; raises Problem.

        Committed work survives ``kill -9`` either way, as the kernel holds it.  *durable* work also survives
        a power cut, at the price of a disk flush: an import is acknowledged to a person, while what strangers
        can cause in any number must not flush the mail server's disk each time.  *patience* is for other
        writers, in seconds.
        """
        seconds = _BUSY_SECONDS if patience is None else patience
        with self._explained(), self._writer.exclusive(seconds):
            if not state_file.is_there(self.path):
                self._make()
            connection = self._writer.opened(seconds)
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection

    def look(self) -> Look | None:
        """Return what the file looks like: whoever writes changes that; raises nothing, and asks no disk.

        None where that does not hold, as it was written a moment ago, or where it cannot be told.
        """
        try:
            book, log = _seen(self._name), _seen(self._log)
        except OSError:
            return None
        # A second write of the same moment might look like the first.
        is_settled = time.time_ns() - max(book[2], log[2]) > _MOMENT
        return (book, log) if is_settled else None

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        for access in (self._reader, self._writer):
            with self._explained(), access.exclusive(_BUSY_SECONDS):
                access.close()

    def __del__(self) -> None:
        """Close the file with its last user."""
        self._reader.close()
        self._writer.close()

    def _make(self) -> None:
        """Put an empty book in place, whole, and owned like its folder whoever makes it."""
        state_folder.make(self.path.parent)
        with atomic_file.writer_lock(self.path.parent):
            if not state_file.is_there(self.path):
                state_file.replace(self.path.parent, self.path.name, _empty_book(), default_mode=0o640)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._problem(error) from error
        except UntrustedEntryError as error:
            raise Problem(
                f"the certificate book is not used ({error.strerror})",
                str(error.filename or self.path),
                "find out who put it there, and remove it",
            ) from error
        except PermissionError as error:
            raise NoPermission("no permission to use the certificate book", str(self.path)) from error
        except OSError as error:
            raise Problem(
                f"cannot use the certificate book ({error.strerror})",
                str(self.path),
                "see that its folder exists and belongs to the user of the daemon",
            ) from error

    def _may_be_used(self) -> bool:
        """Tell whether who runs this may read and write the file: SQLite's readers write beside it, too."""
        return not self.path.exists() or os.access(self.path, os.R_OK | os.W_OK)

    def _problem(self, error: sqlite3.Error) -> Problem:
        code = getattr(error, "sqlite_errorcode", None)
        if not self._may_be_used():
            return NoPermission("no permission to use the certificate book", str(self.path))
        match code & 0xFF if code is not None else None:  # the primary result code
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return _held(self.path)
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return Problem(
                    "the certificate book is damaged",
                    str(self.path),
                    "move it away and import the partners' certificates again "
                    "(domain-secure partner cert add)",
                )
            case _:
                return Problem(
                    f"cannot use the certificate book ({error})",
                    str(self.path),
                    "see that it and its folder belong to the user of the daemon, "
                    "and that the disk is not full",
                )


def _seen(name: str) -> tuple[int, int, int]:
    try:
        status = os.lstat(name)
    except FileNotFoundError:
        return 0, 0, 0
    return status.st_ino, status.st_size, status.st_mtime_ns


def _held(path: Path) -> Problem:
    return Problem(
        "the certificate book is held by another process",
        str(path),
        "end that process, or try again",
        ExitStatus.NO_ANSWER,
    )


def _empty_book() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "book")
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            # Readers do not wait for a writer; the choice is kept in the file.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        return path.read_bytes()

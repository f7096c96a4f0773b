"""Open an SQLite file in a folder that another user may write in.

Owns: that what was opened is the file in the folder, and no other by a link; that nothing in it is run.
Must not know: what the tables mean.
Relies on: SQLite opens what its name resolves to with O_NOFOLLOW, and tells that name afterwards (PRAGMA
database_list), so that a link that is put there in between shows; it asks no content of the file for that.
Source: sqlite.org/security.html, sqlite.org/pragma.html.
"""

import sqlite3
import stat
from contextlib import suppress
from pathlib import Path

from .held_folder import UntrustedEntryError

_BESIDE = ("-wal", "-shm", "-journal")  #: what SQLite keeps next to a file, and would believe


def connect(path: Path, *, timeout: float = 5.0, read_only: bool = False) -> sqlite3.Connection:
    """Return the file open, each statement a transaction unless one is begun; for threads in turn.

    Raises UntrustedEntryError for what may be another user's, other OSError, and sqlite3.Error.
    """
    wanted = path.parent.resolve() / path.name
    _refuse_others(wanted)
    for suffix in _BESIDE:
        with suppress(FileNotFoundError):
            _refuse_others(wanted.with_name(wanted.name + suffix))
    name = f"{wanted.as_uri()}?mode={'ro' if read_only else 'rw'}"
    connection = sqlite3.connect(
        name, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False
    )
    try:
        opened = connection.execute("PRAGMA database_list").fetchone()[2]
        _refuse_another(opened, wanted)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_another(opened: str, wanted: Path) -> None:
    if opened != str(wanted):
        raise UntrustedEntryError("it is a symbolic link", wanted)


def _refuse_others(path: Path) -> None:
    state = path.lstat()
    if stat.S_ISLNK(state.st_mode):
        raise UntrustedEntryError("it is a symbolic link", path)
    if not stat.S_ISREG(state.st_mode):
        raise UntrustedEntryError("it is no file", path)
    if state.st_nlink > 1 and state.st_uid != path.parent.stat().st_uid:
        raise UntrustedEntryError("it is a hard link to another user's file", path)

"""Whether a process waits for the end of the bypasses of a state folder: it holds a lock as long as it lives.

Invariants: whoever may not write in the folder cannot hold the lock, or he would pass for one who waits; root
is led nowhere else by what lies there.
Source: flock(2).
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain_secure.policy.files import state_file, state_folder
from domain_secure.policy.files.held_folder import UntrustedEntryError
from domain_secure.policy.terms.problems import NoPermission

from .bypass_file import FOLDER

LOCK = "keeper.lock"
_MODE = 0o600  #: who may open a file may lock it
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def is_kept(state: Path) -> bool:
    """Tell whether a process waits for the end; raises NoPermission and OSError where that cannot be told."""
    try:
        with _opened(state, os.O_RDONLY) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except PermissionError as error:
        place = str(state / FOLDER / LOCK)
        raise NoPermission("no permission to see whether a process waits for the end", place) from error
    return False


@contextmanager
def kept(state: Path) -> Iterator[bool]:
    """Yield whether nobody else waits for the end, and let nobody else do so until this is left.

    Raises OSError.
    """
    state_folder.make(state)
    state_file.make_folder(state, FOLDER)
    with _opened(state, os.O_RDWR | os.O_CREAT) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_free = False
        else:
            is_free = True
        yield is_free


@contextmanager
def _opened(state: Path, flags: int) -> Iterator[int]:
    """Yield the descriptor of the lock; opened to write, it is closed to all but its owner."""
    opened: list[int] = []
    try:
        opened.append(os.open(state, _FOLDER))
        opened.append(os.open(FOLDER, _FOLDER | os.O_NOFOLLOW, dir_fd=opened[-1]))
        folder = os.fstat(opened[-1])
        opened.append(os.open(LOCK, flags | _SAFELY, _MODE, dir_fd=opened[-1]))
        found = os.fstat(opened[-1])
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise UntrustedEntryError("it is no file of its own", state / FOLDER / LOCK)
        if flags & os.O_RDWR:
            if os.geteuid() == 0:
                os.fchown(opened[-1], folder.st_uid, folder.st_gid)
            os.fchmod(opened[-1], _MODE)
        yield opened[-1]
    finally:
        for one in reversed(opened):
            os.close(one)

"""Whether a process waits for the end of the bypasses of a state folder: it holds a lock as long as it lives.

Source: flock(2).
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain_secure.policy.files import state_file, state_folder

from .bypass_file import FOLDER

LOCK = "keeper.lock"
_MODE = 0o644
_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def is_kept(state: Path) -> bool:
    """Tell whether a process waits for the end; raises OSError where that cannot be told."""
    try:
        descriptor = os.open(state / FOLDER / LOCK, os.O_RDONLY | _SAFELY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def kept(state: Path) -> Iterator[bool]:
    """Yield whether nobody else waits for the end, and let nobody else do so until this is left.

    Raises OSError.
    """
    state_folder.make(state)
    state_file.make_folder(state, FOLDER)
    descriptor = os.open(state / FOLDER / LOCK, os.O_RDWR | os.O_CREAT | _SAFELY, _MODE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_free = False
        else:
            is_free = True
        yield is_free
    finally:
        os.close(descriptor)

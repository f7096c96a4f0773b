"""Keeping others who edit main.cf and master.cf out while we compare and replace them.

Owns: the lock that postconf(1) takes for ``-e``, ``-M`` and the like: flock(2) on ``main.cf.tmp`` beside the
file, which counts only while it is the file of that name.  Configuration management and editors take no lock.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.policy.terms.problems import ExitStatus, Problem

_SECONDS = 10.0  #: postconf(1) holds it for a few milliseconds
_PAUSE = 0.02


@contextmanager
def edit_lock(directory: Path, *names: str) -> Iterator[None]:
    """Hold the lock for the files *names* of a configuration directory; raises Problem where that fails."""
    with ExitStack() as held:
        for name in sorted(names):
            held.enter_context(_locked(directory / f"{name}.tmp"))
        yield


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = _open_locked(path)
    try:
        yield
    finally:
        # postconf(1) takes what was written into it for an unfinished edit of its own, and truncates it.
        with suppress(OSError):
            if os.fstat(descriptor).st_size == 0 and _is_in_place(descriptor, path):
                path.unlink()
        os.close(descriptor)


def _open_locked(path: Path) -> int:
    due = time.monotonic() + _SECONDS
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise cannot_write("Postfix's configuration cannot be locked", str(path), error) from error
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_in_place(descriptor, path):
                return descriptor
        time.sleep(_PAUSE)
        os.close(descriptor)
        if time.monotonic() > due:
            raise Problem(
                f"somebody else has been editing Postfix's configuration for {_SECONDS:g} s",
                str(path),
                "wait for that postconf to end (`fuser` names it), then run this again",
                ExitStatus.NO_ANSWER,
            )


def _is_in_place(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False

"""Replace a file whole or not at all, and let one writer in at a time.

Relies on: rename(2) being atomic within a file system; fsync(2) of the file before and of its
directory after, so that a power cut leaves the old or the new content and never a mixture.

A temporary file bears a name that only we give and is locked (flock(2)) by whoever writes it.  One that
nobody locks was left by a process that was killed, and goes with the next replacement of the same file.
"""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_INFIX = ".domain-secure-"


class ChangedMeanwhileError(Exception):
    """The file does not hold any more what it was expected to hold."""


def replace(path: Path, content: bytes, *, default_mode: int = 0o644, expected: bytes | None = None) -> None:
    """Give *path* the new *content*, keeping its mode and owner, and following a symbolic link.

    A new file gets *default_mode* and the owner of its directory.  With *expected* nothing is replaced unless
    the file holds just that at the last moment; otherwise it raises ChangedMeanwhileError.  Raises OSError;
    whatever is raised, the old content is untouched and no temporary file is left.
    """
    target = Path(os.path.realpath(path))
    try:
        former = target.stat()
        mode, owner, group = former.st_mode & 0o7777, former.st_uid, former.st_gid
    except FileNotFoundError:
        directory = target.parent.stat()
        mode, owner, group = default_mode, directory.st_uid, directory.st_gid
    remove_abandoned(target)
    descriptor, temporary = _temporary(target)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            if os.geteuid() == 0:
                os.fchown(stream.fileno(), owner, group)
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
            _expect(target, expected)
            temporary.replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
    sync_directory(target.parent)


def _expect(path: Path, content: bytes | None) -> None:
    if content is not None and path.read_bytes() != content:
        raise ChangedMeanwhileError


def remove_abandoned(path: Path) -> None:
    """Remove what killed processes left of replacing *path*; never what is somebody else's, or in use."""
    target = Path(os.path.realpath(path))
    prefix = f".{target.name}{_INFIX}"
    with suppress(OSError), os.scandir(target.parent) as entries:
        for name in [entry.name for entry in entries if entry.name.startswith(prefix)]:
            with suppress(OSError):
                _remove_if_abandoned(target.parent / name)


def _remove_if_abandoned(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or os.geteuid() not in {0, state.st_uid}:
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)


def _temporary(target: Path) -> tuple[int, Path]:
    """Return a new file beside *target*, locked."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}{_INFIX}", dir=target.parent)
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                return descriptor, Path(name)
        # Somebody who tidies up took it for abandoned before it was locked.
        os.close(descriptor)


def sync_directory(directory: Path) -> None:
    """Make renames in *directory* survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writer_lock(directory: Path) -> Iterator[None]:
    """Hold the one writer's lock of *directory*; waits for another writer to finish.

    The lock is on the directory itself, so that no lock file is left behind; the kernel releases
    it when the holder dies (flock(2)).
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

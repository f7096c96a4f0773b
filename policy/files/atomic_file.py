"""Replace a file whole or not at all, and let one writer in at a time.

Relies on: rename(2) being atomic within a file system; fsync(2) of the file before and of its
directory after, so that a power cut leaves the old or the new content and never a mixture.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def replace(path: Path, content: bytes, *, default_mode: int = 0o644) -> None:
    """Give *path* the new *content*, keeping its mode and owner, and following a symbolic link.

    A new file gets *default_mode* and the owner of its directory.  Raises OSError, and then the
    old content is untouched and no temporary file is left.
    """
    target = Path(os.path.realpath(path))
    try:
        former = target.stat()
        mode, owner, group = former.st_mode & 0o7777, former.st_uid, former.st_gid
    except FileNotFoundError:
        directory = target.parent.stat()
        mode, owner, group = default_mode, directory.st_uid, directory.st_gid
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            if os.geteuid() == 0:
                os.fchown(stream.fileno(), owner, group)
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
    sync_directory(target.parent)


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

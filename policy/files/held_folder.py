"""A folder that another user may write in, held by its descriptor: root works in it and is led nowhere else.

Owns: reading and changing what lies in such a folder, as root or as its owner.
Must not know: what the files mean.
Invariants: each name is looked up in the descriptor of the folder before it, and a symbolic link is refused
wherever it stands; what we write is whole, and its owner's, before it gets its name.
Sources: openat(2) and rename(2); O_NOFOLLOW in open(2); fsync(2), flock(2).
"""

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePath
from typing import BinaryIO, cast

LOCK = ".lock"  #: in a folder that others may open and that has one writer at a time
UNFINISHED = ".unfinished-"  #: how the name of a folder begins in which something new is made
FOLDER_MODE = 0o700
FILE_MODE = 0o600
LARGEST = 64 * 1024 * 1024  #: octets of a file that is read whole

_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_DEEPEST = 2  #: folders between the held one and a file


class UntrustedEntryError(PermissionError):
    """A name in the folder stands for something that may be another user's, and is not used."""

    def __init__(self, what: str, path: Path | None = None) -> None:
        super().__init__(errno.EACCES, f"{os.strerror(errno.EACCES)}: {what}", path and str(path))


@contextmanager
def _entered(holder: int, name: str) -> Iterator[int]:
    """Yield the descriptor of a folder; O_NOFOLLOW refuses a link also where it comes after our look."""
    _stat(holder, name)
    descriptor = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=holder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _opened(holder: int, name: str, mode: str = "rb") -> Iterator[BinaryIO]:
    """Yield a file to read, as `_entered` a folder; O_NONBLOCK, for a FIFO would keep us waiting."""
    _stat(holder, name)
    flags = (os.O_RDONLY if mode == "rb" else os.O_RDWR) | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(name, flags, dir_fd=holder)
    with cast("BinaryIO", os.fdopen(descriptor, mode)) as stream:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise UntrustedEntryError("it is no file")
        if state.st_nlink > 1 and state.st_uid != os.fstat(holder).st_uid:
            raise UntrustedEntryError("it is a hard link to another user's file")
        yield stream


def _stat(holder: int, name: str) -> os.stat_result:
    """Return what the kernel knows of a name that is no symbolic link."""
    state = os.stat(name, dir_fd=holder, follow_symlinks=False)
    if stat.S_ISLNK(state.st_mode):
        raise UntrustedEntryError("it is a symbolic link")
    return state


class HeldFolder:
    """The folder.  A *place* is a path in it, without ``..``.

    Every method raises OSError, with the whole path in ``filename``: FileNotFoundError for what is not there,
    UntrustedEntryError for what may lead elsewhere.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self.path = path  #: for people; nothing is looked up by it

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["HeldFolder"]:
        """Yield the folder at *path*; the way to it is believed, links and all."""
        descriptor = os.open(path, _FOLDER)
        try:
            yield cls(descriptor, path)
        finally:
            os.close(descriptor)

    @contextmanager
    def folder(self, place: str | PurePath) -> Iterator["HeldFolder"]:
        """Yield a folder in this one."""
        with ExitStack() as held:
            with self._holder_of(place) as (holder, name):
                descriptor = held.enter_context(_entered(holder, name))
            yield HeldFolder(descriptor, self.path / place)

    def names(self, place: str | PurePath) -> list[str]:
        """Return what is in a folder, sorted."""
        with self._holder_of(place) as (holder, name), _entered(holder, name) as descriptor:
            return sorted(entry.name for entry in os.scandir(descriptor))

    def stat(self, place: str | PurePath) -> os.stat_result:
        """Return what the kernel knows of a file or folder."""
        with self._holder_of(place) as (holder, name):
            return _stat(holder, name)

    def status(self) -> os.stat_result:
        """Return what the kernel knows of this folder."""
        return os.fstat(self._descriptor)

    def read(self, place: str | PurePath, *, limit: int = LARGEST) -> bytes:
        """Return the content of a file of at most *limit* octets."""
        with self.opened(place) as stream:
            content = stream.read(limit + 1)
        if len(content) > limit:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(self.path / place))
        return content

    @contextmanager
    def opened(self, place: str | PurePath) -> Iterator[BinaryIO]:
        """Yield a file to read, of any length."""
        with ExitStack() as held:
            with self._holder_of(place) as (holder, name):
                stream = held.enter_context(_opened(holder, name))
            yield stream

    def link_target(self, place: str | PurePath) -> str:
        """Return what a symbolic link says, without going there."""
        with self._holder_of(place) as (holder, name):
            return os.readlink(name, dir_fd=holder)

    def has(self, place: str | PurePath) -> bool:
        """Tell whether there is anything of that name, be it a link."""
        with suppress(FileNotFoundError), self._holder_of(place) as (holder, name):
            os.stat(name, dir_fd=holder, follow_symlinks=False)
            return True
        return False

    def make_folder(self, place: str | PurePath, *, mode: int = FOLDER_MODE) -> None:
        """Make a folder, closed to others unless *mode* says otherwise, where there is none."""
        with self._holder_of(place) as (holder, name):
            with suppress(FileExistsError):
                os.mkdir(name, FOLDER_MODE, dir_fd=holder)
            with _entered(holder, name) as descriptor:
                # Not only a new one: we may have been killed between these two lines.
                if _is_ours_and_empty(descriptor):
                    os.fchmod(descriptor, mode)
                    self._hand_over(descriptor)

    def close_to_others(self) -> None:
        """Take from everybody but the owner what they may do here."""
        if os.fstat(self._descriptor).st_mode & 0o077:
            os.fchmod(self._descriptor, FOLDER_MODE)

    def take_over(self, mode: int) -> None:
        """Make this folder the caller's own, with *mode*; what is in it stays whose it was."""
        state = os.fstat(self._descriptor)
        if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o022:
            os.fchown(self._descriptor, os.geteuid(), os.getegid())
        os.fchmod(self._descriptor, mode)

    def put_folder(self, place: str | PurePath, files: Mapping[str, bytes]) -> None:
        """Make a folder with these files in it, whole or not at all."""
        with self._holder_of(place) as (holder, name), self._staging() as (temporary, staging):
            for file, content in files.items():
                self._write(staging, file, content, FILE_MODE)
            os.fsync(staging)
            self._hand_over(staging)
            os.rename(temporary, name, src_dir_fd=self._descriptor, dst_dir_fd=holder)
            os.fsync(holder)

    def replace(self, place: str | PurePath, content: bytes, *, default_mode: int = FILE_MODE) -> None:
        """Give a file the new *content*, whole or not at all; it keeps its mode.

        A new file has *default_mode*.
        """
        with self._holder_of(place) as (holder, name), self._staging() as (_, staging):
            mode = default_mode
            with suppress(FileNotFoundError):
                mode = stat.S_IMODE(_stat(holder, name).st_mode)
            self._write(staging, name, content, mode)
            os.rename(name, name, src_dir_fd=staging, dst_dir_fd=holder)
            os.fsync(holder)

    @contextmanager
    def created(self, name: str, mode: int) -> Iterator[BinaryIO]:
        """Yield a new file in this folder to write; raises FileExistsError for a name that is there."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(name, flags, FILE_MODE, dir_fd=self._descriptor), "wb") as stream:
            self._hand_over(stream.fileno())
            os.fchmod(stream.fileno(), mode)
            yield stream

    def rename(self, name: str, new_name: str) -> None:
        """Rename a file in this folder, in place of one that has the new name; it survives a power cut."""
        os.rename(name, new_name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        os.fsync(self._descriptor)

    @contextmanager
    def changing(self, name: str) -> Iterator[BinaryIO]:
        """Yield a file in this folder to be changed where it is; what was written survives a power cut."""
        with _opened(self._descriptor, name, "r+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())

    def name_also(self, name: str, second: str) -> None:
        """Give a file in this folder a second name; raises FileExistsError for one that is there."""
        held = self._descriptor
        os.link(name, second, src_dir_fd=held, dst_dir_fd=held, follow_symlinks=False)

    def touch(self, place: str | PurePath, at: float | None = None) -> None:
        """Let a file be of now, or of *at*, in seconds since the epoch."""
        with self.opened(place) as stream:
            os.utime(stream.fileno(), None if at is None else (at, at))

    def sync(self, name: str) -> None:
        """Make the content of a file in this folder survive a power cut."""
        with _opened(self._descriptor, name) as stream:
            os.fsync(stream.fileno())

    def link(self, place: str | PurePath, target: str) -> None:
        """Let the symbolic link *place* say *target* from now on, with nothing in between."""
        with self._holder_of(place) as (holder, name), self._staging() as (_, staging):
            os.symlink(target, name, dir_fd=staging)
            if os.geteuid() == 0:
                owner, group = self._owner()
                os.chown(name, owner, group, dir_fd=staging, follow_symlinks=False)
            os.rename(name, name, src_dir_fd=staging, dst_dir_fd=holder)
            os.fsync(holder)

    def remove(self, place: str | PurePath) -> None:
        """Remove a file, a link, or a folder with all that is in it; the name is gone at once."""
        temporary = _temporary_name()
        with self._holder_of(place) as (holder, name):
            os.rename(name, temporary, src_dir_fd=holder, dst_dir_fd=self._descriptor)
            os.fsync(holder)
            _delete(self._descriptor, temporary)

    def sweep(self, temporary: re.Pattern[str]) -> None:
        """Remove what a killed writer left: everything whose whole name is *temporary*."""
        for where, folders, files, holder in os.fwalk(dir_fd=self._descriptor):
            for name in [one for one in (*folders, *files) if temporary.fullmatch(one)]:
                # What root left is root's to remove.
                with suppress(PermissionError):
                    _delete(holder, name)
            is_deepest = where.count("/") == _DEEPEST
            folders[:] = [one for one in folders if not (is_deepest or temporary.fullmatch(one))]

    @contextmanager
    def writer_lock(self) -> Iterator[None]:
        """Hold the one writer's lock; waits for another writer to finish.

        Everybody may lock what he may open, and could keep all writers waiting: where others may open this
        folder, the lock is that of a file that only the owner and root may open.
        """
        with self._lock() as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    @contextmanager
    def _lock(self) -> Iterator[int]:
        if not os.fstat(self._descriptor).st_mode & 0o077:
            yield self._descriptor
            return
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with self._holder_of(LOCK) as (holder, name):
            descriptor = os.open(name, flags, FILE_MODE, dir_fd=holder)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
                raise UntrustedEntryError("it is no file of its own", self.path / LOCK)
            self._hand_over(descriptor)
            if found.st_mode & 0o077:
                os.fchmod(descriptor, FILE_MODE)
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _holder_of(self, place: str | PurePath) -> Iterator[tuple[int, str]]:
        """Yield the descriptor of the folder that has the last name of *place* in it, and that name."""
        *folders, name = PurePath(place).parts
        with ExitStack() as held:
            holder = self._descriptor
            try:
                for folder in folders:
                    holder = held.enter_context(_entered(holder, folder))
                yield holder, name
            except OSError as error:
                error.filename = str(self.path / place)
                raise

    @contextmanager
    def _staging(self) -> Iterator[tuple[str, int]]:
        """Yield name and descriptor of a new folder; where root made it, the owner may not enter it yet."""
        temporary = _temporary_name()
        os.mkdir(temporary, FOLDER_MODE, dir_fd=self._descriptor)
        try:
            with _entered(self._descriptor, temporary) as descriptor:
                if not _is_ours_and_empty(descriptor):
                    raise UntrustedEntryError("another folder was put in the place of a new one")
                yield temporary, descriptor
        finally:
            _delete(self._descriptor, temporary)

    def _write(self, holder: int, name: str, content: bytes, mode: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(name, flags, FILE_MODE, dir_fd=holder), "wb") as stream:
            stream.write(content)
            stream.flush()
            self._hand_over(stream.fileno())
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())

    def _hand_over(self, descriptor: int) -> None:
        """Give what root made to the owner of this folder."""
        if os.geteuid() == 0:
            os.fchown(descriptor, *self._owner())

    def _owner(self) -> tuple[int, int]:
        state = os.fstat(self._descriptor)
        return state.st_uid, state.st_gid


def _temporary_name() -> str:
    return f"{UNFINISHED}{secrets.token_hex(8)}"


def _is_ours_and_empty(folder: int) -> bool:
    return os.fstat(folder).st_uid == os.geteuid() and not os.listdir(folder)


def _delete(holder: int, name: str) -> None:
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(name, dir_fd=holder, follow_symlinks=False).st_mode):
            shutil.rmtree(name, dir_fd=holder)
        else:
            os.unlink(name, dir_fd=holder)

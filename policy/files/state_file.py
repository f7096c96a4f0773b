"""Files of the state folder, read and written by the daemon and by commands that root runs.

Owns: that whoever runs a command is led nowhere else by what the daemon's user has put there
(``held_folder``), for one file at a time.
Must not know: what is in the files.
Every function raises OSError: FileNotFoundError where file or folder are not there, and PermissionError where
that is not told; what is not known is never taken for absent.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import BinaryIO

from .held_folder import LARGEST, HeldFolder

_FOLDER_MODE = 0o755


def read(state: Path, place: str | PurePath, *, limit: int = LARGEST) -> bytes:
    """Return the content of the file *place* below *state*, which may be of *limit* octets."""
    with HeldFolder.open(state) as folder:
        return folder.read(place, limit=limit)


@contextmanager
def opened(state: Path, place: str | PurePath) -> Iterator[BinaryIO]:
    """Yield the file *place* below *state* to read, of any length."""
    with HeldFolder.open(state) as folder, folder.opened(place) as stream:
        yield stream


def replace(state: Path, place: str | PurePath, content: bytes, *, default_mode: int) -> None:
    """Give the file *place* below *state* new *content*, whole or not at all; the folder's owner has it."""
    with HeldFolder.open(state) as folder:
        folder.replace(place, content, default_mode=default_mode)


def remove(state: Path, place: str | PurePath) -> None:
    """Remove a file, a link, or a folder with all that is in it."""
    with HeldFolder.open(state) as folder:
        folder.remove(place)


def is_there(path: Path) -> bool:
    """Tell whether there is anything at *path*, be it a link; PermissionError where that is not told."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def exists(state: Path, place: str | PurePath) -> bool:
    """Tell whether there is anything of that name, be it a link."""
    with suppress(FileNotFoundError), HeldFolder.open(state) as folder:
        return folder.has(place)
    return False


def names(state: Path, place: str | PurePath) -> list[str]:
    """Return what is in the folder *place* below *state*, sorted."""
    with HeldFolder.open(state) as folder:
        return folder.names(place)


def make_folder(state: Path, place: str | PurePath, *, mode: int = _FOLDER_MODE) -> None:
    """Make a folder that belongs to whom *state* belongs to, where there is none."""
    with HeldFolder.open(state) as folder:
        folder.make_folder(place, mode=mode)


@contextmanager
def writing(state: Path, place: str | PurePath) -> Iterator[HeldFolder]:
    """Yield the folder *place* below *state* for one writer at a time."""
    with HeldFolder.open(state) as holder, holder.folder(place) as folder, folder.writer_lock():
        yield folder

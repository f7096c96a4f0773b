"""Where the files of an authority lie: in a folder that somebody named, or in that of our own keys.

Owns: the two ways to read and write them.
Must not know: what the files mean.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePath
from typing import Protocol

from domain_secure.policy.files import atomic_file
from domain_secure.policy.files.held_folder import HeldFolder


class AuthorityFiles(Protocol):
    """The files of one folder, by name.  Every method raises OSError."""

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""

    def read(self, name: str) -> bytes:
        """Return the content of a file."""

    def replace(self, name: str, content: bytes, *, default_mode: int) -> None:
        """Give a file a new content, whole or not at all."""

    def writing(self) -> AbstractContextManager[None]:
        """Make the folder where there is none, and keep other writers out."""


class NamedFolder:
    """A folder that the administrator named, who also put the links in it that may be there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""
        return (self._path / name).exists()

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return (self._path / name).read_bytes()

    def replace(self, name: str, content: bytes, *, default_mode: int) -> None:
        """Give a file a new content, whole or not at all."""
        atomic_file.replace(self._path / name, content, default_mode=default_mode)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make the folder where there is none, and keep other writers out."""
        self._path.mkdir(mode=0o700, exist_ok=True)
        with atomic_file.writer_lock(self._path):
            yield


class FolderOfKeys:
    """A folder in that of our keys, where another user may have put links; nobody else writes meanwhile."""

    def __init__(self, keys: HeldFolder, name: str) -> None:
        self._keys, self._place = keys, PurePath(name)

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""
        try:
            self._keys.stat(self._place / name)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return self._keys.read(self._place / name)

    def replace(self, name: str, content: bytes, *, default_mode: int) -> None:
        """Give a file a new content, whole or not at all."""
        self._keys.replace(self._place / name, content, default_mode=default_mode)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make the folder where there is none."""
        self._keys.make_folder(self._place)
        yield

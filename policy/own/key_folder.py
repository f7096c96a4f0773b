"""The folder of our private keys, ``<state>/keys``: who may enter, and how entries come and go whole.

Owns: owner and modes; writing an entry so that ``kill -9`` leaves the old state or the new one.
Must not know: what an entry means.
Invariants: nothing below is ever readable by others than the owner of the state folder, and root; whatever
root does here, it does as that owner, so that a link put there leads root nowhere the owner could not go.
Sources: seteuid(2), rename(2), fsync(2).
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from domain_secure.policy.files import atomic_file
from domain_secure.policy.terms.problems import Problem

NAME = "keys"
_UNFINISHED = ".unfinished-"
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


class KeyFolder:
    """The folder; it is made by the first write.  Every method raises Problem where it cannot be used."""

    def __init__(self, state: Path) -> None:
        self.path = state / NAME

    @contextmanager
    def reading(self) -> Iterator[Path | None]:
        """Yield the folder, or None where there is none yet."""
        with self._explained():
            if not self.path.is_dir():
                yield None
                return
            with _as_owner_of(self.path):
                yield self.path

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Yield the folder for one writer at a time; what a killed writer left is swept out before."""
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _as_owner_of(self.path):
                self.path.mkdir(mode=_FOLDER_MODE, exist_ok=True)
                if self.path.stat().st_mode & 0o077:
                    self.path.chmod(_FOLDER_MODE)
                with atomic_file.writer_lock(self.path):
                    self._sweep()
                    yield self.path

    def _sweep(self) -> None:
        for leftover in [file for depth in (".*", "*/.*", "*/*/.*") for file in self.path.glob(depth)]:
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover)
            else:
                leftover.unlink(missing_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Problem(
                f"the folder of our certificates cannot be used ({error.strerror})",
                str(error.filename or self.path),
                "run this as root, and see that the disk is not full",
            ) from error


def put_entry(folder: Path, kind: str, name: str, files: Mapping[str, bytes]) -> Path:
    """Make the entry ``kind/name`` with these files, whole or not at all; one that is there is replaced.

    Used inside of `KeyFolder.writing`.  Replacing is file by file, in the order given.
    """
    place = folder / kind / name
    place.parent.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    if place.is_dir():
        for file, content in files.items():
            atomic_file.replace(place / file, content, default_mode=_FILE_MODE)
        return place
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
    for file, content in files.items():
        atomic_file.replace(unfinished / file, content, default_mode=_FILE_MODE)
    unfinished.rename(place)
    atomic_file.sync_directory(place.parent)
    return place


def drop_entry(folder: Path, place: Path) -> None:
    """Remove an entry whole.  Used inside of `KeyFolder.writing`."""
    doomed = folder / f"{_UNFINISHED}{place.name}"
    place.rename(doomed)
    atomic_file.sync_directory(place.parent)
    shutil.rmtree(doomed)


def switch(folder: Path, link: str, target: str) -> None:
    """Let the symbolic link *link* in *folder* lead to *target* from now on, with nothing in between."""
    with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folder) as scratch:
        fresh = Path(scratch, "link")
        fresh.symlink_to(target)
        fresh.replace(folder / link)
    atomic_file.sync_directory(folder)


@contextmanager
def _as_owner_of(folder: Path) -> Iterator[None]:
    """Go on as the owner of *folder*, or of its parent while it is not there, where we are root."""
    state = (folder if folder.is_dir() else folder.parent).stat()
    if os.geteuid() != 0 or (state.st_uid == 0 and state.st_gid == 0):
        yield
        return
    # The library imports this while it signs; where we are installed may be closed to that user.
    import_module("cryptography.hazmat.backends.openssl.backend")
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(state.st_gid)
    os.seteuid(state.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)

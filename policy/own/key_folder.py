"""The folder of our private keys, ``<state>/keys``: who may enter, and how entries come and go whole.

Owns: its place and modes, one writer at a time, and the sweep after one that was killed.
Must not know: what an entry means; how root is kept from being led elsewhere (``held_folder``).
Invariants: nothing below is ever readable by others than the owner of the state folder, and root; root never
follows a symbolic link here, for the daemon's user may have put it there.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePath

from domain_secure.policy.files.held_folder import UNFINISHED, HeldFolder, UntrustedEntryError
from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.policy.terms.problems import NoPermission, Problem

NAME = "keys"
# The second form is that of earlier versions: the file's name between a dot and something random.
_TEMPORARY = re.compile(rf"{re.escape(UNFINISHED)}.*|\.[a-z]+\.(pem|json|key|crl)\..+")


class KeyFolder:
    """The folder; it is made by the first write.  Every method raises Problem where it cannot be used."""

    def __init__(self, state: Path) -> None:
        self.path = state / NAME

    @contextmanager
    def reading(self) -> Iterator[HeldFolder | None]:
        """Yield the folder, or None where there is none yet."""
        with self._explained(), ExitStack() as held:
            folder = None
            with suppress(FileNotFoundError):
                state = held.enter_context(HeldFolder.open(self.path.parent))
                folder = held.enter_context(state.folder(NAME))
            yield folder

    @contextmanager
    def writing(self) -> Iterator[HeldFolder]:
        """Yield the folder for one writer at a time; what a killed writer left is swept out before."""
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with HeldFolder.open(self.path.parent) as state:
                state.make_folder(NAME)
                with state.folder(NAME) as folder:
                    folder.close_to_others()
                    with folder.writer_lock():
                        folder.sweep(_TEMPORARY)
                        yield folder

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, PermissionError) and not isinstance(error, UntrustedEntryError):
                what = "no permission to use the folder of our certificates"
                raise NoPermission(what, str(error.filename or self.path)) from error
            what, where = "the folder of our certificates cannot be used", str(error.filename or self.path)
            if isinstance(error, UntrustedEntryError):
                fix = "find out who put it there, then put one of its own in its place, or remove it"
                raise Problem(f"{what} ({error.strerror})", where, fix) from error
            raise cannot_write(what, where, error) from error


def put_entry(folder: HeldFolder, place: PurePath, files: Mapping[str, bytes]) -> None:
    """Make the entry *place*, ``kind/name``, with these files, whole or not at all.

    In one that is there file by file is replaced, in the order given.  Raises OSError.
    """
    folder.make_folder(place.parent)
    try:
        folder.stat(place)
    except FileNotFoundError:
        folder.put_folder(place, files)
    else:
        for file, content in files.items():
            folder.replace(place / file, content)


def read_entry_file(path: Path) -> bytes:
    """Return the content of a file of an entry, ``<state>/keys/kind/name/file``; raises OSError."""
    keys = path.parents[2]
    with HeldFolder.open(keys.parent) as state, state.folder(keys.name) as folder:
        return folder.read(path.relative_to(keys))

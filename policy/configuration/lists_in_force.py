"""What was last in force, and what was confirmed, as files in the state folder.

The daemon keeps the texts of the configuration that it has in force, so that a restart knows what a damaged
file has lost.  Commands confirm there that a list is meant to lose entries.

Owns: these two files.
Must not know: whether a loss is too large.
Invariants: a file is whole or absent; root is led nowhere else by whoever owns the folder.
"""

import errno
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from domain_secure.policy.files.held_folder import HeldFolder, UntrustedEntryError
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import NoPermission, Problem

from .list_losses import Confirmation, digest

IN_FORCE = "in-force.json"
CONFIRMED = "confirmed-lists.json"
_FILE_MODE = 0o640
_KEPT = 32  #: confirmations; each is of use until the daemon has looked once


@dataclass(frozen=True, slots=True)
class InForce:
    """The configuration that was last in force."""

    path: Path  #: of the configuration file
    texts: Mapping[Path, bytes]  #: of it, and of the lists that stand in files of their own
    used: frozenset[str] = field(default=frozenset())  #: tokens of confirmations that count no longer

    def read(self, file: Path) -> bytes:
        """Return the text of a file as it was; raises OSError."""
        try:
            return self.texts[file]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "it was not in force", str(file)) from None


class ListsInForce:
    """Both files in the folder *state*."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.confirmations_file = state / CONFIRMED

    def read(self) -> InForce | None:
        """Return what was last in force, or None where nothing is known; raises Problem."""
        try:
            with HeldFolder.open(self._state) as folder:
                document = json.loads(folder.read(IN_FORCE))
            texts = {Path(name): text.encode() for name, text in document["texts"].items()}
            return InForce(Path(document["path"]), texts, frozenset(map(str, document["used"])))
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise NoPermission("no permission to see what was last in force", self._place(error)) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Problem(
                f"what was last in force cannot be read ({error})",
                str(self._state / IN_FORCE),
                "compare the lists with what they ought to be, and remove this file",
            ) from error

    def write(self, in_force: InForce) -> None:
        """Keep what is in force; raises OSError."""
        document = {
            "path": str(in_force.path),
            "used": sorted(in_force.used),
            "texts": {str(file): text.decode() for file, text in in_force.texts.items()},
        }
        with HeldFolder.open(self._state) as folder:
            _put(folder, IN_FORCE, document)

    def is_kept(self) -> bool:
        """Tell whether there is anything about what was in force; also where there is no folder for it."""
        return not self._state.is_dir() or (self._state / IN_FORCE).exists()

    def confirmations(self) -> tuple[Confirmation, ...]:
        """Return what was confirmed; what cannot be read confirms nothing."""
        try:
            with HeldFolder.open(self._state) as folder:
                document = json.loads(folder.read(CONFIRMED))
            return tuple(Confirmation(**one) for one in document)
        except (OSError, ValueError, TypeError):
            return ()

    def confirm(self, changes: Mapping[str, tuple[DomainList | None, DomainList]]) -> None:
        """Keep that lists, by name, are meant to become others; raises OSError.

        Each is the list as it is now, or None for whatever it is, and as it is to be.  Without a state folder
        nobody keeps what was in force, and there is nothing to confirm.  One at a time: who edits the
        configuration holds its lock.
        """
        new = [
            Confirmation(secrets.token_hex(8), name, None if former is None else digest(former), digest(to))
            for name, (former, to) in changes.items()
        ]
        with suppress(FileNotFoundError), HeldFolder.open(self._state) as folder:
            kept = [*self.confirmations(), *new][-_KEPT:]
            _put(folder, CONFIRMED, [asdict(one) for one in kept])

    def _place(self, error: OSError) -> str:
        return str(error.filename or self._state / IN_FORCE)


def _put(folder: HeldFolder, name: str, document: object) -> None:
    """Put a document in place of what bears this name, whatever that is."""
    content = json.dumps(document).encode() + b"\n"
    try:
        folder.replace(name, content, default_mode=_FILE_MODE)
    except UntrustedEntryError:
        folder.remove(name)
        folder.replace(name, content, default_mode=_FILE_MODE)

"""What was last in force, and what was confirmed, as files in the state folder.

The daemon keeps the texts of the configuration that it has in force, so that a restart knows what a damaged
file has lost.  Commands confirm there that a list is meant to lose entries.

Owns: these two files, and the folder of long texts: each has its digest for a name, and one that is there is
not written again.
Must not know: whether a loss is too large.
Invariants: a file is whole or absent; root is led nowhere else by whoever owns the folder.
"""

import errno
import json
import re
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path, PurePath

from domain_secure.policy.files.held_folder import HeldFolder, UntrustedEntryError
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import NoPermission, Problem

from .list_losses import Confirmation, digest

IN_FORCE = "in-force.json"
CONFIRMED = "confirmed-lists.json"
_LONG_TEXTS = "in-force"
_LONG = 64 * 1024  #: octets from which on a text has a file of its own
_FOLDER_MODE = 0o750
_FILE_MODE = 0o640
_LARGEST = 1024 * 1024 * 1024  #: octets; what was in force may have been of any length
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
        self._long: frozenset[str] = frozenset()  #: the names of the long texts that were written last
        self.confirmations_file = state / CONFIRMED

    def read(self) -> InForce | None:
        """Return what was last in force, or None where nothing is known; raises Problem."""
        try:
            with HeldFolder.open(self._state) as folder:
                document = parse_json(folder.read(IN_FORCE))
                texts = {Path(name): text.encode() for name, text in document["texts"].items()}
                # What earlier releases wrote has none of these.
                for name, digest in document.get("long_texts", {}).items():
                    texts[Path(name)] = _long_text(folder, digest)
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
            "texts": {
                str(file): text.decode() for file, text in in_force.texts.items() if not _is_long(text)
            },
        }
        long = {str(file): text for file, text in in_force.texts.items() if _is_long(text)}
        digests = {file: sha256(text).hexdigest() for file, text in long.items()}
        with HeldFolder.open(self._state) as folder:
            for file, digest in digests.items():
                _put_long_text(folder, digest, long[file])
            _put(folder, IN_FORCE, document | ({"long_texts": digests} if digests else {}))
            self._long = frozenset(digests.values())
            _sweep(folder, self._long)

    def is_kept(self) -> bool:
        """Tell whether there is anything about what was in force; also where there is no folder for it."""
        names = (IN_FORCE, *(f"{_LONG_TEXTS}/{digest}" for digest in self._long))
        return not self._state.is_dir() or all((self._state / name).exists() for name in names)

    def confirmations(self) -> tuple[Confirmation, ...]:
        """Return what was confirmed; what cannot be read confirms nothing."""
        try:
            with HeldFolder.open(self._state) as folder:
                document = parse_json(folder.read(CONFIRMED))
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


def _is_long(text: bytes) -> bool:
    return len(text) >= _LONG


def _long_text(folder: HeldFolder, digest: str) -> bytes:
    """Return a long text; raises OSError, and ValueError for one that is not what its name says."""
    if re.fullmatch(r"[0-9a-f]{64}", digest) is None:
        raise ValueError(f"{digest!r} is the name of no text")
    text = folder.read(PurePath(_LONG_TEXTS, digest), limit=_LARGEST)
    if sha256(text).hexdigest() != digest:
        raise ValueError(f"{_LONG_TEXTS}/{digest} is damaged")
    return text


def _put_long_text(folder: HeldFolder, digest: str, text: bytes) -> None:
    with suppress(OSError, ValueError):
        _long_text(folder, digest)
        return
    try:
        folder.make_folder(_LONG_TEXTS, mode=_FOLDER_MODE)
        folder.replace(PurePath(_LONG_TEXTS, digest), text, default_mode=_FILE_MODE)
    except (UntrustedEntryError, NotADirectoryError):
        folder.remove(_LONG_TEXTS)
        folder.make_folder(_LONG_TEXTS, mode=_FOLDER_MODE)
        folder.replace(PurePath(_LONG_TEXTS, digest), text, default_mode=_FILE_MODE)


def _sweep(folder: HeldFolder, used: Collection[str]) -> None:
    """Remove long texts that are not in force any more; one that stays costs room alone."""
    with suppress(OSError):
        for name in folder.names(_LONG_TEXTS):
            if name not in used:
                folder.remove(PurePath(_LONG_TEXTS, name))


def _put(folder: HeldFolder, name: str, document: object) -> None:
    """Put a document in place of what bears this name, whatever that is."""
    content = json.dumps(document).encode() + b"\n"
    try:
        folder.replace(name, content, default_mode=_FILE_MODE)
    except UntrustedEntryError:
        folder.remove(name)
        folder.replace(name, content, default_mode=_FILE_MODE)

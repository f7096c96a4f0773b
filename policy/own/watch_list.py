"""The list of watched places: which files root reads, with nobody looking on, for renewed certificates.

Owns: its file beside the configuration, whether it may be believed, and the list of earlier releases.
Must not know: what is done with a watched place (``watched_certificates``).
Invariant: root reads what root has named.  A list that somebody else may write names nothing; that of earlier
releases, which lies in the daemon's folder, is shown and waits to be confirmed.
"""

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from domain_secure.policy.files import atomic_file
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import NoPermission, Problem

from .key_folder import KeyFolder
from .renewal_check import Change

_FORMER = "watched.json"  #: in the folder of keys
_MODE = 0o644  #: it holds paths and digests, and ``check`` may be run by anybody
_MOST_SHOWN = 50
_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Watched:
    """One file or folder that is watched."""

    path: Path
    key_file: Path | None
    password_file: Path | None
    friendly_name: str
    exportable: bool
    accepted: frozenset[Change]
    certificate: str  #: SHA-256 of what was taken in last


def list_beside(configuration_file: Path) -> Path:
    """Return where the list of a configuration lies: ``domain-secure.watched.json`` beside it."""
    return configuration_file.with_name(f"{configuration_file.stem}.watched.json")


class WatchList:
    """The list in the file *path*; *state* is the state folder.  Every method raises Problem."""

    def __init__(self, path: Path, state: Path) -> None:
        self.path = path
        self._keys = KeyFolder(state)

    def all(self) -> tuple[Watched, ...]:
        """Return what is watched; raises Problem also for a list that cannot be read, or not be believed."""
        with self._explained():
            try:
                descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except FileNotFoundError:
                return ()
            with os.fdopen(descriptor, "rb") as stream:
                self._refuse_anothers(os.fstat(descriptor))
                content = stream.read(_LARGEST + 1)
        try:
            return tuple(map(_watched, parse_json(content)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Problem(
                "the list of watched certificates is damaged",
                str(self.path),
                "remove it, and name the places again with `domain-secure cert import --watch`",
            ) from error

    def unconfirmed(self) -> tuple[str, ...]:
        """Return the places that an earlier release watched, fit to be shown; nothing is read there.

        Their list may have been written by the daemon's user.
        """
        return tuple(_shown(one) for one in self._former()[:_MOST_SHOWN])

    def watch(self, watched: Watched) -> None:
        """Watch a place from now on; one that is watched already is watched in the new way."""
        with self._writing():
            others = [one for one in self.all() if one.path != watched.path]
            self._replace((*others, watched))
        self._drop_former(watched.path)

    def forget(self, path: Path) -> bool:
        """Watch a place no more; return whether it was watched, or waited to be confirmed."""
        with self._writing():
            former = self.all()
            kept = [one for one in former if one.path != path]
            if len(kept) < len(former):
                self._replace(kept)
        return self._drop_former(path) or len(kept) < len(former)

    def _replace(self, every: Sequence[Watched]) -> None:
        documents = [asdict(one) | {"accepted": sorted(one.accepted)} for one in every]
        content = json.dumps(documents, indent=1, default=str).encode() + b"\n"
        atomic_file.replace(self.path, content, default_mode=_MODE)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file.writer_lock(self.path.parent):
                yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            raise NoPermission("no permission to use the list of watched places", str(self.path)) from error
        except OSError as error:
            raise Problem(
                f"the list of watched places cannot be used ({error.strerror})",
                str(self.path),
                "put a file of root's own in its place, or remove it, and see that /etc may be written",
            ) from error

    def _refuse_anothers(self, found: os.stat_result) -> None:
        ours = {0, os.geteuid()}
        for path, state in ((self.path, found), (self.path.parent, self.path.parent.stat())):
            is_kind = stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)
            if not is_kind or state.st_uid not in ours or stat.S_IMODE(state.st_mode) & 0o022:
                raise Problem(
                    "others than root may write here, so that the list of watched places is not followed",
                    str(path),
                    f"look at what it names, then run `chown root {path}` and `chmod go-w {path}`",
                )

    def _former(self) -> list[Any]:
        with self._keys.reading() as folder:
            if folder is None:
                return []
            with suppress(FileNotFoundError):
                return _documents(folder.read(_FORMER, limit=_LARGEST))
        return []

    def _drop_former(self, path: Path) -> bool:
        former = self._former()
        kept = [one for one in former if not _is_of(one, path)]
        if len(kept) == len(former):
            return False
        with self._keys.writing() as folder:
            if kept:
                folder.replace(_FORMER, json.dumps(kept, indent=1).encode() + b"\n")
            else:
                folder.remove(_FORMER)
        return True


def _documents(content: bytes) -> list[Any]:
    try:
        documents = parse_json(content)
    except (ValueError, RecursionError):
        return []
    return documents if isinstance(documents, list) else []


def _is_of(document: Any, path: Path) -> bool:
    return isinstance(document, dict) and document.get("path") == str(path)


def _shown(document: Any) -> str:
    text = str(document.get("path", "")) if isinstance(document, dict) else ""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)[:500] or "?"


def _watched(document: Any) -> Watched:
    key_file, password_file = document["key_file"], document["password_file"]
    return Watched(
        path=Path(document["path"]),
        key_file=Path(key_file) if key_file else None,
        password_file=Path(password_file) if password_file else None,
        friendly_name=document["friendly_name"],
        exportable=document["exportable"] is True,
        accepted=frozenset(map(Change, document["accepted"])),
        certificate=document["certificate"],
    )

"""Ask the running daemon to fetch everything anew: two files in the state folder.

A command puts ``TOKEN.request`` into the folder ``revocation-refresh``.  The daemon renames it to
``TOKEN.taken``, asks every location and puts ``TOKEN.answer`` there, which the command reads and removes.

Owns: these files.
Must not know: who asks whom, and how.
Invariants: a file is whole or absent; the folder is the daemon's, so that root and its user alone may ask;
what nobody fetches is removed after an hour.
"""

import json
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePath

from domain_secure.policy.files import state_file
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .location_report import LocationReport

FOLDER = "revocation-refresh"  #: in the state folder
_FOLDER_MODE = 0o755
_FILE_MODE = 0o644
_KEPT_SECONDS = 3600
_REQUEST, _TAKEN, _ANSWER = ".request", ".taken", ".answer"


class RefreshRequests:
    """Both ends of the folder; each method raises OSError where files cannot be read or written."""

    def __init__(self, state: Path) -> None:
        self._state, self._folder = state, state / FOLDER

    def ask(self) -> str:
        """Ask, and return the token of the answer; raises FileNotFoundError where no daemon ever ran."""
        token = secrets.token_hex(8)
        state_file.replace(self._state, PurePath(FOLDER, token + _REQUEST), b"", default_mode=_FILE_MODE)
        return token

    def is_taken(self, token: str) -> bool:
        """Tell whether the daemon has seen the request."""
        return not state_file.exists(self._state, PurePath(FOLDER, token + _REQUEST))

    def answer(self, token: str) -> tuple[LocationReport, ...] | None:
        """Return what became of each location, or None as long as that is not known.

        Raises Problem where what stands there is no answer.
        """
        try:
            content = state_file.read(self._state, PurePath(FOLDER, token + _ANSWER))
        except FileNotFoundError:
            return None
        try:
            return tuple(map(LocationReport.of, parse_json(content)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Problem(
                "the daemon's answer cannot be understood; it is not known what it fetched",
                str(self._folder / (token + _ANSWER)),
                "see what it says of the locations: domain-secure check",
                ExitStatus.NO_ANSWER,
            ) from error

    def withdraw(self, token: str) -> None:
        """Remove what belongs to a token."""
        for suffix in (_REQUEST, _TAKEN, _ANSWER):
            with suppress(FileNotFoundError):
                state_file.remove(self._state, PurePath(FOLDER, token + suffix))

    def open(self) -> None:
        """Make the folder; what a daemon before this one has not answered is to be taken again."""
        self._folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        for path in self._folder.glob(f"*{_TAKEN}"):
            path.rename(path.with_suffix(_REQUEST))

    def take(self) -> list[str]:
        """Return the tokens of new requests; from now on they are taken."""
        tokens = []
        for path in self._folder.iterdir():
            if path.suffix == _REQUEST:
                path.rename(path.with_suffix(_TAKEN))
                tokens.append(path.stem)
        return tokens

    def reply(self, token: str, reports: Iterable[LocationReport]) -> None:
        """Answer a request, unless it was withdrawn."""
        taken = self._folder / (token + _TAKEN)
        if not taken.exists():
            return
        content = json.dumps([one.document for one in reports]).encode()
        state_file.replace(self._state, PurePath(FOLDER, token + _ANSWER), content, default_mode=_FILE_MODE)
        taken.unlink(missing_ok=True)
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _KEPT_SECONDS:
                    path.unlink()

"""The chain of reports: each is named by a digest that covers it and the digest of the one before.

Owns: the chain's file in the state folder, what an entry covers, and how a report is found in it again.
Must not know: what a report says, its forms but for whether one is JSON.
Invariant: an entry is only added behind the others.  Whoever changes, drops or inserts one breaks the chain
there; whoever has the state folder can make the whole chain anew, and can drop its end, so that the newest
digest belongs where he is not.
Source: FIPS 180-4 (SHA-256).
"""

import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from domain_secure.policy.files import state_file
from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import NoPermission, Problem

FILE_NAME = "reports.chain"  #: in the state folder
JSON = "json"
BLANK = f"sha256:{'0' * 64}"  #: stands where the digest of a report will stand in it
_MODE = 0o640
_MARKED = re.compile(rb"\bdigest (sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Entry:
    """One report in the chain."""

    number: int  #: from 1 on
    previous: str  #: the digest of the entry before; of the first a random word that is this chain's own
    made: str
    host: str
    since: str
    until: str
    form: str
    keys: Sequence[str]  #: of a JSON document: the keys at its top that *body* covers
    content: str  #: SHA-256 of what it says, the time at which it was made left out
    body: str  #: SHA-256 of the report itself, its own digest left blank

    @property
    def digest(self) -> str:
        """Return what the report is named by."""
        return _sha256(self.line)

    @property
    def line(self) -> bytes:
        """Return the entry as it stands in the file, without the end of the line."""
        return canonical(asdict(self))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next report goes, before it is known what it says."""

    number: int
    previous: str


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain as it was read."""

    entries: tuple[Entry, ...]
    broken_at: int | None  #: the number of the first entry that does not follow on the one before

    @property
    def newest(self) -> str | None:
        """Return the digest of the last entry."""
        return self.entries[-1].digest if self.entries else None


class ReportChain:
    """The chain of one edge.  Every method raises Problem where the file cannot be used."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._path = state / FILE_NAME

    def read(self) -> Chain:
        """Return all of it; without a file it is empty."""
        try:
            return _parsed(state_file.read(self._state, FILE_NAME))
        except FileNotFoundError:
            return Chain((), None)
        except OSError as error:
            raise _problem(error, self._path, "read") from error

    @contextmanager
    def next_place(self) -> Iterator["OpenPlace"]:
        """Yield where the next report goes, for one writer at a time."""
        try:
            with HeldFolder.open(self._state) as folder, folder.writer_lock():
                yield OpenPlace(folder)
        except OSError as error:
            raise _problem(error, self._path, "write") from error


class OpenPlace:
    """The end of the chain, held until an entry is added."""

    def __init__(self, folder: HeldFolder) -> None:
        self._folder = folder
        try:
            self._content = folder.read(FILE_NAME)
        except FileNotFoundError:
            self._content = b""
        lines = self._content.splitlines()
        # A damaged end is followed on as it is: verifying names it, and no report is lost by it.
        previous = _sha256(lines[-1]) if lines else f"begun:{secrets.token_hex(16)}"
        self.place = Place(len(lines) + 1, previous)

    def add(self, entry: Entry) -> None:
        """Add the next entry; raises OSError."""
        whole = self._content + b"\n" * bool(self._content and self._content[-1:] != b"\n")
        self._folder.replace(FILE_NAME, whole + entry.line + b"\n", default_mode=_MODE)


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return a document as the one text that stands for it, whatever order or spaces it was written with."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def content_of(document: Mapping[str, Any]) -> str:
    """Return the digest of what a report's document says, however often and when it was made."""
    return _sha256(canonical({key: value for key, value in document.items() if key not in {"made", "chain"}}))


def body_of(text: bytes, form: str, keys: Sequence[str]) -> str:
    """Return the digest of a report in one form, its own digest left blank; raises ValueError for no JSON."""
    if form != JSON:
        return _sha256(_blanked(text))
    document = parse_json(text)
    covered = {key: document.get(key) for key in keys}
    if isinstance(covered.get("chain"), dict):
        covered["chain"] = {**covered["chain"], "digest": BLANK}
    return _sha256(canonical(covered))


def digest_in(text: bytes) -> str | None:
    """Return the digest that a report in any form says it has; None where it says none."""
    try:
        chain = parse_json(text).get("chain")
    except (ValueError, AttributeError):
        found = _MARKED.findall(text)
        return found[-1].decode() if found else None
    digest = chain.get("digest") if isinstance(chain, dict) else None
    return digest if isinstance(digest, str) else None


def _blanked(text: bytes) -> bytes:
    *_, last = [None, *_MARKED.finditer(text)]
    if last is None:
        return text
    return text[: last.start(1)] + BLANK.encode() + text[last.end(1) :]


def _parsed(content: bytes) -> Chain:
    entries: list[Entry] = []
    broken: int | None = None
    before: bytes | None = None
    for number, line in enumerate(content.splitlines(), 1):
        try:
            entry = Entry(**parse_json(line))
        except (TypeError, ValueError):
            broken = broken or number
        else:
            follows = before is None or entry.previous == _sha256(before)
            if not (follows and entry.number == number and entry.line == line):
                broken = broken or number
            entries.append(entry)
        before = line
    return Chain(tuple(entries), broken)


def _sha256(octets: bytes) -> str:
    return f"sha256:{hashlib.sha256(octets).hexdigest()}"


def _problem(error: OSError, path: Path, what: str) -> Problem:
    if isinstance(error, PermissionError):
        return NoPermission(f"no permission to {what} the chain of reports", str(path))
    return Problem(
        f"cannot {what} the chain of reports ({error.strerror or error})",
        str(path),
        "see that the folder is there, that it belongs to the daemon's user, and that the disk is not full",
    )

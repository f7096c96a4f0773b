"""What locations said, on disk, so that a restart and ``explain`` need no network.

Owns: one file for each location, their bound, and setting broken ones aside.
Must not know: whether a statement is to be believed; whoever reads it judges it again.
Invariants: a file is whole or absent (``atomic_file``); a file that cannot be read counts as absent, with
a log line; when there is too much, what was wanted longest ago gives way.  What is past stays as long as it
is wanted: it may say that a certificate has been revoked.
"""

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from domain_secure.policy.files import atomic_file, state_file
from domain_secure.policy.terms.kept_json import parse_json, parse_utc
from domain_secure.policy.terms.problems import Problem

from . import events
from .revocation import STATEMENT_SUFFIX, Location, Statement
from .statements import parse_statements

FOLDER = "revocation"  #: in the state folder
_FROM_OTHERS = "revocation-fleet"  #: beside it: what other nodes of a fleet have fetched
MAXIMUM_SHARED_OCTETS = 512 * 1024  #: of one file that nodes share; etcd takes values up to 1.5 MiB
_MOST_FROM_OTHERS = 500

# A partner's chain has two or three lists of some kilobytes; public ones reach a megabyte.
DEFAULT_OCTETS = 128 * 1024 * 1024
DEFAULT_FILES = 4096

_FOLDER_MODE = 0o755
_LONGEST_HEADER = 8192
_FILE_NAME = re.compile(rf"[0-9a-f]{{40}}{re.escape(STATEMENT_SUFFIX)}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """What one location last said."""

    url: str
    fetched: datetime
    statements: tuple[Statement, ...]


class RevocationStore:
    """The folder; safe from many threads and processes as far as each file goes.

    It is made by the first write.  *octets* and *files* bound it.
    """

    def __init__(self, folder: Path, *, octets: int = DEFAULT_OCTETS, files: int = DEFAULT_FILES) -> None:
        self.folder = folder
        self._octets = octets
        self._files = files

    def get(self, location: Location) -> Stored | None:
        """Return what the location last said, or None; raises nothing."""
        return self._read(self.folder / location.file_name)

    def put(self, location: Location, content: bytes, fetched: datetime) -> None:
        """Keep what a location said in place of what it said before; raises Problem."""
        header = {"url": location.url, "answers": bool(location.request), "fetched": fetched.isoformat()}
        whole = json.dumps(header).encode() + b"\n" + content
        try:
            self.folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            atomic_file.replace(self.folder / location.file_name, whole)
            self._evict()
        except OSError as error:
            raise Problem(
                f"cannot keep what a revocation list or responder says ({error.strerror})",
                str(self.folder),
                "make it writable for the user of the daemon, and see that the disk is not full",
            ) from error

    def touch(self, location: Location, now: datetime) -> None:
        """Note that what the location said is still wanted; raises nothing."""
        with suppress(OSError):
            os.utime(self.folder / location.file_name, (now.timestamp(), now.timestamp()))

    def own_files(self) -> Iterator[tuple[str, datetime, bytes]]:
        """Yield each file that may be shared: its name, when it was fetched, and its octets."""
        for path in sorted(self.folder.glob(f"*{STATEMENT_SUFFIX}")):
            with suppress(OSError, ValueError, KeyError, TypeError):
                content = path.read_bytes()
                if len(content) <= MAXIMUM_SHARED_OCTETS:
                    yield path.name, _header(content)[0], content

    def take_from_another(self, name: str, content: bytes) -> datetime | None:
        """Keep what another node has fetched; returns when, or None where it is no such file.

        It is kept apart, and used where a location does not answer this node.  Raises OSError.
        """
        if not _FILE_NAME.fullmatch(name) or len(content) > MAXIMUM_SHARED_OCTETS:
            return None
        try:
            fetched = _header(content)[0]
        except (ValueError, KeyError, TypeError):
            return None
        folder = self.folder.with_name(_FROM_OTHERS)
        folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        kept = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[: max(0, len(kept) - _MOST_FROM_OTHERS + 1)]:
            path.unlink(missing_ok=True)
        atomic_file.replace(folder / name, content)
        return fetched

    def from_others(self, location: Location) -> bytes | None:
        """Return what another node has got from a location, to be judged like an answer of the location."""
        try:
            content = state_file.read(self.folder.parent, PurePath(_FROM_OTHERS, location.file_name))
            _header(content)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return content.partition(b"\n")[2]

    def all(self) -> Iterator[Stored]:
        """Yield everything that can be read, in no order; raises PermissionError."""
        try:
            names = state_file.names(self.folder.parent, self.folder.name)
        except FileNotFoundError:
            return
        for path in (self.folder / name for name in names):
            if path.suffix == STATEMENT_SUFFIX and (stored := self._read(path)):
                yield stored

    def tidy(self, before: datetime) -> None:
        """Remove what nobody has wanted since *before*, and what a killed writer left; raises nothing."""
        with suppress(OSError):
            for path in self.folder.iterdir():
                if path.stat().st_mtime < before.timestamp() or path.suffix != STATEMENT_SUFFIX:
                    path.unlink(missing_ok=True)

    def _read(self, path: Path) -> Stored | None:
        try:
            content = state_file.read(path.parents[1], PurePath(path.parent.name, path.name))
        except FileNotFoundError:
            return None
        except PermissionError:
            raise
        except OSError as error:
            _set_aside(path, f"{error.strerror}")
            return None
        try:
            return _decoded(content)
        except (ValueError, KeyError, TypeError) as error:
            # Not removed: commands of root read here too, and the next fetch replaces it.
            _set_aside(path, str(error))
            return None

    def _evict(self) -> None:
        status = [(path.stat(), path) for path in self.folder.iterdir() if path.suffix == STATEMENT_SUFFIX]
        status.sort(key=lambda pair: pair[0].st_mtime_ns, reverse=True)
        octets = 0
        for number, (stat, path) in enumerate(status, start=1):
            octets += stat.st_size
            if number > self._files or (octets > self._octets and number > 1):
                path.unlink(missing_ok=True)


def _decoded(content: bytes) -> Stored:
    fetched, header, body = _header(content)
    statements = parse_statements(body, answers=bool(header["answers"]))
    return Stored(str(header["url"]), fetched, statements)


def _header(content: bytes) -> tuple[datetime, dict[str, Any], bytes]:
    """Return when it was fetched, the whole header, and what follows; raises as a wrong header makes it."""
    head, separator, _body = content[:_LONGEST_HEADER].partition(b"\n")
    if not separator:
        raise ValueError("it has no header")
    header = parse_json(head)
    fetched = parse_utc(header["fetched"])
    return fetched, header, content[len(head) + 1 :]


def _set_aside(path: Path, detail: str) -> None:
    event = events.revocation_set_aside(path.name, detail)
    _log.log(event.level, event)

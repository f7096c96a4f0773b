"""A certificate book that was damaged or taken away: set aside, and what was imported put back.

Owns: noticing it, and the copy of what no probe could find again: what administrators imported, and the
certificates that wait for one.
Must not know: partners' servers; those are asked again by the schedule of probes.
Invariant: nothing is deleted; the copy is only replaced by what was read from a sound book.
"""

import base64
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.policy.certificates.certificate import Chain, parse
from domain_secure.policy.files import atomic_file
from domain_secure.policy.files.file_signature import FileSignature, file_signature
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem

from . import events
from .certificate_book import IMPORT, CertificateBook, PendingCertificate

COPY = "imported-certificates.json"  #: in the state folder
_COPY_MODE = 0o640
# The whole file is read for that: half a second for the largest book.
_WHOLE_SECONDS = 60.0
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BESIDE = ("-wal", "-shm")
_Pending = tuple[Pin, Pin | None, Entry, str, datetime]


class BookRescue:
    """Looks after the *book* in the file *path*; for one thread."""

    def __init__(
        self,
        book: CertificateBook,
        path: Path,
        log: Callable[[Event], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book = book
        self._path = path
        self._copy = path.with_name(COPY)
        self._log = log
        self._monotonic = monotonic
        self._seen: dict[str, FileSignature | None] | None = None
        self._whole_due = 0.0
        self._content: bytes | None = None  #: of the copy
        #: What the copy names.  Counts and times of what waits change with every message.
        self._named: tuple[str, frozenset[tuple[Pin, Entry]]] | None = None
        self.fault: str | None = None  #: why the book is of no use now

    def attend(self) -> None:
        """Look whether the book is sound, and mend it where it is not; raises nothing."""
        seen = self._signatures()
        if seen == self._seen and self._monotonic() < self._whole_due:
            return
        self._seen = seen
        try:
            if not self._path.exists():
                self._put_back()
            elif damage := self._damage():
                self._set_aside(damage)
                self._put_back()
            else:
                self._keep_copy()
            self.fault = None
        except Problem as problem:
            self.fault = str(problem)
        except (OSError, ValueError) as error:
            self.fault = f"the certificate book cannot be mended ({error}): {self._path}"
        self._seen = self._signatures()

    def _signatures(self) -> dict[str, FileSignature | None]:
        return {
            suffix: file_signature(self._path.with_name(self._path.name + suffix))
            for suffix in ("", *_BESIDE[:1])
        }

    def _damage(self) -> str | None:
        """Return what is wrong with the file itself, or None; raises Problem where it may not be read."""
        is_whole = self._monotonic() >= self._whole_due
        question = "PRAGMA quick_check(1)" if is_whole else "SELECT count(*) FROM sqlite_master"
        try:
            with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
                ((answer,),) = connection.execute(question).fetchmany(1)
                ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                return str(error)
            raise Problem(
                f"the certificate book cannot be read ({error})",
                str(self._path),
                "see that it belongs to the user of the daemon",
            ) from error
        if version == 0:
            return "it is empty"
        if is_whole:
            self._whole_due = self._monotonic() + _WHOLE_SECONDS
            return None if answer == "ok" else str(answer)
        return None

    def _set_aside(self, damage: str) -> None:
        aside = self._path.with_name(f"{self._path.name}.set-aside")
        self._path.replace(aside)
        for suffix in _BESIDE:
            # They would be taken for those of the next book.
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._book.close()
        self._log(events.book_set_aside(str(aside), damage))

    def _put_back(self) -> None:
        # The copy may have gone with the book.
        content = self._copy.read_bytes() if self._copy.exists() else self._content
        if content is None:
            return
        try:
            imported, pending = _rows(parse_json(content))
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"its copy {self._copy.name} cannot be understood: {error!r}") from error
        for chain, entry, seen in imported:
            self._book.add(chain, IMPORT, entry, seen)
        for row in reversed(pending):
            self._book.note_pending(*row)
        self._log(events.book_put_back(len(imported), len(pending)))

    def _keep_copy(self) -> None:
        """Copy what was imported and what waits for an administrator, if the copy does not name the same."""
        imported = [
            {
                "entry": origin.entry,
                "seen": int(origin.first_seen.timestamp()),
                "chain": [base64.b64encode(one.der).decode() for one in known.chain],
            }
            for known in self._book.all()
            for origin in known.origins
            if origin.source == IMPORT
        ]
        pending = self._book.pending()
        named = (json.dumps(imported), frozenset((one.fingerprint, one.entry) for one in pending))
        if named == self._named and self._copy.exists():
            return
        if not imported and not pending and not self._copy.exists():
            return
        copy = {"imported": imported, "pending": [_pending_row(one) for one in pending]}
        self._content = json.dumps(copy).encode() + b"\n"
        atomic_file.replace(self._copy, self._content, default_mode=_COPY_MODE)
        self._named = named


def _rows(copy: Any) -> tuple[list[tuple[Chain, Entry, datetime]], list[_Pending]]:
    """Return what a copy names, all of it; raises as what is none makes it."""
    # The former form had what was imported alone.
    imported, pending = (copy, []) if isinstance(copy, list) else (copy["imported"], copy["pending"])
    return [
        (
            _chain(row["chain"]),
            Entry(str(row["entry"])),
            _time(row["seen"]),
        )
        for row in imported
    ], [
        (
            Pin.certificate(row["fingerprint"]),
            Pin.public_key(row["public_key"]) if row["public_key"] else None,
            Entry(str(row["entry"])),
            str(row["client_address"]),
            _time(row["last_seen"]),
        )
        for row in pending
    ]


def _chain(encoded: list[str]) -> Chain:
    if not encoded:
        raise ValueError("it names a chain without certificates")
    return tuple(parse(base64.b64decode(der)) for der in encoded)


def _pending_row(pending: PendingCertificate) -> dict[str, str | int | None]:
    return {
        "fingerprint": pending.fingerprint.digest,
        "public_key": pending.public_key.digest if pending.public_key else None,
        "entry": pending.entry,
        "client_address": pending.client_address,
        "last_seen": int(pending.last_seen.timestamp()),
    }


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

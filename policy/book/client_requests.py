"""What partners' servers asked for when they were last probed: our certificate, and of whom it should be.

Owns: one note for each server of a list entry, in the file of the certificate book.
Must not know: probes, what our certificate is.
Invariants: a note replaces the one before it; their number and size are bounded.
Source: RFC 8446 section 4.2.4, RFC 5246 section 7.4.4 (certificate_authorities).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.kept_json import parse_json

from .book_file import BookFile

# A server that names every public authority names some hundred and fifty.
_MOST_AUTHORITIES = 500
_MOST_SERVERS = 64  #: of one list entry; those seen last


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """What one server asked for."""

    target: str
    is_asked: bool
    authorities: frozenset[str]  #: names as RFC 4514 text; empty: it named none, so that any will do


class ClientRequests:
    """The notes in one file, shared by threads and processes; every method raises Problem."""

    def __init__(self, path: Path) -> None:
        self._file = BookFile(path)

    def note(
        self, entry: Entry, target: str, *, is_asked: bool, authorities: Sequence[str], seen: datetime
    ) -> None:
        """Note what a server of *entry* asked for; of too many authorities none is noted."""
        kept = sorted(set(authorities)) if len(authorities) <= _MOST_AUTHORITIES else []
        with self._file.writing(durable=False) as book:
            book.execute(
                "INSERT OR REPLACE INTO client_request VALUES (?, ?, ?, ?, ?)",
                (entry, target, is_asked, json.dumps(kept), int(seen.timestamp())),
            )
            book.execute(
                "DELETE FROM client_request WHERE rowid IN (SELECT rowid FROM client_request WHERE entry = ?"
                " ORDER BY seen DESC, rowid DESC LIMIT -1 OFFSET ?)",
                (entry, _MOST_SERVERS),
            )

    def of(self, entry: Entry) -> tuple[ClientRequest, ...]:
        """Return what the servers of a list entry asked for, the one seen last first."""
        query = "SELECT target, asked, authorities FROM client_request WHERE entry = ? ORDER BY seen DESC"
        with self._file.reading() as book:
            rows = book.execute(query, (entry,)).fetchall() if book else ()
        return tuple(
            ClientRequest(target, bool(asked), frozenset(parse_json(authorities)))
            for target, asked, authorities in rows
        )

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self._file.close()

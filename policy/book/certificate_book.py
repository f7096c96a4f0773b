"""The certificate book: fingerprint → certificate chain, and the fingerprints that nobody knows yet.

Owns: what is kept, for how long, and what gives way when there is too much of it.
Must not know: whether a certificate is trusted.
Invariants: what was imported is never evicted, nor displaced by what was not; of what was not imported only
what chains is kept; what strangers cause is bounded; a chain that is handed out starts with the certificate
that was asked for.
"""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.policy.certificates.certificate import MAXIMUM_CERTIFICATES, Chain, is_authority
from domain_secure.policy.certificates.issuers import linked
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem

from . import events
from .book_file import BookFile
from .certificate_source import CertificateQuery
from .chain_rows import (
    ChainRow,
    evict_origins,
    in_front,
    is_imported,
    merged_chains,
    readable,
    set_aside,
    stored_rows,
)

FILE_NAME = "certificates.sqlite"  #: in the state folder
IMPORT = "import"  #: the source of what an administrator gave us
PROBE = "probe"  #: the first word of the source of what a server showed us; where it was is the second

# Some ten thousand chains; renewals of a thousand partners take years to get there.
DEFAULT_OCTETS = 64 * 1024 * 1024
DEFAULT_PENDING = 1000
# A certificate may be seen at every server of a farm; the origins seen last are kept.
_ORIGINS_LIMIT = 64
_AT_ONCE = 50  #: chains fetched while other readers wait
# A message that leaves a note for people waits no longer for whoever holds the file.
_NOTE_SECONDS = 0.25

_PENDING = (
    "SELECT *, EXISTS (SELECT 1 FROM chain WHERE chain.fingerprint = pending.fingerprint) FROM pending"
    " ORDER BY last_seen DESC"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """From which source a chain came, for which list entry, and when."""

    source: str
    entry: Entry
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class KnownChain:
    """One chain of the book."""

    chain: Chain
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class PendingCertificate:
    """A fingerprint that was seen from a listed domain and that did not pass for want of a decision."""

    fingerprint: Pin
    public_key: Pin | None
    entry: Entry
    client_address: str  #: the last one
    first_seen: datetime
    last_seen: datetime
    count: int
    is_known: bool = False  #: the book has the certificate by now


class CertificateBook:
    """The book in one file, shared by threads and processes; also a CertificateSource that answers at once.

    The file is made by the first write.  *octets* bounds the chains that were not imported, *pending* the
    rows of unknown fingerprints.  Every method raises Problem where the file cannot be used, unless it says
    otherwise.  A row that cannot be read is set aside with a log line.
    """

    def __init__(self, path: Path, *, octets: int = DEFAULT_OCTETS, pending: int = DEFAULT_PENDING) -> None:
        self._file = BookFile(path)
        self.look = self._file.look  #: how to see whether what was read still holds
        self._octets = octets
        self._pending = pending

    def add(self, chain: Chain, source: str, entry: Entry, seen: datetime) -> None:
        """Keep a chain, its certificate first; one that is known already gains what is new in this one.

        Of what was not imported, those certificates alone that lead on from it by name and signature.
        """
        row = {
            "digest": (digest := chain[0].certificate_pin.digest),
            "source": source,
            "imported": source == IMPORT,
            "entry": entry,
            "seen": _seconds(seen),
        }
        with self._file.writing(durable=True) as book:
            former = readable(stored_rows(book, (digest,))).get(digest, ())
            if source == IMPORT:
                merged = merged_chains(in_front(chain), former)
            elif is_imported(book, digest):
                merged = merged_chains(former, linked(chain[0], (*former, *chain)))
            else:
                merged = linked(chain[0], (*chain, *former))[:MAXIMUM_CERTIFICATES]
            book.execute(
                "INSERT INTO chain VALUES (:digest, :certificates, :imported, :seen)"
                " ON CONFLICT DO UPDATE SET certificates = :certificates,"
                " imported = max(imported, :imported), last_seen = :seen",
                row | {"certificates": b"".join(certificate.der for certificate in merged)},
            )
            book.execute(
                "INSERT INTO origin VALUES (:digest, :source, :entry, :seen, :seen)"
                " ON CONFLICT DO UPDATE SET last_seen = :seen",
                row,
            )
            evict_origins(book, digest, IMPORT, _ORIGINS_LIMIT)
            self._evict_chains(book)

    def add_issuers(self, fingerprint: Pin, issuers: Chain) -> None:
        """Keep authorities that lead on from a known chain; nothing that the chain has gives way to them."""
        digest = fingerprint.digest
        with self._file.writing(durable=False) as book:
            former = readable(stored_rows(book, (digest,))).get(digest, ())
            merged = merged_chains(former, linked(former[0], (*former, *issuers))) if former else ()
            if merged != former:
                book.execute(
                    "UPDATE chain SET certificates = ? WHERE fingerprint = ?",
                    (b"".join(certificate.der for certificate in merged), digest),
                )
                self._evict_chains(book)

    def remove(self, fingerprint: Pin, entry: Entry) -> bool:
        """Forget a certificate as one of *entry*, altogether with its last origin; tell whether it was."""
        with self._file.writing(durable=True) as book:
            found = book.execute(
                "DELETE FROM origin WHERE fingerprint = ? AND entry = ?", (fingerprint.digest, entry)
            )
            is_left = book.execute(
                "SELECT 1 FROM origin WHERE fingerprint = ?", (fingerprint.digest,)
            ).fetchone()
            if not is_left:
                book.execute("DELETE FROM chain WHERE fingerprint = ?", (fingerprint.digest,))
            else:
                book.execute(
                    "UPDATE chain SET imported = EXISTS (SELECT 1 FROM origin WHERE fingerprint = ?1"
                    " AND source = ?2) WHERE fingerprint = ?1",
                    (fingerprint.digest, IMPORT),
                )
            return found.rowcount > 0

    def imported_for(self, entry: Entry) -> frozenset[Pin]:
        """Return the fingerprints of what an administrator gave us as certificates of *entry*."""
        question = "SELECT fingerprint FROM origin WHERE source = ? AND entry = ?"
        with self._file.reading() as book:
            rows = book.execute(question, (IMPORT, entry)).fetchall() if book else []
        return frozenset(Pin.certificate(digest) for (digest,) in rows)

    def chain(self, fingerprint: Pin) -> Chain | None:
        """Return the certificate with this fingerprint and what may lead to its authorities, or None.

        Authorities that were imported for the same list entry are at hand too: a server that does not send
        its intermediate certificates is a common fault.
        """
        digest = fingerprint.digest
        with self._file.reading() as book:
            rows = stored_rows(book, (digest,)) if book else []
            siblings = _sibling_rows(book, digest) if book and rows else []
        chain = readable(rows).get(digest, ())
        if not chain:
            return None
        further = [one for known in readable(siblings).values() for one in known if is_authority(one)]
        every = tuple(dict.fromkeys((*chain, *further)))
        if len(every) > MAXIMUM_CERTIFICATES:
            every = linked(chain[0], (*further, *chain[1:]))
        return every[:MAXIMUM_CERTIFICATES]

    def find(self, query: CertificateQuery) -> Future[Chain | None]:
        """Return a future that is done; where the file cannot be used it holds the Problem."""
        future: Future[Chain | None] = Future()
        try:
            future.set_result(self.chain(query.fingerprint))
        except Problem as problem:
            future.set_exception(problem)
        return future

    def all(self, limit: int | None = None) -> tuple[KnownChain, ...]:
        """Return every chain that can be read, the one seen last first; at most *limit* of them."""
        with self._file.reading() as book:
            if book is None:
                return ()
            digests = [
                digest
                for (digest,) in book.execute(
                    "SELECT fingerprint FROM chain ORDER BY last_seen DESC LIMIT ?",
                    (-1 if limit is None else limit,),
                )
            ]
        return tuple(
            known
            for start in range(0, len(digests), _AT_ONCE)
            for known in self._known(digests[start : start + _AT_ONCE])
        )

    def _known(self, digests: Sequence[str]) -> Iterator[KnownChain]:
        """Yield some chains; whoever waits for the file has it while they are parsed."""
        with self._file.reading() as book:
            if book is None:
                return
            rows = stored_rows(book, digests)
            origins = {digest: _origins(book, digest) for digest, _ in rows}
        for digest, chain in readable(rows).items():
            yield KnownChain(chain, origins[digest])

    def last_probes(self) -> dict[Entry, datetime]:
        """Return when a server of each list entry last showed a certificate."""
        query = "SELECT entry, max(last_seen) FROM origin WHERE source LIKE ? GROUP BY entry"
        with self._file.reading() as book:
            rows = book.execute(query, (f"{PROBE} %",)).fetchall() if book else ()
        return {Entry(entry): _time(last) for entry, last in rows}

    def note_pending(
        self,
        fingerprint: Pin,
        public_key: Pin | None,
        entry: Entry,
        client_address: str,
        seen: datetime,
    ) -> None:
        """Note that a message for *entry* came with an unknown certificate; raises nothing.

        The note is for people, and its failure is logged instead of being held against the message.
        """
        try:
            with self._file.writing(durable=False, patience=_NOTE_SECONDS) as book:
                book.execute(
                    "INSERT INTO pending VALUES (:fingerprint, :entry, :key, :client, :seen, :seen, 1)"
                    " ON CONFLICT DO UPDATE SET public_key = coalesce(:key, public_key),"
                    " client_address = :client, last_seen = :seen, count = count + 1",
                    {
                        "fingerprint": fingerprint.digest,
                        "entry": entry,
                        "key": public_key and public_key.digest,
                        "client": client_address,
                        "seen": _seconds(seen),
                    },
                )
                self._evict_pending(book)
        except Problem as problem:
            event = events.pending_not_noted(str(fingerprint), str(problem))
            _log.log(event.level, event)

    def pending(self) -> tuple[PendingCertificate, ...]:
        """Return the fingerprints that wait, the one seen last first; some may be known by now."""
        with self._file.reading() as book:
            rows = book.execute(_PENDING).fetchall() if book else ()
        return tuple(found for row in rows if (found := _pending_certificate(row)))

    def settle(self, fingerprint: Pin) -> None:
        """Forget that a fingerprint was unknown."""
        with self._file.writing(durable=False) as book:
            book.execute("DELETE FROM pending WHERE fingerprint = ?", (fingerprint.digest,))

    def close(self) -> None:
        """Close the file; it is opened again when it is needed.  Raises nothing."""
        self._file.close()

    def _evict_chains(self, book: sqlite3.Connection) -> None:
        book.execute(
            "DELETE FROM chain WHERE fingerprint IN (SELECT fingerprint FROM (SELECT fingerprint,"
            " sum(length(certificates)) OVER (ORDER BY last_seen DESC, fingerprint) AS octets"
            " FROM chain WHERE NOT imported) WHERE octets > ?)",
            (self._octets,),
        )

    def _evict_pending(self, book: sqlite3.Connection) -> None:
        """Let the client with the most rows lose its oldest: a flood from one place only displaces itself."""
        (rows,) = book.execute("SELECT count(*) FROM pending").fetchone()
        if rows > self._pending:
            book.execute(
                "DELETE FROM pending WHERE rowid IN (SELECT rowid FROM pending ORDER BY"
                " count(*) OVER (PARTITION BY client_address) DESC, last_seen, rowid LIMIT ?)",
                (rows - self._pending,),
            )


def _sibling_rows(book: sqlite3.Connection, digest: str) -> list[ChainRow]:
    siblings = book.execute(
        "SELECT DISTINCT sibling.fingerprint FROM origin JOIN origin AS sibling USING (entry) WHERE"
        " origin.fingerprint = ?1 AND sibling.fingerprint != ?1 AND sibling.source = ?2 LIMIT ?3",
        (digest, IMPORT, MAXIMUM_CERTIFICATES),
    ).fetchall()
    return stored_rows(book, [sibling for (sibling,) in siblings])


def _origins(book: sqlite3.Connection, digest: str) -> tuple[Origin, ...]:
    rows = book.execute(
        "SELECT source, entry, first_seen, last_seen FROM origin WHERE fingerprint = ?"
        " ORDER BY first_seen, rowid",
        (digest,),
    )
    return tuple(
        Origin(source, Entry(entry), _time(first), _time(last)) for source, entry, first, last in rows
    )


def _pending_certificate(row: tuple[Any, ...]) -> PendingCertificate | None:
    digest, entry, public_key, client_address, first, last, count, is_known = row
    try:
        return PendingCertificate(
            fingerprint=Pin.certificate(digest),
            public_key=Pin.public_key(public_key) if public_key else None,
            entry=Entry(entry),
            client_address=client_address,
            first_seen=_time(first),
            last_seen=_time(last),
            count=count,
            is_known=bool(is_known),
        )
    except (AttributeError, TypeError, ValueError) as error:
        set_aside(digest, error)
        return None


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

"""Chains as they stand in the rows of the certificate book.

Invariant: a row that cannot be read is set aside with a log line, and the others are read.
"""

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from asn1crypto import parser

from domain_secure.policy.certificates.certificate import MAXIMUM_CERTIFICATES, Chain, parse
from domain_secure.policy.certificates.issuers import linked

from . import events

ChainRow = tuple[str, bytes]  #: fingerprint, certificates in DER, one after the other

_log = logging.getLogger(__name__)


def readable(rows: Iterable[ChainRow]) -> dict[str, Chain]:
    """Return the chains that can be read, by the fingerprint of their certificate."""
    chains: dict[str, Chain] = {}
    for digest, certificates in rows:
        try:
            chains[digest] = _decoded(certificates, digest)
        except (TypeError, ValueError) as error:
            set_aside(digest, error)
    return chains


def stored_rows(book: sqlite3.Connection, digests: Sequence[str]) -> list[ChainRow]:
    """Return the rows of chains as they were added, in the order of *digests*, nothing read yet."""
    query = "SELECT fingerprint, certificates FROM chain WHERE fingerprint = ?"
    return [row for digest in digests for row in book.execute(query, (digest,))]


def is_imported(book: sqlite3.Connection, digest: str) -> bool:
    """Tell whether an administrator imported the certificate."""
    row = book.execute("SELECT imported FROM chain WHERE fingerprint = ?", (digest,)).fetchone()
    return bool(row and row[0])


def evict_origins(book: sqlite3.Connection, digest: str, kept: str, limit: int) -> None:
    """Forget where else a certificate was seen, the longest ago first, but for the source *kept*."""
    book.execute(
        "DELETE FROM origin WHERE rowid IN (SELECT rowid FROM origin WHERE fingerprint = ? AND source != ?"
        " ORDER BY last_seen DESC, rowid DESC LIMIT -1 OFFSET ?)",
        (digest, kept, limit),
    )


def _decoded(certificates: bytes, digest: str) -> Chain:
    chain = tuple(map(parse, _each(certificates)))
    if not chain or chain[0].certificate_pin.digest != digest:
        raise ValueError("it is not the certificate of that fingerprint")
    return chain


def _each(certificates: bytes) -> Iterator[bytes]:
    while certificates:
        length = parser.peek(certificates)
        yield certificates[:length]
        certificates = certificates[length:]


def set_aside(digest: object, error: Exception) -> None:
    """Log that a row of the book cannot be read."""
    event = events.certificate_set_aside(str(digest), str(error))
    _log.log(event.level, event)


def in_front(chain: Chain) -> Chain:
    """Return a chain with what leads on from its certificate in front of the rest."""
    return merged_chains(linked(chain[0], chain[1:]), chain)


def merged_chains(first: Chain, then: Chain) -> Chain:
    """Return two chains of one certificate as one, as much of the second as there is room for."""
    return tuple(dict.fromkeys((*first, *then)))[:MAXIMUM_CERTIFICATES]

"""Who was answered in the last days, on disk: how often, and to which letters.

Owns: the limits' arithmetic, and that an answer is counted before it is sent, so that neither a crash nor a
restart makes two of one.
Must not know: what a letter is.
Invariants: addresses are kept as digests; an entry that is dated in the future, since the clock was ahead,
counts for a day from when that is seen; nothing is granted while the file cannot be read and written.
"""

import hashlib
import os
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from domain_secure.policy.configuration.configuration import Reflector
from domain_secure.policy.files.held_database import connect
from domain_secure.policy.reflector.alignment import organizational_domain
from domain_secure.policy.reflector.reason import Reason
from domain_secure.policy.terms.mailbox import Mailbox

FILE_NAME = "reflector.sqlite"

_DAY = 86400.0
# Longer than a letter may be old, so that no letter is new a second time.
_KEPT = 8 * _DAY
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    moment REAL NOT NULL, author TEXT NOT NULL, domain TEXT NOT NULL, client TEXT NOT NULL,
    letter TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS letters ON answers (letter);
CREATE INDEX IF NOT EXISTS moments ON answers (moment);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One letter as it is counted."""

    author: Mailbox
    client_address: str
    identifier: str  #: its Message-ID

    @property
    def digests(self) -> tuple[str, str, str, str]:
        """Return author, domain, client and letter as they are kept."""
        # user+one@ and user+two@ are one person.
        local_part = self.author.folded.rpartition("@")[0].partition("+")[0]
        author = f"{local_part}@{self.author.domain}"
        return (
            _digest(author),
            _digest(organizational_domain(self.author.domain)),
            _digest(_network(self.client_address)),
            _digest(f"{author} {self.identifier}"),
        )


class Ledger:
    """The file in *state*; safe from many threads.  Every method raises sqlite3.Error and OSError."""

    def __init__(self, state: Path) -> None:
        self.path = state / FILE_NAME
        self._lock = threading.Lock()

    def refusal(self, entry: Entry, limits: Reflector, now: float) -> Reason | None:
        """Return why a letter would not be answered at *now*, in seconds since 1970; None: it would."""
        with self._lock, closing(self._opened()) as connection:
            return _refusal(connection, entry, limits, now)

    def reserve(self, entry: Entry, limits: Reflector, now: float) -> Reason | None:
        """Count an answer that is about to be sent; return why it must not be, or None."""
        with self._lock, closing(self._opened()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            refusal = _refusal(connection, entry, limits, now)
            if refusal is None:
                connection.execute("DELETE FROM answers WHERE moment < ?", (now - _KEPT,))
                connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", (now, *entry.digests))
            connection.execute("COMMIT")
            return refusal

    def release(self, entry: Entry) -> None:
        """Take back what was counted for an answer that nobody has begun to send."""
        with self._lock, closing(self._opened()) as connection:
            connection.execute("DELETE FROM answers WHERE letter = ?", (entry.digests[-1],))

    def _opened(self) -> sqlite3.Connection:
        if not self.path.exists():
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(self.path, flags, 0o600))
        connection = connect(self.path)
        try:
            connection.executescript(_SCHEMA)
        except BaseException:
            connection.close()
            raise
        return connection


def _refusal(connection: sqlite3.Connection, entry: Entry, limits: Reflector, now: float) -> Reason | None:
    author, domain, client, letter = entry.digests
    connection.execute("UPDATE answers SET moment = ? WHERE moment > ?", (now, now))
    if connection.execute("SELECT 1 FROM answers WHERE letter = ?", (letter,)).fetchone():
        return Reason.DUPLICATE
    (total, by_author, by_domain, by_client) = connection.execute(
        "SELECT count(*), coalesce(sum(author = ?), 0), coalesce(sum(domain = ?), 0),"
        " coalesce(sum(client = ?), 0) FROM answers WHERE moment > ?",
        (author, domain, client, now - _DAY),
    ).fetchone()
    for number, most, reason in (
        (by_author, limits.per_author, Reason.AUTHOR_LIMIT),
        (by_domain, limits.per_domain, Reason.DOMAIN_LIMIT),
        (by_client, limits.per_client, Reason.CLIENT_LIMIT),
        (total, limits.per_day, Reason.DAY_LIMIT),
    ):
        if number >= most:
            return reason
    return None


def _network(address: str) -> str:
    """Return what counts as one client: an address, of IPv6 the network of 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    plain = getattr(parsed, "ipv4_mapped", None) or parsed
    return f"{int(plain) >> 64:x}::/64" if isinstance(plain, IPv6Address) else str(plain)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

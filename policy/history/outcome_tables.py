"""Write down what last became of partners' mail, whose refused messages were, and from where mail passed.

Owns: what a batch becomes in these tables.
Must not know: who asks.
Invariant: the address of a client is kept only where its message passed, or is the last of its kind.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence

from domain_secure.policy.record.history_item import Count, HistoryItem

from .partner_report import Category, category_of

_HOUR = 3600
_CLIENTS = 200  #: of one partner; who sends from a pool of thousands is known by its certificate


def note(connection: sqlite3.Connection, counted: Sequence[tuple[HistoryItem, Count]]) -> None:
    """Take in a batch, inside its transaction."""
    _note_latest(connection, counted)
    _note_attributed(connection, counted)
    _note_clients(connection, counted)


def drop(connection: sqlite3.Connection, oldest: int) -> None:
    """Forget what was before *oldest*, in seconds since 1970."""
    connection.execute("DELETE FROM latest_outcome WHERE time < ?", (oldest,))
    connection.execute("DELETE FROM attributed WHERE hour < ?", (oldest,))
    connection.execute("DELETE FROM client WHERE last_seen < ?", (oldest,))


def _note_latest(connection: sqlite3.Connection, counted: Sequence[tuple[HistoryItem, Count]]) -> None:
    latest = {
        (count.entry, _category(count), count.attribution or ""): (
            item.time.timestamp(),
            count.outcome,
            count.detail,
            item.queue_id,
            count.client,
        )
        for item, count in counted
    }
    connection.executemany(
        "INSERT OR REPLACE INTO latest_outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(*key, *row) for key, row in latest.items()],
    )


def _note_attributed(connection: sqlite3.Connection, counted: Sequence[tuple[HistoryItem, Count]]) -> None:
    sums = Counter(
        (
            int(item.time.timestamp()) // _HOUR * _HOUR,
            count.entry,
            _category(count),
            str(count.attribution),
        )
        for item, count in counted
        if count.attribution is not None
    )
    connection.executemany(
        "INSERT INTO attributed VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " count = count + excluded.count",
        [(*key, number) for key, number in sums.items()],
    )


def _note_clients(connection: sqlite3.Connection, counted: Sequence[tuple[HistoryItem, Count]]) -> None:
    entries: set[str] = set()
    for item, count in counted:
        if not count.client or count.certificate is None or category_of(count) is not Category.PASSED:
            continue
        entries.add(count.entry)
        connection.execute(
            "INSERT INTO client VALUES (?1, ?2, ?3, ?4, ?4, 1) ON CONFLICT DO UPDATE SET"
            " last_seen = max(last_seen, ?4), passed = passed + 1",
            (count.entry, count.client, count.certificate.digest, item.time.timestamp()),
        )
    connection.executemany(
        "DELETE FROM client WHERE entry = ?1 AND (address, fingerprint) IN (SELECT address, fingerprint"
        " FROM client WHERE entry = ?1 ORDER BY last_seen DESC LIMIT -1 OFFSET ?2)",
        [(entry, _CLIENTS) for entry in entries],
    )


def _category(count: Count) -> str:
    return category_of(count).name.lower()

"""Keep the history in step with what happens, whatever becomes of its file.

Owns: what is done about a damaged file or a full disk, and when old records are dropped.
Must not know: what the records say.
Invariant: the daemon goes on; what could not be kept is counted, and said once.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.policy.configuration.configuration import LogLevel, Retention
from domain_secure.policy.history.counter_sums import NOTHING_COUNTED, Counted, CounterKey
from domain_secure.policy.history.history_file import UnusableHistoryError, is_damage, problem_of
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.history.seen_hours import InForce
from domain_secure.policy.record.history_item import HistoryItem
from domain_secure.policy.record.observed import Observed, item_of
from domain_secure.policy.terms.event import Event, internal_error

from . import events

_log = logging.getLogger("domain_secure")

_PRUNE_SECONDS = 60.0
# Some megabytes: a flood shall not outgrow the bound before the minute is over.
_PRUNE_RECORDS = 5000


@dataclass(frozen=True, slots=True)
class Beside:
    """What is kept with each batch.

    *counted* returns those of the counters' sums that grew since the last call, or all of them.
    """

    counted: Callable[[bool], Counted] = lambda _: NOTHING_COUNTED
    in_force: Callable[[], InForce | None] = lambda: None


class HistoryKeeper:
    """Writes each batch into the history; for the recorder's thread."""

    def __init__(
        self,
        path: Path,
        level: Callable[[Observed], LogLevel],
        retention: Callable[[], Retention],
        log: Callable[[Event], None],
        lost: Callable[[int], None],
        beside: Beside = Beside(),
    ) -> None:
        self._writer = HistoryWriter(path)
        self._level = level
        self._retention = retention
        self._log = log
        self._lost = lost
        self._beside = beside
        self._in_force_kept: InForce | None = None
        self._unkept: dict[CounterKey, int] = {}
        self._is_failing = False
        self._prune_due = 0.0
        self._unpruned = 0  #: records written since the last look

    def consume(self, batch: Sequence[Observed]) -> None:
        """Keep the records, or count them as lost."""
        items = [item for record in batch if (item := self._item(record))]
        counted, in_force = self._to_keep(), self._beside.in_force()
        is_news = counted.sums or in_force != self._in_force_kept
        # A state folder that was taken away is put back by who tells of it.
        if items or (is_news and self._writer.path.parent.is_dir()):
            if not self._succeeds(lambda: self._writer.write(items, counted, in_force)):
                if items:
                    self._lost(len(items))
                return
            self._unkept.clear()
            self._in_force_kept = in_force
        self._unpruned += len(items)
        if time.monotonic() >= self._prune_due or self._unpruned >= _PRUNE_RECORDS:
            self._prune_due = time.monotonic() + _PRUNE_SECONDS
            self._unpruned = 0
            self._succeeds(self._prune)

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def _to_keep(self) -> Counted:
        """Return the sums that the file may lack: what grew, or all where it may be another file."""
        counted = self._beside.counted(not self._writer.is_in_place)
        self._unkept |= counted.sums
        return Counted(dict(self._unkept), counted.since)

    def _item(self, record: Observed) -> HistoryItem | None:
        try:
            return item_of(record, self._level(record))
        except Exception as error:  # noqa: BLE001 - one record must not cost the others of its batch
            _log.error(internal_error("history", error))
            self._lost(1)
            return None

    def _prune(self) -> None:
        if self._writer.path.exists() and self._writer.prune(self._retention(), datetime.now(UTC)):
            self._prune_due = 0.0

    def _succeeds(self, action: Callable[[], None]) -> bool:
        """Do something with the file, with a new one if this one turns out to be bad."""
        try:
            try:
                action()
            except (UnusableHistoryError, sqlite3.DatabaseError) as error:
                if isinstance(error, sqlite3.Error) and not is_damage(error):
                    raise
                aside = self._writer.set_aside()
                self._log(events.history_set_aside(str(aside), str(error)))
                action()
        except (OSError, sqlite3.Error, UnusableHistoryError) as error:
            self._writer.close()
            if not self._is_failing:
                self._is_failing = True
                self._log(events.history_failed(_told(error, self._writer.path)))
            return False
        if self._is_failing:
            self._is_failing = False
            self._log(events.history_resumed())
        return True


def _told(error: OSError | sqlite3.Error | UnusableHistoryError, path: Path) -> str:
    return str(error) if isinstance(error, UnusableHistoryError) else str(problem_of(error, path))

"""Keeps the judgements on the paths of partners up to date, in a thread of its own.

Owns: the order of work, and who waits for what.
Must not know: HTTP, what a judgement does to a message.
Invariants: everything but the finished judgements belongs to the one thread; a message's thread reads a
judgement or waits for a future, and never parses, judges or asks.
"""

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain

from domain_secure.milter.fetching.fetcher import Fetcher
from domain_secure.milter.fetching.http_fetch import FetchError
from domain_secure.policy.revocation.location_report import FILE_NAME, LocationReport, write_failures
from domain_secure.policy.revocation.revocation import (
    Judgement,
    Location,
    RevocationList,
    RevocationStatus,
    ValidatedPath,
)
from domain_secure.policy.revocation.revocation_store import RevocationStore
from domain_secure.policy.terms.event import Event, internal_error

from . import events
from .followed_locations import DEFAULT_REFRESH
from .location_request import request_for
from .revocation_table import PathKey, RevocationTable, Watched

_UNUSED = timedelta(days=30)  #: a kept statement that nobody has wanted for so long is removed
_LONGEST_SLEEP = 60.0  #: seconds; the clock of the machine may be set meanwhile
_DROPPED = Judgement(RevocationStatus.UNKNOWN, "it is not watched any more")


class RevocationWatch:
    """Finds the revocation of trusted paths; its methods may be called from any thread.

    *next_updates* is called, from the watch's thread, with the next update of the lists in use by issuer.
    """

    def __init__(
        self,
        store: RevocationStore,
        log: Callable[[Event], None],
        next_updates: Callable[[Mapping[str, datetime]], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._log = log
        self._next_updates = next_updates
        self._now = now
        self._orders: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="revocation", daemon=True)
        self._fetcher = Fetcher()
        self._table = RevocationTable(store, log, now, self._drop)
        self._waiting: defaultdict[PathKey, list[Future[Judgement]]] = defaultdict(list)
        self._private = False
        self._backlog: Iterator[ValidatedPath] | None = None
        self._failures: tuple[LocationReport, ...] | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; returns without waiting.  What a server says from now on is lost."""
        self._fetcher.close()
        self._orders.put(None)

    def configure(
        self,
        lists: tuple[RevocationList, ...],
        *,
        private: bool,
        refresh: timedelta = DEFAULT_REFRESH,
        paths: Iterable[ValidatedPath] = (),
    ) -> None:
        """Use these lists of files from now on, and watch *paths* ahead of their first message.

        *private*: locations may be at private addresses; *refresh*: the longest time between two questions
        to one.  *paths* is consumed by the watch's thread, one at a time when there is nothing else to do.
        """
        self._orders.put(lambda: self._configure(lists, private, refresh, paths))

    def ask_again(self) -> None:
        """Ask every location that said nothing useful in the last few minutes; returns without waiting."""
        self._orders.put(self._table.locations.ask_again)

    def refresh(self, done: Callable[[tuple[LocationReport, ...]], None]) -> None:
        """Ask every location now; *done* is called with what became of each, from the watch's thread."""
        self._orders.put(lambda: self._refresh(done))

    def find(self, path: ValidatedPath) -> Future[Judgement]:
        """Return a future of the judgement on a trusted path; it is done where that is at hand.

        Else it is done when somebody has said something, or nobody is left to be asked.
        """
        future: Future[Judgement] = Future()
        judgement = self._table.at_hand(path)
        if judgement is not None and judgement.until is not None and self._now() <= judgement.until:
            future.set_result(judgement)
        else:
            self._orders.put(lambda: self._find(path, future))
        return future

    def _run(self) -> None:
        while True:
            try:
                order = self._orders.get(timeout=self._pause())
            except queue.Empty:
                order = self._idle
            if order is None:
                return
            try:
                order()
                self._ask()
            except Exception as error:  # noqa: BLE001 - a fault must not end the watch; messages see "unknown"
                self._log(internal_error("revocation", error))

    def _pause(self) -> float:
        """Return for how many seconds there is nothing to do."""
        if self._backlog is not None:
            return 0.0
        due = self._table.locations.next_due()
        if due is None:
            return _LONGEST_SLEEP
        return min(max((due - self._now()).total_seconds(), 0.0), _LONGEST_SLEEP)

    def _idle(self) -> None:
        if self._backlog is None:
            return
        path = next(self._backlog, None)
        if path is None:
            self._backlog = None
            # Not before the paths of the book have said what they still want.
            self._store.tidy(self._now() - _UNUSED)
            self._publish()
            return
        watched = self._table.watch(path)
        if not watched.is_fresh(self._now()):
            self._table.judge(watched)

    def _configure(
        self,
        lists: tuple[RevocationList, ...],
        private: bool,
        refresh: timedelta,
        paths: Iterable[ValidatedPath],
    ) -> None:
        if private and not self._private:
            self._table.locations.retry_failed()
        self._private = private
        self._table.locations.set_longest(refresh)
        again: list[ValidatedPath] = []
        if lists != self._table.lists:
            self._table.lists = lists
            for watched in self._table:
                watched.judged = None
                again.append(watched.path)
        self._backlog = chain(again, paths)

    def _refresh(self, done: Callable[[tuple[LocationReport, ...]], None]) -> None:
        while self._backlog is not None:
            self._idle()
        self._table.refresh(done)

    def _find(self, path: ValidatedPath, future: Future[Judgement]) -> None:
        watched = self._table.watch(path)
        self._waiting[watched.key].append(future)
        was_fresh = watched.is_fresh(self._now())
        try:
            if not was_fresh:
                self._table.judge(watched)
            self._ask()
        finally:
            self._answer(watched)
        if watched.is_unknown:
            # This message does not wait; the next one need not be put off as well.
            self._table.locations.press(watched.needs)
        if not was_fresh:
            self._publish()

    def _ask(self) -> None:
        for location in self._table.take_due():
            self._fetcher.start(request_for(location, private=self._private), partial(self._report, location))

    def _report(self, location: Location, result: bytes | FetchError) -> None:
        self._orders.put(lambda: self._received(location, result))

    def _received(self, location: Location, result: bytes | FetchError) -> None:
        if isinstance(result, FetchError):
            # Another node of the fleet may have got through; its word is judged like the location's.
            result = self._store.from_others(location) or result
        users = self._table.received(location, result)
        self._ask()
        for watched in users:
            self._answer(watched)
        self._publish()

    def _answer(self, watched: Watched) -> None:
        """Tell those who wait, unless somebody who may know more is being asked."""
        if watched.judgement is not None and not self._table.may_learn(watched):
            for future in self._waiting.pop(watched.key, ()):
                future.set_result(watched.judgement)

    def _drop(self, key: PathKey) -> None:
        for future in self._waiting.pop(key, ()):
            future.set_result(_DROPPED)

    def _publish(self) -> None:
        self._next_updates(self._table.locations.next_updates(self._table.lists))
        failures = self._table.failures()
        if failures != self._failures:
            self._failures = failures
            try:
                write_failures(self._store.folder.parent, failures)
            except OSError as error:
                self._log(events.revocation_not_kept(f"{FILE_NAME}: {error.strerror}"))

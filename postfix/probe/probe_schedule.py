"""Probe each partner by schedule, so that its renewed certificate is known before the first message.

Owns: when a partner's turn is.
Must not know: how a probe works, and what becomes of its results.
Invariants: one partner at a time, and not more than one a second, whatever the length of the lists.
"""

import heapq
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import UTC, datetime, timedelta
from itertools import chain, islice

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

from .probe import TIME_LIMIT, ProbeResult

PERIOD = timedelta(hours=12)
NEAR_EXPIRY = timedelta(days=1)
PERIOD_NEAR_EXPIRY = timedelta(hours=1)
# A host that was given up must not be asked every hour for ever.
LONG_EXPIRED = timedelta(days=7)
# Beyond that a schedule makes no sense: one partner a second takes three hours for so many.
PARTNERS_LIMIT = 10_000
_SPACING_SECONDS = 1.0
_LOOK_SECONDS = 5.0  #: how soon a changed list is noticed
# Hosts of one partner are probed side by side; a few may wait for a thread.
_LONGEST_SECONDS = 4 * TIME_LIMIT


def next_turn(now: datetime, not_after: datetime | None, jitter: float) -> datetime:
    """Return when a partner's turn is again.

    *not_after* is the end of the certificate it showed, the earliest of several; *jitter*, about 1, keeps
    servers that were started together from probing together.
    """
    turn = now + PERIOD * jitter
    if not_after is None or now > not_after + LONG_EXPIRED:
        return turn
    near = not_after - NEAR_EXPIRY
    return min(turn, max(near, now + PERIOD_NEAR_EXPIRY * jitter))


class ProbeSchedule:
    """A thread that probes the partners of both lists, each in its turn, from start() until stop().

    *last_probes* tells when partners were probed, by this process or an earlier one; *book* which book that
    is from: a new one is filled again.
    """

    def __init__(
        self,
        configuration: Callable[[], Configuration],
        probe_partner: Callable[[Entry], Future[tuple[ProbeResult, ...]]],
        last_probes: Callable[[], Mapping[Entry, datetime]],
        book: Callable[[], object] = lambda: None,
    ) -> None:
        self._configuration = configuration
        self._probe_partner = probe_partner
        self._last_probes = last_probes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="probe-schedule", daemon=True)
        self._book = book
        self._seen: Configuration | None = None
        self._seen_book = book()
        self._due: dict[Entry, datetime] = {}
        self._heap: list[tuple[datetime, Entry]] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; a probe under way is left to itself."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._follow_lists()
            now = datetime.now(UTC)
            if self._heap and self._heap[0][0] <= now:
                self._take_turn(heapq.heappop(self._heap))
                self._stop.wait(_SPACING_SECONDS)
            else:
                self._stop.wait(_LOOK_SECONDS)

    def _follow_lists(self) -> None:
        configuration, book = self._configuration(), self._book()
        if configuration is self._seen and book == self._seen_book:
            return
        if book != self._seen_book and self._seen_book is not None:
            self._due = {}
        self._seen, self._seen_book = configuration, book
        wanted = _partners(configuration)
        try:
            last = self._last_probes()
        except Problem:
            # The book says so wherever it is used; the partners are probed as if for the first time.
            last = {}
        now = datetime.now(UTC)
        self._due = {entry: self._due.get(entry) or _first_turn(last.get(entry), now) for entry in wanted}
        self._heap = [(due, entry) for entry, due in self._due.items()]
        heapq.heapify(self._heap)

    def _take_turn(self, turn: tuple[datetime, Entry]) -> None:
        _, entry = turn
        try:
            results = self._probe_partner(entry).result(_LONGEST_SECONDS)
        except FutureTimeoutError:
            results = ()
        ends = [result.chain[0].not_after for result in results if result.chain]
        due = next_turn(datetime.now(UTC), min(ends, default=None), _jitter())
        self._due[entry] = due
        heapq.heappush(self._heap, (due, entry))


def _partners(configuration: Configuration) -> tuple[Entry, ...]:
    if not configuration.inbound.probe:
        return ()
    further = (entry for entry in configuration.send if entry not in configuration.receive)
    return tuple(islice(chain(configuration.receive, further), PARTNERS_LIMIT))


def _first_turn(last: datetime | None, now: datetime) -> datetime:
    return now if last is None else next_turn(last, None, _jitter())


def _jitter() -> float:
    return random.uniform(0.75, 1.25)  # noqa: S311 - nobody gains from guessing it

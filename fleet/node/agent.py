"""The part of a running daemon that follows the fleet's store and reports to it.

Owns: its threads, and when the store is asked: at once when the watch says so, else every few seconds, less
often while it does not answer.
Must not know: milter and Postfix; what this node enforces is told by whoever composes the daemon.
Invariant: the watch only makes it faster.  What is applied rests on the head key as it was read, so that
compaction, a lost watch and a new leader cost a moment and nothing else.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from domain_secure.fleet.store.backoff import Backoff
from domain_secure.fleet.store.client import Etcd, put
from domain_secure.fleet.store.problems import Kind, StoreProblem
from domain_secure.fleet.store.repository import MACHINE, MEMBER, REPORT, Repository
from domain_secure.policy.configuration.configuration import Store
from domain_secure.policy.terms.event import Event, internal_error
from domain_secure.policy.terms.problems import Problem

from . import events
from .follower import Follower, HasLeft
from .reports import Report

LEASE_SECONDS = 30  #: after which a node that died is no longer called live
_HEARTBEAT_SECONDS = 8.0
_WATCH_SECONDS = 60.0  #: after which a silent watch is set anew: its server may be gone without a word
_LONGEST_PAUSE = 30.0
_PROBING_SECONDS = 0.5
_REPORT_SECONDS = 60.0  #: how often counters alone are worth a write


@dataclass(frozen=True, slots=True)
class Standing:
    """What the metrics and ``/healthz`` say of the fleet."""

    applied: int | None
    head: int | None
    reachable: bool
    contact: float | None  #: seconds since the epoch
    problem: str | None


class Agent:
    """Follows and reports until stopped.

    *report* returns what this node enforces now, *applied* is called when something new is on disk, *observe*
    after each round, and what *exchange* returns at its end; all of them from the agent's own thread.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - everything that a round touches
        self,
        store: Store,
        follower: Callable[[Repository], Follower],
        report: Callable[[str | None], Report],
        applied: Callable[[], None],
        observe: Callable[[Standing], None],
        log: Callable[[Event], None],
        exchange: Callable[[Repository], Callable[[], object]],
    ) -> None:
        self._store = store
        self._repository = Repository(Etcd(store), store.prefix)
        self._follower = follower(self._repository)
        self._report = report
        self._applied = applied
        self._observe = observe
        self._log = log
        self._exchange = exchange(self._repository)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True)
            for target, name in ((self._run, "fleet"), (self._watch, "fleet-watch"))
        ]
        self._lease: str | None = None
        self._others = 0  #: machines that report under our name, as far as was said
        self._reported: Report | None = None
        self._lost_at: float | None = None
        self._silenced = False
        self._renew_due = self._exchange_due = 0.0
        self._standing = Standing(None, None, reachable=False, contact=None, problem=None)

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, and take the report back where the store answers soon."""
        self._stop.set()
        self._wake.set()
        self._threads[0].join(2.0)

    def changed(self) -> None:
        """Say that what this node enforces has changed; may be called from any thread."""
        self._wake.set()

    def _run(self) -> None:
        pauses = Backoff(0.5, _LONGEST_PAUSE)
        while not self._stop.is_set():
            self._wake.clear()
            try:
                self._round()
                pauses.succeeded()
                # A thousand nodes that began together are soon spread evenly.
                pause = _HEARTBEAT_SECONDS * random.uniform(0.7, 1.3)  # noqa: S311 - not a secret
                self._wake.wait(pause)
            except HasLeft:
                self._log(events.left_fleet())
                self._stop.set()
            except (Problem, OSError) as problem:
                self._failed(str(problem))
                self._wake.wait(pauses.pause())
            except Exception as error:  # noqa: BLE001 - whatever it is, this node goes on and tries again
                self._log(internal_error("fleet", error))
                self._stop.wait(pauses.pause())
        self._leave()

    def _round(self) -> None:
        head, is_new = self._follower.follow()
        self._answered()
        if is_new:
            self._applied()  # which ends in changed(), when there is something to report
            return
        report = self._report(self._follower.problem)
        number = head.envelope.revision.number if head.envelope else None
        self._tell(
            applied=report.milter,
            head=number,
            reachable=True,
            contact=time.time(),
            problem=self._follower.problem,
        )
        try:
            self._send_report(report)
            self._silenced = False
            if time.monotonic() >= self._exchange_due:
                self._exchange_due = time.monotonic() + _HEARTBEAT_SECONDS
                self._exchange()
        except StoreProblem as problem:
            if problem.kind not in {Kind.FULL, Kind.DENIED}:
                raise
            if not self._silenced:  # it goes on following a store that it may read only
                self._log(events.report_refused(str(problem)))
            self._silenced = True

    def _send_report(self, report: Report) -> None:
        if time.monotonic() >= self._renew_due:
            if self._lease is None or not self._repository.etcd.keep_alive(self._lease):
                self._lease = self._repository.etcd.grant(LEASE_SECONDS)
                self._reported = None
                self._put(MEMBER, report, None)
            self._renew_due = time.monotonic() + _HEARTBEAT_SECONDS / 2
            self._look_for_others(report.instance)
        if self._reported is not None and not _is_news(self._reported, report):
            return
        try:
            self._put(REPORT, report, self._lease)
        except StoreProblem as problem:
            self._renew_due = 0.0
            if problem.kind is not Kind.NO_LEASE:
                raise
            self._lease = None  # the store was restored, or did not hear of us for too long
            self._wake.set()
            return
        self._reported = report

    def _look_for_others(self, instance: str) -> None:
        """Say when another machine begins to report under our name."""
        others = len(self._repository.machines(self._store.node) - {instance})
        if others > self._others:
            self._log(events.name_taken(self._store.node, machines=others + 1))
        self._others = others

    def _put(self, what: str, report: Report, lease: str | None) -> None:
        key = self._repository.node_key(self._store.node, what)
        if what == MEMBER:
            self._repository.etcd.transaction(put(key, report.version.encode()))
        else:
            octets = report.octets()
            own = self._repository.node_key(self._store.node, f"{MACHINE}{report.instance}")
            self._repository.etcd.transaction(put(own, octets, lease), put(key, octets, lease))

    def _answered(self) -> None:
        if self._lost_at is not None:
            self._log(events.store_found(seconds=time.monotonic() - self._lost_at))
            self._lost_at = None

    def _failed(self, problem: str) -> None:
        applied = self._report(None).milter
        if self._lost_at is None:
            self._lost_at = time.monotonic()
            self._log(events.store_lost(problem, revision=applied))
        self._tell(applied=applied, reachable=False, problem=problem)

    def _tell(self, **changes: object) -> None:
        self._standing = replace(self._standing, **changes)  # type: ignore[arg-type]
        self._observe(self._standing)

    def _leave(self) -> None:
        if self._lease is not None:
            try:
                self._repository.etcd.revoke(self._lease)
            except Problem:
                return  # it ends by itself

    def _watch(self) -> None:
        pauses = Backoff(0.2, _LONGEST_PAUSE)
        etcd: Etcd | None = None
        while not self._stop.is_set():
            try:
                # One log-in for as long as it is good: a thousand nodes that log in with each watch keep a
                # processor of etcd busy.
                etcd = etcd or Etcd(self._store, self._repository.etcd.log_in)
                seconds = _WATCH_SECONDS * random.uniform(0.7, 1.3)  # noqa: S311 - not a secret
                for _ in etcd.watch(self._repository.head_key, seconds):
                    pauses.succeeded()
                    self._wake.set()
            except (Problem, OSError):
                # The other thread says so, and finds out when the store is back: one of us asking is enough.
                etcd = None
                self._stop.wait(pauses.pause())
                while self._lost_at is not None and not self._stop.is_set():
                    self._stop.wait(_PROBING_SECONDS)
            except Exception as error:  # noqa: BLE001 - as above
                etcd = None
                self._log(internal_error("fleet-watch", error))
                self._stop.wait(pauses.pause())


def _is_news(former: Report, present: Report) -> bool:
    """Tell whether a report is worth a write: anything but counters at once, these now and then."""
    aged = (present.at - former.at).total_seconds() >= _REPORT_SECONDS
    same = replace(present, at=former.at, counters=former.counters) == former
    return not same or (aged and present.counters != former.counters)

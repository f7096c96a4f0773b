"""Work on targets, at most one task a target at a time, in few threads, and not too often.

Owns: who shares a task, who has to come back later, and how long a target is left alone after a failure.
Must not know: what is done.
Invariants: asking never waits; threads, waiting tasks and remembered targets are bounded.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain_secure.policy.threads.bounded_start import BoundedStartThread

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# What strangers can make us remember takes less than a megabyte.
REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a target is left alone, in seconds; after failures it doubles from one to the next."""

    after_success: float = 60.0
    after_failure: float = 30.0
    longest: float = 900.0

    def pause(self, failures: int) -> float:
        """Return the pause after so many failures in a row, none being a success."""
        if failures == 0:
            return self.after_success
        return float(min(self.longest, self.after_failure * 2 ** min(failures - 1, 16)))


@dataclass(frozen=True, slots=True)
class Room:
    """How many tasks may run at a time, and how many may wait for that."""

    threads: int
    waiting: int


@dataclass(slots=True)
class _Target(Generic[V]):
    task: Future[V] | None = None  #: under way or waiting for a thread
    last: Future[V] | None = None  #: done; only where results are kept
    failures: int = 0
    not_before: float = 0.0


class PacedTasks(Generic[K, V]):
    """Runs ``work(key)`` in threads of its own, which end when there is nothing to do.

    *succeeded* tells whether a result lets the target's pause be the short one; work that raises has failed.
    With *keep* a target that is left alone answers with its last result, which should be small.  *monotonic*
    returns seconds.
    """

    def __init__(
        self,
        work: Callable[[K], V],
        succeeded: Callable[[V], bool],
        pace: Pace,
        room: Room,
        *,
        keep: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._succeeded = succeeded
        self._pace = pace
        self._room = room
        self._keep = keep
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._threads = 0
        self._waiting: deque[tuple[K, Future[V]]] = deque()
        self._targets: OrderedDict[K, _Target[V]] = OrderedDict()

    def ask(self, key: K) -> Future[V] | None:
        """Return the future of the task on *key*, a shared one where it is under way.

        Where the target is to be left alone for now, that is the last one if results are kept, else None;
        it is None too where too much waits already.
        """
        with self._lock:
            target = self._targets.get(key)
            if target is not None and target.task is not None:
                self._start_thread()
                return target.task
            if target is not None and self._monotonic() < target.not_before:
                return target.last
            if len(self._waiting) >= self._room.waiting:
                return None
            target = self._targets.setdefault(key, _Target())
            self._targets.move_to_end(key)
            task: Future[V] = Future()
            target.task = task
            task.set_running_or_notify_cancel()
            self._waiting.append((key, task))
            self._forget_oldest()
            self._start_thread()
        return task

    def _start_thread(self) -> None:
        if not self._waiting or self._threads >= self._room.threads:
            return
        # Daemon threads: what they do may be cut off at any instant, and must not hold up the program's end.
        thread = BoundedStartThread(self._run, name="paced-task")
        # At the system's limit of threads the task waits for one that runs, or for whoever asks next.
        with suppress(RuntimeError):
            thread.start()
            self._threads += 1

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                key, task = self._waiting.popleft()
            try:
                result = self._work(key)
                succeeded = self._succeeded(result)
            except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
                task.set_exception(error)
                self._finish(key, succeeded=False)
            else:
                # In this order, so that who asks meanwhile shares the result: whatever follows from it, such
                # as an entry in the book, has happened before the target is left alone.
                task.set_result(result)
                self._finish(key, succeeded=succeeded)

    def _finish(self, key: K, *, succeeded: bool) -> None:
        with self._lock:
            target = self._targets[key]
            target.last = target.task if self._keep else None
            target.task = None
            target.failures = 0 if succeeded else target.failures + 1
            target.not_before = self._monotonic() + self._pace.pause(target.failures)

    def _forget_oldest(self) -> None:
        if len(self._targets) > REMEMBERED:
            for key, target in self._targets.items():
                if target.task is None:
                    del self._targets[key]
                    return

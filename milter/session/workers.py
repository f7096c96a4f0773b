"""Threads for what may have to wait, as many as there is to do at once.

Owns: when a thread begins and when it ends.  Must not know what is done.
Invariant: no task waits for another one to end.
"""

import queue
import threading
from collections.abc import Callable

from domain_secure.policy.threads.bounded_start import BoundedStartThread

_IDLE_SECONDS = 10.0  #: until a thread with nothing to do ends
# Python's own threads have what the shell allows, usually 8 MiB, which the kernel has to map for each.
_STACK = 1 << 20


class Workers:
    """Does tasks in threads of its own, called *name*; *failed* is told what a task raised."""

    def __init__(self, name: str, failed: Callable[[Exception], None]) -> None:
        self._name = name
        self._failed = failed
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0  #: threads that wait for a task none of which is on its way

    def do(self, task: Callable[[], None]) -> None:
        """Have *task* done, at once; raises RuntimeError where there is no thread for it."""
        with self._lock:
            if is_waited_for := self._idle > 0:
                self._idle -= 1
        if is_waited_for:
            self._tasks.put(task)
        else:
            self._begin(task)

    def _begin(self, task: Callable[[], None]) -> None:
        with self._lock:
            before = threading.stack_size(_STACK)
            try:
                BoundedStartThread(self._run, (task,), name=self._name).start()
            finally:
                threading.stack_size(before)

    def _run(self, task: Callable[[], None]) -> None:
        next_task: Callable[[], None] | None = task
        while next_task is not None:
            try:
                next_task()
            except Exception as error:  # noqa: BLE001 - one task must not end the thread for others
                self._failed(error)
            next_task = self._next()

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            self._idle += 1
        try:
            return self._tasks.get(timeout=_IDLE_SECONDS)
        except queue.Empty:
            pass
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
                return None
        # A task was promised to a thread just now, and this one is the last that may take it.
        return self._tasks.get()

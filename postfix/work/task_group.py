"""Tasks that lead to further tasks, and the moment when the last of them is done.

Owns: the counting.
Must not know: what the tasks are about.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from domain_secure.policy.terms.event import internal_error

T = TypeVar("T")

_log = logging.getLogger(__name__)


class TaskGroup:
    """Follows tasks; calls *finished* once when the group is closed and every task's consequence is drawn."""

    def __init__(self, finished: Callable[[], None]) -> None:
        self._finished = finished
        self._lock = threading.Lock()
        self._open = 1  #: tasks that are followed, and whoever begins them

    def follow(self, task: Future[T] | None, then: Callable[[T], None]) -> None:
        """Call *then* with the task's result, in the task's thread; a failure is logged.

        *then* may follow further tasks.  Without a task nothing happens.
        """
        if task is None:
            return
        with self._lock:
            self._open += 1

        def done(task: Future[T]) -> None:
            try:
                then(task.result())
            except Exception as error:  # noqa: BLE001 - whoever waits for the others must not wait forever
                event = internal_error("probe", error)
                _log.log(event.level, event)
            finally:
                self.close()

        task.add_done_callback(done)

    def close(self) -> None:
        """Say that no more tasks are begun by the caller."""
        with self._lock:
            self._open -= 1
            if self._open:
                return
        self._finished()

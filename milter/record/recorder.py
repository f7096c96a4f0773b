"""Hand what happened to those who write it down, in a thread of its own.

Owns: the bounded queue between messages and observers.
Invariant: telling costs a message no waiting and no failure, whatever the observers do; what does not fit
into the queue is lost and counted.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from domain_secure.policy.terms.event import internal_error

RecordT = TypeVar("RecordT")
Record_contra = TypeVar("Record_contra", contravariant=True)

_log = logging.getLogger("domain_secure")

#: Some seconds of a fast server; a record takes a few kilobytes at most.
_LIMIT = 4096
# Long enough for a batch, short enough for who watches the log.
_LINGER_SECONDS = 0.05
_IDLE_SECONDS = 30.0
_STOP_SECONDS = 5.0


class Observer(Protocol[Record_contra]):
    """Someone who writes down what happened; called from one thread alone."""

    def consume(self, batch: Sequence[Record_contra]) -> None:
        """Take the next records, in order; an empty batch is a quiet moment."""

    def close(self) -> None:
        """Finish."""


class Recorder(Generic[RecordT]):
    """The queue and its thread.  *lost* is called with how many records did not fit."""

    def __init__(
        self, observers: Sequence[Observer[RecordT]], lost: Callable[[int], None], limit: int = _LIMIT
    ) -> None:
        self._observers = observers
        self._lost = lost
        self._limit = limit
        self._queue: queue.SimpleQueue[RecordT | threading.Event | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def observe(self, record: RecordT) -> None:
        """Take a record; from any thread, and without waiting."""
        if self._queue.qsize() >= self._limit:
            self._lost(1)
        else:
            self._queue.put(record)

    def observe_patiently(self, record: RecordT) -> None:
        """Take a record, and wait until there is room; for threads that no message waits for."""
        while self._queue.qsize() >= self._limit and not self._stop.is_set():
            self._stop.wait(_LINGER_SECONDS)
        self.observe(record)

    def settle(self, seconds: float) -> bool:
        """Wait until all that was observed before is handed on; returns whether it was, within *seconds*.

        The observers have been asked then, with an empty batch if with nothing else.
        """
        if not self._thread.is_alive():
            return False
        mark = threading.Event()
        self._queue.put(mark)
        return mark.wait(seconds)

    def start(self) -> None:
        """Begin to hand records on."""
        self._thread.start()

    def stop(self) -> None:
        """Hand on what is in the queue, and end; gives up after some seconds."""
        self._stop.set()
        self._queue.put(None)
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set() or not self._queue.empty():
            batch, marks = self._batch()
            for observer in self._observers:
                _guarded(observer.consume, batch)
            for mark in marks:
                mark.set()
        for observer in self._observers:
            _guarded(observer.close)

    def _batch(self) -> tuple[list[RecordT], list[threading.Event]]:
        """Return what has come and comes shortly after, and who waits; nothing after a quiet time."""
        try:
            taken = [self._queue.get(timeout=_IDLE_SECONDS)]
        except queue.Empty:
            return [], []
        if not isinstance(taken[0], threading.Event):
            self._stop.wait(_LINGER_SECONDS)
        # What comes meanwhile is for the next batch, or a busy server would never see the end of this one.
        taken += [self._queue.get() for _ in range(self._queue.qsize())]
        marks = [one for one in taken if isinstance(one, threading.Event)]
        return [one for one in taken if one is not None and not isinstance(one, threading.Event)], marks


def _guarded(action: Callable[..., None], *arguments: object) -> None:
    try:
        action(*arguments)
    except Exception as error:  # noqa: BLE001 - one observer's fault is not another's
        _log.error(internal_error("recorder", error))

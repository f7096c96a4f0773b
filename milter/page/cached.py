"""Keep the last answer to a question that is too expensive for each request.

Owns: when to ask anew.  Invariant: it is asked by one thread at a time, however many wait for the answer.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from domain_secure.policy.threads.bounded_start import BoundedStartThread

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """An answer with its time; *value* is None where there is none yet, or where asking failed."""

    value: T | None
    taken: datetime | None
    problem: str | None = None


class Cached(Generic[T]):
    """The last answer of *ask*, for *seconds*."""

    def __init__(self, ask: Callable[[], T], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._lock = threading.Lock()
        self._answer: Answer[T] = Answer(None, None)
        self._due = 0.0

    def fresh(self) -> Answer[T]:
        """Return an answer that is not too old, and wait for it."""
        with self._lock:
            if time.monotonic() >= self._due:
                self._renew()
            return self._answer

    def last(self) -> Answer[T]:
        """Return the last answer at once; where it is too old, a thread asks for the next one."""
        if time.monotonic() >= self._due and self._lock.acquire(blocking=False):
            try:
                BoundedStartThread(self._renew_and_release, name="cached").start()
            except RuntimeError:  # no more threads: somebody asks again
                self._lock.release()
        return self._answer

    def _renew(self) -> None:
        try:
            self._answer = Answer(self._ask(), datetime.now(UTC))
        except Exception as error:  # noqa: BLE001 - whoever reads the answer is told
            self._answer = Answer(None, datetime.now(UTC), f"{type(error).__name__}: {error}")
        self._due = time.monotonic() + self._seconds

    def _renew_and_release(self) -> None:
        try:
            self._renew()
        finally:
            self._lock.release()

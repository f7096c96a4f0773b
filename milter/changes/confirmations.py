"""The numbers that a confirmation page carries, each good for one act, once, for a short while.

Owns: which number stands for what.  Answers from any thread.
Invariant: a number is gone with the first try, whatever comes of that.
"""

import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass

from .acts import Act

LIFE_SECONDS = 120.0
_MOST = 64  #: that wait at a time; a flood of pages takes the oldest away, and no memory


@dataclass(frozen=True, slots=True)
class _Bound:
    number: str
    act: Act
    state: str
    until: float


class Confirmations:
    """Makes numbers and takes them back; *clock* is in seconds and never set."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[_Bound] = []
        self._taken: list[_Bound] = []

    def offer(self, act: Act, state: str) -> str:
        """Return a number for an act that starts from a state."""
        number = secrets.token_urlsafe(32)
        with self._lock:
            self._waiting = [
                *self._waiting[1 - _MOST :],
                _Bound(number, act, state, self._clock() + LIFE_SECONDS),
            ]
        return number

    def take(self, number: str, act: Act) -> str | None:
        """Return the state that a number is bound to; None where it is used up, too old, for another act."""
        with self._lock:
            found = [
                one for one in self._waiting if hmac.compare_digest(one.number.encode(), number.encode())
            ]
            self._waiting = [one for one in self._waiting if one not in found]
            if not found or found[0].act != act or self._clock() > found[0].until:
                return None
            self._taken = [*self._taken[1 - _MOST :], found[0]]
        return found[0].state

    def was_taken(self, number: str, act: Act) -> bool:
        """Tell whether a number was taken for its act before, as by the second click of two."""
        with self._lock:
            taken = [one for one in self._taken if hmac.compare_digest(one.number.encode(), number.encode())]
        return any(one.act == act for one in taken)

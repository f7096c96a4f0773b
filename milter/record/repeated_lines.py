"""Keeps a fault that goes on from filling the log: the same line is written once in a while, and counted.

Must not do: leave out a line about a message, whose queue id makes each another one, or a reading of the
configuration, for which people wait.
"""

import logging
import threading
import time
from collections.abc import Callable

from domain_secure.policy.terms.event import Event

from . import events

_AGAIN_SECONDS = 600.0
_CAUSES = 500  #: remembered; the ones told longest ago give way
_EACH_TIME = frozenset({"configuration-rejected", "decision", "attempt"})


class RepeatedLines(logging.Filter):
    """Lets each warning or error pass once in ten minutes; *log* tells how many were left out."""

    def __init__(self, log: Callable[[Event], None], monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._log = log
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._told: dict[str, tuple[float, int]] = {}  #: when a line was written, and how many were not since

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is to be written."""
        event = record.msg
        if not isinstance(event, Event) or event.level < logging.WARNING or event.word in _EACH_TIME:
            return True
        line, now = str(event), self._monotonic()
        with self._lock:
            before, left_out = self._told.get(line, (None, 0))
            if before is not None and now - before < _AGAIN_SECONDS:
                self._told[line] = before, left_out + 1
                return False
            self._told.pop(line, None)
            self._told[line] = now, 0
            while len(self._told) > _CAUSES:
                del self._told[next(iter(self._told))]
        if left_out:
            self._log(events.lines_left_out(event.word, left_out))
        return True

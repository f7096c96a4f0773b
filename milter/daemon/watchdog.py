"""Tells the service manager that the daemon works, for as long as every part that mail needs answers.

Must not do: take a thread that is alive for one that works.
Invariant: where any part stays silent, nothing is told, and the manager starts the daemon again.
Source: systemd.service(5) WatchdogSec=.
"""

import threading
import time
from collections.abc import Callable, Mapping

from domain_secure.policy.terms.event import Event

from . import events
from .notify import notify, watchdog_seconds

Question = Callable[[float], str | None]  #: given seconds to answer in; returns a fault, or None

# The supervising thread also has Postfix's tables made, each program of which may take a minute.
_SUPERVISION_SECONDS = 900.0


class Heartbeat:
    """When a loop last came round."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last = monotonic()

    def beat(self) -> None:
        """Note that it came round now."""
        self._last = self._monotonic()

    def fault(self, seconds: float) -> str | None:
        """Return for how long it has not, or None; *seconds* to answer in are of no use here."""
        del seconds
        silent = self._monotonic() - self._last
        return f"not come round for {silent:.0f} s" if silent > _SUPERVISION_SECONDS else None


class Watchdog:
    """Asks the *parts*, by name, as often as the manager wants; does nothing where it does not want."""

    def __init__(self, parts: Mapping[str, Question], log: Callable[[Event], None]) -> None:
        self._parts = parts
        self._log = log
        self._faults: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start asking, in a thread of its own."""
        if watchdog_seconds() is not None:
            self._thread.start()

    def stop(self) -> None:
        """Ask no more; returns at once."""
        self._stop.set()

    def ask(self, seconds: float) -> bool:
        """Ask every part once, each for *seconds* at most; tell the manager where all answer."""
        faults = {name: fault for name, ask in self._parts.items() if (fault := ask(seconds)) is not None}
        for name in faults.keys() - self._faults.keys():
            self._log(events.not_answering(name, faults[name]))
        for name in self._faults.keys() - faults.keys():
            self._log(events.answering_again(name))
        self._faults = faults
        if not faults and not self._stop.is_set():
            notify("WATCHDOG=1")
        return not faults

    def _run(self) -> None:
        wanted = watchdog_seconds()
        assert wanted is not None  # noqa: S101 - else the thread is not started
        # So that all parts may answer late, and still once within the time.
        pause = wanted / (2 * (len(self._parts) + 1))
        while not self._stop.is_set():
            self.ask(pause)
            self._stop.wait(pause)

"""A time that has certainly been, whatever the clock says now.

Owns: the latest time that files of ours and messages bear witness to, and whom to believe where the clock has
leapt ahead: the one that nobody sets (``CLOCK_BOOTTIME``), for a day.
Invariant: it never goes back while the daemon runs.
Source: clock_gettime(2).
"""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Self

_PROGRAM = Path(__file__)  #: as old as the build
_LEAP = timedelta(minutes=10)  #: more than clocks are put right by while they are in order
# A machine that was paused wakes with a clock that leaps, and rightly; who set one wrongly sees it in a day.
_DOUBT_SECONDS = 86_400.0


def _boot_seconds() -> float:
    """Return the seconds since the machine started, those it slept among them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class _Look(NamedTuple):
    seconds: float  #: of the clock that nobody sets
    time: datetime  #: what the other one said then


class KnownTime:
    """The latest time known; safe from many threads, of which the latest wins.

    *steady* returns seconds on a clock that nobody sets.
    """

    def __init__(self, latest: datetime, steady: Callable[[], float] = _boot_seconds) -> None:
        self._latest = latest
        self._steady = steady
        self._lock = threading.Lock()
        self._anchor: _Look | None = None
        self._ahead_since: float | None = None

    @classmethod
    def of_state(cls, state: Path) -> Self:
        """Return the time of the newest file among the program itself and the *state* folder's own.

        Postfix's tables are among them: made anew when the time of a pin is over, they tell that it is.
        """
        files = (*_files(state), *_files(state / "maps"))
        return cls(datetime.fromtimestamp(max(_written(_PROGRAM, *files)), UTC))

    @property
    def latest(self) -> datetime:
        """Return it, as of the last look at the clock."""
        return self._latest

    @property
    def is_clock_ahead(self) -> bool:
        """Tell whether the clock had leapt ahead at the last look, and nobody knows yet whether rightly."""
        return self._ahead_since is not None

    def after(self, now: datetime) -> datetime:
        """Return the latest time known, with the clock's *now* taken into account.

        It is before *now* where the clock has leapt ahead of what has passed.
        """
        with self._lock:
            seconds = self._steady()
            self._latest = max(self._latest, self._believed(now, seconds))
            return self._latest

    def _believed(self, now: datetime, seconds: float) -> datetime:
        if self._anchor is None:
            self._anchor = _Look(seconds, max(now, self._latest))
            return now
        expected = self._anchor.time + timedelta(seconds=seconds - self._anchor.seconds)
        if now <= expected + _LEAP:
            self._ahead_since = None
            if now >= expected - _LEAP:
                self._anchor = _Look(seconds, now)
            return now
        if self._ahead_since is None:
            self._ahead_since = seconds
        if seconds - self._ahead_since < _DOUBT_SECONDS:
            return expected
        self._ahead_since = None
        self._anchor = _Look(seconds, now)
        return now


def _files(folder: Path) -> Iterable[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []


def _written(*paths: Path) -> Iterable[float]:
    for path in paths:
        try:
            yield path.stat().st_mtime
        except OSError:
            continue

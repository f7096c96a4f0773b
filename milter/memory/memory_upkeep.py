"""What a load needed for a moment is given back to the machine when it is over.

The C library keeps what was freed: in an arena for each of many threads, and in the holes between what is
still in use.  A page or ten thousand certificates would leave megabytes that nobody uses.

Owns: the C library's settings, and when it is asked to give back.  Where it is not the GNU one, nothing is
done.
Sources: mallopt(3), malloc_trim(3), proc(5) for ``statm``; gc.freeze in Python's library reference.
"""

import ctypes
import gc
import os
import time
from collections.abc import Callable
from pathlib import Path

_M_ARENA_MAX = -8
_ARENAS = 2  #: our threads take turns anyway
_PAUSE_SECONDS = 5.0
_WORTH = 2 * 1024 * 1024  #: octets of growth
_STATM = Path("/proc/self/statm")


def limit_arenas() -> None:
    """Have all threads share few arenas; for the begin of the process, before there are other threads."""
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def settle() -> None:
    """Take all that is there for what stays, so that looking for garbage later costs next to nothing."""
    gc.collect()
    gc.freeze()


def resident() -> int:
    """Return the octets that this process holds in memory; 0 where that cannot be known."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def give_back() -> None:
    """Give back what is not in use."""
    gc.collect()
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


class MemoryUpkeep:
    """For the supervising thread."""

    def __init__(
        self,
        held: Callable[[], int] = resident,
        release: Callable[[], None] = give_back,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._held = held
        self._release = release
        self._monotonic = monotonic
        self._least: int | None = None
        self._due = 0.0

    def attend(self) -> None:
        """Give back, where the process has grown since the last time; not too often."""
        if self._monotonic() < self._due:
            return
        held = self._held()
        if self._least is None:
            self._least = held
        if held - self._least >= _WORTH:
            self._release()
            self._least = self._held()
            self._due = self._monotonic() + _PAUSE_SECONDS
        self._least = min(self._least, held)

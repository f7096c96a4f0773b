"""What a load needed for a moment is given back to the machine when it is over.

The C library keeps what was freed: in an arena for each of many threads, and in the holes between what is
still in use.  A page or ten thousand certificates would leave megabytes that nobody uses.  What it read of
libraries for that stays likewise.

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

from . import mapped_files

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_ARENAS = 2  #: our threads take turns anyway
#: Octets from which on what is freed goes back at once.  Left to itself the library would keep blocks of up
#: to 32 MiB once one was freed, and a long list is read into several of 20.
_LARGE = 1024 * 1024
_PAUSE_SECONDS = 5.0
_WORTH = 2 * 1024 * 1024  #: octets of growth
_STATM = Path("/proc/self/statm")


def limit_arenas() -> None:
    """Have all threads share few arenas, and keep no large block that is free.

    For the begin of the process, before there are other threads.
    """
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)


def settle() -> None:
    """Take all that is there for what stays, so that looking for garbage later costs next to nothing."""
    give_back()
    gc.freeze()


def resident() -> int:
    """Return the octets that this process holds beside pages of files; 0 where that cannot be known."""
    try:
        held, of_files = map(int, _STATM.read_text().split()[1:3])
        return (held - of_files) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def give_back() -> None:
    """Give back what is not in use."""
    gc.collect()
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
    mapped_files.leave()


class MemoryUpkeep:
    """For the supervising thread; made when all the rest begins."""

    def __init__(
        self,
        held: Callable[[], int] = resident,
        release: Callable[[], None] = give_back,
        monotonic: Callable[[], float] = time.monotonic,
        mapped: Callable[[], int] = mapped_files.mapped,
    ) -> None:
        self._held = held
        self._mapped = mapped
        self._release = release
        self._monotonic = monotonic
        self._usual: int | None = None  #: octets of files' pages that are in use; None: not known yet
        # The start of all that works in the background is a load as any other.
        self._least = 0
        self._due = monotonic() + _PAUSE_SECONDS

    def attend(self) -> None:
        """Give back, where the process has grown since the last time; not too often."""
        if self._monotonic() < self._due:
            return
        held, mapped = self._held(), self._mapped()
        if self._usual is None:
            # What came back meanwhile is in use.
            self._usual = mapped
        if held - self._least >= _WORTH or mapped - self._usual >= _WORTH:
            self._release()
            self._least, self._usual = self._held(), None
            self._due = self._monotonic() + _PAUSE_SECONDS
        self._least = min(self._least, held)

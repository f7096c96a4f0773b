"""Pages of mapped files: the interpreter, the libraries, and what of them was read for a moment.

The start reads most of them and seldom needs them again.  They stay in the machine's page cache, which any
process may use, and come back by themselves where they are needed: leaving them costs a fault of the
processor for each that is.

Owns: which pages may be left.
Invariant: only what can be read again from its file is left: nothing that is anonymous, as relocated pointers
are, and nothing that may be written.
Sources: madvise(2) for MADV_DONTNEED, proc(5) for ``smaps`` and ``statm``.
"""

import ctypes
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_MADV_DONTNEED = 4
_SMAPS = Path("/proc/self/smaps")
# address, permissions, offset, device, inode, path; without a file the inode is 0
_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (r-[x-][ps]) [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ [1-9][0-9]* +/")


def leave() -> None:
    """Leave every page of a file that can be read again; where that cannot be known, none."""
    libc = ctypes.CDLL(None)
    if (madvise := getattr(libc, "madvise", None)) is None:
        return
    try:
        with _SMAPS.open(errors="replace") as lines:
            found = tuple(readable_again(lines))
    except OSError:
        return
    for begin, end in found:
        # Refused for what is locked, which then stays.
        madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _MADV_DONTNEED)


def readable_again(smaps: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each mapping of a file of which nothing differs from it, nor can."""
    found: tuple[int, int] | None = None
    for line in smaps:
        if not line[0].isupper():
            mapping = _MAPPING.match(line)
            found = (int(mapping[1], 16), int(mapping[2], 16)) if mapping else None
        elif found is not None and line.startswith("Anonymous:"):
            if line.split()[1] == "0":
                yield found
            found = None


def mapped() -> int:
    """Return the octets of files' pages that this process holds; 0 where that cannot be known."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[2]) * os.sysconf("SC_PAGE_SIZE")
    return 0

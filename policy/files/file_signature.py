"""What a file looks like from outside, to tell later whether it is still the same.

Must not know: what is in it.  Source: stat(2).
"""

import os
from pathlib import Path

#: Time of the last change in nanoseconds, inode, and octets.
FileSignature = tuple[int, int, int]


def file_signature(path: Path | str) -> FileSignature | None:
    """Return what the file at *path* looks like; None where there is none, or it may not be looked at."""
    try:
        status = os.stat(path)  # noqa: PTH116 - asked many times a second: the plain one is the cheaper
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size

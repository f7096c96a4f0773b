"""One file of a log: its identity, and its lines from an offset on.

Owns: recognising a file by its beginning, and reading whole lines, of compressed files too.
Must not know: which files belong together.
"""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from domain_secure.postfix.log_lines.log_form import usual_forms

_HEAD = 1024  #: octets of the beginning that identify a file; with a time and a process id in each line

Stream = io.FileIO | io.BufferedIOBase

_OPENERS: dict[str, Callable[[Path], Stream]] = {
    ".gz": gzip.GzipFile,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
# A file that is just being compressed, or is something else.
_NOT_READABLE = (EOFError, OSError, zlib.error, lzma.LZMAError)


def decompressed(path: Path) -> Stream:
    """Open a file for reading what it contains; raises OSError."""
    opener = _OPENERS.get(path.suffix)
    return opener(path) if opener else io.FileIO(path)


class Segment:
    """An open file and how far it was read."""

    def __init__(self, path: Path) -> None:
        """Open the file; raises OSError."""
        self.path = path
        self._stream = decompressed(path)
        self._is_plain = path.suffix not in _OPENERS
        status = os.fstat(self._stream.fileno())
        self.identity = (status.st_dev, status.st_ino)
        self.offset = 0
        self.linger_until = 0.0  #: of the monotonic clock
        self._head = b""
        self._size = -1
        self._has_other_form = False  #: some line was none of syslog's plain ones

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    @property
    def modified(self) -> int:
        """Return when the file was last written to, in nanoseconds."""
        return os.fstat(self._stream.fileno()).st_mtime_ns

    @property
    def stored(self) -> int:
        """Return how many octets there are on disk."""
        return os.fstat(self._stream.fileno()).st_size

    def size(self) -> int:
        """Return how many octets there are, decompressed; 0 when they cannot be."""
        if self._is_plain:
            return self.stored
        if self._size < 0:
            try:
                self._size = self._stream.seek(0, os.SEEK_END)
            except _NOT_READABLE:
                self._size = 0
        return self._size

    def lines(self, limit: int) -> list[bytes]:
        """Return whole lines of up to *limit* octets together in syslog's form, and go on behind them.

        A line longer than *limit* is no line of a log: it is left out.
        """
        while block := self._read(self.offset, limit):
            end = block.rfind(b"\n")
            if end >= 0:
                self.offset += end + 1
                self._keep_head()
                lines, self._has_other_form = usual_forms(
                    block[:end].split(b"\n"), every=self._has_other_form
                )
                return lines
            if len(block) < limit:
                break
            self.offset += len(block)
        return []

    def rest(self) -> bytes:
        """Return what stands behind the last whole line."""
        return self._read(self.offset, _HEAD * 64)

    def is_like(self, other: "Segment") -> bool:
        """Tell whether this is the same file as another, or a copy of it, as far as both go."""
        one, two = self._read(0, _HEAD), other._read(0, _HEAD)  # noqa: SLF001 - of the same class
        length = min(len(one), len(two))
        return self.identity == other.identity or (length > 0 and one[:length] == two[:length])

    def mark(self) -> dict[str, Any]:
        """Return where reading goes on, and in which file, as JSON values."""
        return {
            "inode": self.identity[1],
            "head": len(self._head),
            "digest": hashlib.sha256(self._head).hexdigest(),
            "offset": self.offset,
        }

    def begins_as(self, mark: dict[str, Any]) -> bool:
        """Tell whether this is the file of a *mark*; if nothing had been read of it, by its inode."""
        if not mark["head"]:
            return bool(self.identity[1] == mark["inode"])
        return bool(hashlib.sha256(self._read(0, mark["head"])).hexdigest() == mark["digest"])

    def go_to(self, mark: dict[str, Any]) -> None:
        """Go on where a mark of this file says."""
        self.offset = mark["offset"]
        self._keep_head()

    def was_truncated(self) -> bool:
        """Tell whether the file is shorter than what was read of it, or begins anew."""
        return self.size() < self.offset or self._read(0, len(self._head)) != self._head

    def start_again(self) -> None:
        """Read the file from its beginning, as another one."""
        self.offset, self._head = 0, b""

    def _keep_head(self) -> None:
        wanted = min(self.offset, _HEAD)
        if len(self._head) < wanted:
            self._head = self._read(0, wanted)

    def _read(self, offset: int, octets: int) -> bytes:
        if self._is_plain:
            return os.pread(self._stream.fileno(), octets, offset)
        try:
            self._stream.seek(offset)
            return self._stream.read(octets) or b""
        except _NOT_READABLE:
            return b""

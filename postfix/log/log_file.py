"""Postfix's log as a file that others write, rename, truncate and compress.

Owns: finding the place again: after a rotation of any kind, and after a restart that missed some.
Must not know: what the lines mean.
Invariant: no line is given twice, none is left out that is still on disk, and each is given when it is whole.

A file is recognised by its beginning, which neither a new name nor compression changes; inodes are used
again.  The position names each file that may still grow, the oldest first: for a while after a rotation the
writer may hold the former one.  Sources: logrotate(8) with and without copytruncate, MAILLOG_README
(``postfix logrotate``), rsyslogd(8).
"""

import glob
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.log_lines.log_form import usual_forms

from .log_segment import Segment
from .log_source import Batch, Position

BLOCK = 1024 * 1024  #: octets read at once; also the longest line
_BEFORE = 256 * 1024  #: octets before the end that are looked at on the first start
LINGER = 30.0  #: seconds for which the former file is still looked at


class LogFile:
    """The lines of a log file from a *position* on; without one, from its end."""

    def __init__(self, path: Path, position: Position | None = None, *, linger: float = LINGER) -> None:
        self._path = path
        self._linger = linger
        self._segments: list[Segment] = []
        self._lost = ""
        self._before: list[bytes] = []
        self._is_first = position is None
        if position and position.get("file") == str(path):
            self._resume(position)
        else:
            self._begin()

    def read(self) -> Batch:
        """Return the next lines; of one file, the oldest that has any."""
        lost, self._lost = self._lost, ""
        before, self._before = self._before, []
        if before or lost:
            return Batch(before, self._position(), at_end=False, from_before=self._is_first, lost=lost)
        self._look_for_rotation()
        lost, self._lost = self._lost, ""
        for segment in self._segments:
            if lines := segment.lines(BLOCK):
                return Batch(lines, self._position(), at_end=False, lost=lost)
        lines = self._let_go()
        return Batch(lines, self._position(), at_end=not lines, lost=lost)

    def close(self) -> None:
        """Close all files."""
        for segment in self._segments:
            segment.close()
        self._segments.clear()

    def _begin(self) -> None:
        """Start at the end, and look a little behind it."""
        if not self._is_first:
            self._lost = f"Postfix logs to {self._path} now"
        if (segment := _opened(self._path)) is None:
            return
        self._segments = [segment]
        size = segment.size()
        segment.offset = max(0, size - _BEFORE)
        partial = segment.offset > 0
        while segment.offset < size and (lines := segment.lines(BLOCK)):
            self._before += lines[1:] if partial else lines
            partial = False

    def _resume(self, position: Position) -> None:
        """Find the files of a position again, and those that came after."""
        current = _opened(self._path)
        found = [self._find(one, current) for one in position["segments"]]
        if None in found:
            self._lost = f"{self._path}: what was read last is no longer there"
        self._segments = [segment for segment in found if segment]
        if current and current not in self._segments:
            if self._segments:
                self._segments += self._between(self._segments[-1], current)
            self._segments.append(current)

    def _find(self, mark: dict[str, Any], current: Segment | None) -> Segment | None:
        """Return the file of a mark, with the reading going on there."""
        for candidate in chain([current] if current else [], _siblings(self._path)):
            if candidate.begins_as(mark) and candidate.size() >= mark["offset"]:
                candidate.go_to(mark)
                return candidate
            if candidate is not current:
                candidate.close()
        return None

    def _between(self, former: Segment, current: Segment) -> list[Segment]:
        """Return the files that were the log between two others, the oldest first."""
        known, found = [former, current], []
        for segment in sorted(_siblings(self._path), key=lambda one: one.modified):
            # A copy, or the same compressed, begins alike.
            if segment.modified <= former.modified or any(segment.is_like(other) for other in known):
                segment.close()
            else:
                known.append(segment)
                found.append(segment)
        return found

    def _look_for_rotation(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return  # between two files, or not there yet
        except OSError as error:
            raise _unreadable(self._path, error) from error
        current = self._segments[-1] if self._segments else None
        if current is None or current.identity != (found.st_dev, found.st_ino):
            self._take_new(current)
        elif current.was_truncated():
            self._take_truncated(current)

    def _take_new(self, former: Segment | None) -> None:
        new = _opened(self._path)
        if new is None:
            return
        if former:
            former.linger_until = time.monotonic() + self._linger
            self._segments += self._between(former, new)
        self._segments.append(new)

    def _take_truncated(self, current: Segment) -> None:
        """Go on at the new beginning, after what a copy has that was not read."""
        former = current.mark()
        current.start_again()
        for copy in _siblings(self._path):
            if copy.begins_as(former):
                copy.offset = min(former["offset"], copy.size())
                self._segments.insert(-1, copy)
                return
            copy.close()
        self._lost = f"{self._path}: the file was cut, and no copy of it was found"

    def _let_go(self) -> list[bytes]:
        """Leave the oldest file when nothing more comes; return its last line if that has no end."""
        if len(self._segments) < 2 or self._segments[0].linger_until > time.monotonic():
            return []
        if not self._segments[-1].offset and not self._segments[-1].size():
            return []  # the writer has not come over yet
        oldest = self._segments.pop(0)
        rest = oldest.rest()
        oldest.close()
        return usual_forms([rest], every=True)[0] if rest else []

    def _position(self) -> dict[str, Any]:
        return {"file": str(self._path), "segments": [segment.mark() for segment in self._segments]}


def segments(path: Path, since: float) -> list[Segment]:
    """Return the files of a log that were written to since then, the oldest first; raises Problem."""
    found: list[Segment] = []
    current = _opened(path)
    for segment in sorted(_siblings(path), key=lambda one: one.modified):
        known = [*found, *([current] if current else [])]
        if segment.modified < since * 1e9 or any(segment.is_like(other) for other in known):
            segment.close()
        else:
            found.append(segment)
    return [*found, *([current] if current else [])]


def _siblings(path: Path) -> Iterator[Segment]:
    """Yield what looks like earlier files of a log: its name with ``.`` or ``-`` and more behind."""
    for sibling in sorted(path.parent.glob(f"{glob.escape(path.name)}[.-]*")):
        # Somebody's own copy that we may not read is none of ours.
        with suppress(OSError):
            if sibling.is_file():
                yield Segment(sibling)


def _opened(path: Path) -> Segment | None:
    try:
        return Segment(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(
        f"cannot read Postfix's log ({error.strerror})",
        str(path),
        "let the user domain-secure read it; domain-secure check says how",
        ExitStatus.NO_ANSWER,
    )

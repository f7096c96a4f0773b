"""Where an entry stands in a long text, by its hash.

Owns: how these places lie in memory: eight octets or less for each entry, and no copy of the text.
Must not know: what an entry may be.

A text that differs from the indexed one in a few places goes by the same index: it remembers which parts of
the one are in the other, and how far they have moved.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple, Self

_MOST_PARTS = 256  #: of a text; with more of them it gets an index of its own
_BLOCK = 1 << 20  #: octets that are made into lines at once


class _Part(NamedTuple):
    """A run of lines of the indexed text that the present one has as well."""

    start: int  #: in the indexed text
    end: int
    moved: int  #: how much later it stands in the present one


class EntryIndex:
    """The index of a text of different lines, each with a line end behind it; it does not hold the text."""

    __slots__ = ("_later", "_mask", "_parts", "_places")

    def __init__(
        self,
        places: "array[int]",
        parts: tuple[_Part, ...] = (),
        later: frozenset[bytes] = frozenset(),
    ) -> None:
        """Take places in an indexed text, by hash; without *parts* it is the present text.

        *later* are the lines that the indexed text has elsewhere or not at all.
        """
        self._places = places
        self._mask = len(places) - 1
        self._parts = parts
        self._later = later

    @classmethod
    def of(cls, octets: bytes, length: int) -> Self:
        """Return the index of a text, which has *length* lines."""
        size = 1 << (length * 4 // 3).bit_length()
        mask = size - 1
        kind = "I" if len(octets) < 1 << 32 else "Q"
        # A place is one more than where a line begins; none is 0.
        places = array(kind, bytes(size * array(kind).itemsize))
        place = 1
        for line in _lines_of(octets):
            slot = hash(line) & mask
            while places[slot]:
                slot = (slot + 1) & mask
            places[slot] = place
            place += len(line) + 1
        return cls(places)

    def has(self, octets: bytes, entry: bytes) -> bool:
        """Tell whether *entry*, which must be without line ends, is a line of *octets*, the present text."""
        if entry in self._later:
            return True
        places, mask, line = self._places, self._mask, entry + b"\n"
        slot = hash(entry) & mask
        if not self._parts:
            while place := places[slot]:
                if octets.startswith(line, place - 1):
                    return True
                slot = (slot + 1) & mask
            return False
        while place := places[slot]:
            part = self._parts[bisect_right(self._parts, (place,)) - 1]
            if part.start < place <= part.end and octets.startswith(line, place - 1 + part.moved):
                return True
            slot = (slot + 1) & mask
        return False

    def changed(self, octets: bytes, start: int, end: int, lines: bytes) -> "EntryIndex | None":
        """Return the index of the present text *octets* with *lines* in the place of some of its own.

        None where there are too many such changes by now.
        """
        parts = self._parts or (_Part(0, len(octets), 0),)
        longer = len(lines) - (end - start)
        before = (part._replace(end=min(part.end, start - part.moved)) for part in parts)
        behind = (_Part(max(part.start, end - part.moved), part.end, part.moved + longer) for part in parts)
        kept = tuple(part for some in (before, behind) for part in some if part.start < part.end)
        if len(kept) > _MOST_PARTS:
            return None
        later = self._later.difference(octets[start:end].split()).union(lines.split())
        # Where nothing of the indexed text is left, no place counts.
        return EntryIndex(self._places, kept or (_Part(0, 0, 0),), later)


def _lines_of(octets: bytes) -> Iterator[bytes]:
    start, end = 0, len(octets)
    while start < end:
        stop = octets.find(b"\n", min(start + _BLOCK, end - 1)) + 1
        yield from octets[start:stop].splitlines()
        start = stop

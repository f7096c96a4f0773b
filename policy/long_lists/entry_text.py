"""Many list entries as one text, in the order in which they were written, with an index for look-ups.

Owns: how they lie in memory.  A million entries take twice their own length, where a set of texts
takes five times as much.
Must not know: what an entry may be, which wildcards match what.

The index is the same entries by their hash, and where those of each hash begin.  It takes half a second to
make for a million entries, so whoever asks for a few only, as a command does, looks through the text instead.
"""

from array import array
from collections.abc import Collection, Iterator
from itertools import accumulate
from typing import NamedTuple

_IN_ONE = 8  #: entries of a hash, on average
_FEW = 24  #: questions that are answered without an index; each takes 5 ms in a million entries
_COMPARED = 64  #: hashes
_BLOCK = 1 << 20  #: octets that are decoded at once


class EntryText:
    """An immutable sequence of different entries; each is ASCII without blanks."""

    __slots__ = ("__weakref__", "_asked", "_index", "_length", "octets")

    def __init__(self, octets: bytes, length: int) -> None:
        """Take the entries, each with a line end behind it, and their number; none may be there twice."""
        self.octets = octets
        self._length = length
        self._asked = 0
        self._index: _Index | None = None

    def prepare(self) -> None:
        """Make the index now, for whom the first question is as urgent as all others."""
        if self._index is None:
            self._index = _index_of(self.octets, self._length)

    def has(self, entry: str) -> bool:
        """Tell whether an entry is there, in any number of entries in the time of one look-up."""
        octets = entry.encode("ascii", "replace")  # what is not ASCII is in no entry, nor is a question mark
        line = b"\n%b\n" % octets
        if (index := self._index) is not None:
            lines, starts, mask = index
            place = hash(octets) & mask
            return lines.find(line, starts[place], starts[place + 1] + 1) >= 0 and _is_one(octets)
        self._asked += 1
        if self._asked > _FEW:
            self.prepare()
            return self.has(entry)
        return (line in self.octets or self.octets.startswith(line[1:])) and _is_one(octets)

    def among(self, entries: Collection[str]) -> frozenset[str]:
        """Return those of *entries* that are here."""
        if self._index is not None or len(entries) <= _FEW - self._asked:
            return frozenset(filter(self.has, entries))
        known = {entry.encode("ascii", "replace"): entry for entry in entries}
        return frozenset(known[one] for one in known.keys() & set(self.octets.splitlines()))

    def without(self, other: "EntryText") -> list[str]:
        """Return what is here and not there, sorted; where both have an index, in some 20 ms."""
        if self.octets == other.octets:
            return []
        mine, theirs = self._index, other._index  # noqa: SLF001 - another one of these
        found: set[bytes] = set()
        if mine is None or theirs is None or mine.mask != theirs.mask:
            found.update(set(self.octets.splitlines()).difference(other.octets.splitlines()))
        else:
            for place in range(0, mine.mask + 1, _COMPARED):
                if (these := mine.of(place)) != (those := theirs.of(place)):
                    found.update(set(these.split()).difference(those.split()))
        return sorted(entry.decode("ascii") for entry in found)

    def __iter__(self) -> Iterator[str]:
        """Iterate in order; a part of the text is decoded at a time."""
        start, end = 0, len(self.octets)
        while start < end:
            stop = self.octets.find(b"\n", min(start + _BLOCK, end - 1)) + 1
            yield from self.octets[start : stop - 1].decode("ascii").split("\n")
            start = stop

    def __len__(self) -> int:
        """Return the number of entries."""
        return self._length


class _Index(NamedTuple):
    lines: bytes  #: the entries by their hash, a line end before each and behind the last
    starts: "array[int]"  #: where those of each hash begin, and where the last ones end
    mask: int  #: of the hash

    def of(self, place: int) -> bytes:
        """Return the lines of the next so many hashes that are compared at once."""
        return self.lines[self.starts[place] : self.starts[min(place + _COMPARED, self.mask + 1)]]


def _index_of(octets: bytes, length: int) -> _Index:
    mask = (1 << max(0, length // _IN_ONE).bit_length()) - 1
    groups: list[list[bytes]] = [[] for _ in range(mask + 1)]
    for entry in octets.splitlines():
        groups[hash(entry) & mask].append(entry)
    # In one text: a million small objects would leave holes in the memory that is given back.
    lines = b"".join(b"\n%b" % b"\n".join(group) if group else b"" for group in groups) + b"\n"
    sizes = (sum(map(len, group)) + len(group) for group in groups)
    return _Index(lines, array("L", accumulate(sizes, initial=0)), mask)


def _is_one(octets: bytes) -> bool:
    return octets != b"" and b"\n" not in octets

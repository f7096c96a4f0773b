"""Many list entries as one text, in the order in which they were written, with an index for look-ups.

Owns: which question is answered by the index, and which by looking through the text.  A million entries take
half as much again as their own length, where a set of texts takes five times as much.
Must not know: what an entry may be, which wildcards match what.

The index takes a third of a second to make for a million entries, so whoever asks for a few only, as a
command does, looks through the text instead.
"""

from collections.abc import Collection, Iterator

from .differing_lines import differing_lines
from .entry_index import EntryIndex

_FEW = 24  #: questions that are answered without an index; each takes 5 ms in a million entries
_BLOCK = 1 << 20  #: octets that are decoded at once


class EntryText:
    """An immutable sequence of different entries; each is ASCII without blanks."""

    __slots__ = ("__weakref__", "_asked", "_index", "_length", "octets")

    def __init__(self, octets: bytes, length: int) -> None:
        """Take the entries, each with a line end behind it, and their number; none may be there twice."""
        self.octets = octets
        self._length = length
        self._asked = 0
        self._index: EntryIndex | None = None

    def changed(self, start: int, end: int, lines: bytes) -> "EntryText":
        """Return the entries with *lines* in the place of whole lines of the text; none may be there twice.

        Where this text has an index, the new one has it as well, in time for what has changed.
        """
        gone, new = self.octets.count(b"\n", start, end), lines.count(b"\n")
        octets = b"".join((memoryview(self.octets)[:start], lines, memoryview(self.octets)[end:]))
        text = EntryText(octets, self._length - gone + new)
        if self._index is not None:
            text._index = self._index.changed(self.octets, start, end, lines)
        return text

    def prepare(self) -> None:
        """Make the index now, for whom the first question is as urgent as all others."""
        if self._index is None:
            self._index = EntryIndex.of(self.octets, self._length)

    @property
    def has_index(self) -> bool:
        """Tell whether it answers any number of questions without further preparation."""
        return self._index is not None

    def has(self, entry: str) -> bool:
        """Tell whether an entry is there, in any number of entries in the time of one look-up."""
        octets = entry.encode("ascii", "replace")  # what is not ASCII is in no entry, nor is a question mark
        if (index := self._index) is not None:
            return index.has(self.octets, octets) and _is_one(octets)
        self._asked += 1
        if self._asked > _FEW:
            self.prepare()
            return self.has(entry)
        line = b"\n%b\n" % octets
        return (line in self.octets or self.octets.startswith(line[1:])) and _is_one(octets)

    def among(self, entries: Collection[str]) -> frozenset[str]:
        """Return those of *entries* that are here."""
        if self._index is not None or len(entries) <= _FEW - self._asked:
            return frozenset(filter(self.has, entries))
        known = {entry.encode("ascii", "replace"): entry for entry in entries}
        return frozenset(known[one] for one in known.keys() & set(self.octets.splitlines()))

    def without(self, other: "EntryText") -> list[str]:
        """Return what is here and not there, sorted; where they differ in one place, in some 20 ms."""
        # Outside of that place they have the same entries, and neither has one twice.
        differing = differing_lines(self.octets, other.octets)
        mine = set(self.octets[differing.start : differing.former_end].splitlines())
        theirs = other.octets[differing.start : differing.present_end].splitlines()
        return sorted(entry.decode("ascii") for entry in mine.difference(theirs))

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


def _is_one(octets: bytes) -> bool:
    return octets != b"" and b"\n" not in octets

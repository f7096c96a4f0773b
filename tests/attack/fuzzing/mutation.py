"""New inputs out of known ones, the same for the same seed.

For where no coverage guides: the short form, and the shapes that a guided search seldom finds because it
prefers short inputs, such as one part repeated until nothing more fits.
"""

import random
from collections.abc import Callable, Sequence

_ODD = (
    *(b"\x00", b"\xff", b"\x7f", b"\x80", b"\r", b"\n", b"\t", b" ", b"\\", b'"', b"%", b"\x1b"),
    *(b"\xed\xa0\x80", b"\xf4\x8f\xbf\xbf", b"\xc0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\\ud800"),
    *(b"-1", b"0", b"4294967296", b"1e999", b"9" * 40, b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"),
)
_LONGEST = 64  #: octets of a piece that is moved


class Mutator:
    """Makes inputs of *known* ones and of *words*; none is longer than *largest*."""

    def __init__(self, seed: int, known: Sequence[bytes], words: Sequence[bytes], largest: int) -> None:
        self._dice = random.Random(seed)
        self._known = list(known) or [b""]
        self._words = (*words, *_ODD)
        self._largest = largest
        self._ways: tuple[Callable[[bytearray], None], ...] = (
            self._flip, self._flip, self._remove, self._insert_word, self._insert_word,
            self._copy, self._swap, self._splice, self._cut,
        )  # fmt: skip

    def next(self) -> bytes:
        """Return another input."""
        made = bytearray(self._dice.choice(self._known))
        for _ in range(self._dice.choice((1, 1, 1, 2, 3, 5, 8))):
            self._dice.choice(self._ways)(made)
        return bytes(made[: self._largest])

    def window(self, octets: bytes, separators: Sequence[bytes]) -> tuple[int, int]:
        """Return the beginning and the end of a part of *octets* that is worth repeating."""
        if self._dice.random() < 0.5:
            cuts = {0, len(octets)}
            for separator in separators:
                at = octets.find(separator)
                while at >= 0 and len(cuts) < 500:
                    cuts.add(at + len(separator))
                    at = octets.find(separator, at + len(separator))
            places = sorted(cuts)
            index = self._dice.randrange(max(1, len(places) - 1))
            return places[index], places[min(index + self._dice.choice((1, 1, 2, 3)), len(places) - 1)]
        start = self._dice.randrange(len(octets) or 1)
        return start, min(len(octets), start + self._dice.choice((1, 1, 2, 2, 3, 4, 6, 8, 12, 16, 24, 40)))

    def _place(self, made: bytearray) -> int:
        return self._dice.randrange(len(made) + 1)

    def _piece(self, made: bytearray) -> slice:
        start = self._place(made)
        return slice(start, start + self._dice.randint(1, _LONGEST))

    def _flip(self, made: bytearray) -> None:
        if made:
            made[self._dice.randrange(len(made))] ^= 1 << self._dice.randrange(8)

    def _remove(self, made: bytearray) -> None:
        del made[self._piece(made)]

    def _insert_word(self, made: bytearray) -> None:
        at = self._place(made)
        made[at:at] = self._dice.choice(self._words) * self._dice.choice((1, 1, 1, 1, 2, 50))

    def _copy(self, made: bytearray) -> None:
        at = self._place(made)
        made[at:at] = made[self._piece(made)] * self._dice.choice((1, 1, 2, 30))

    def _swap(self, made: bytearray) -> None:
        piece, at = self._piece(made), self._place(made)
        moved = made[piece]
        del made[piece]
        made[at:at] = moved

    def _splice(self, made: bytearray) -> None:
        other = self._dice.choice(self._known)
        made[self._place(made) :] = other[self._dice.randrange(len(other) + 1) :]

    def _cut(self, made: bytearray) -> None:
        del made[self._place(made) :]

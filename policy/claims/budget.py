"""How much of one message is looked at: the sum of all its fields, where each field has bounds of its own.

Owns: the numbers, and what a message that goes beyond them, or hides what it says, is called.
A message within the budget costs a few hundredths of a second at most, and its records some hundred
kilobytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum, unique

#: of all author fields together; an address has some forty, and lists of many authors a few thousand
MAXIMUM_AUTHOR_OCTETS = 16 * 1024
#: different domains of listed entries; each is judged, logged and kept
MAXIMUM_CLAIMS = 64
#: each author field counts for as many octets at least, for reading none of them takes nothing
LEAST_AUTHOR_OCTETS = 64
#: encoded words of all author fields, those within words too; a name has a few, and each may have 75 octets
MAXIMUM_WORDS = 192
#: labels beyond ASCII, or half as many A-labels, of different names in author fields; a name has one or two
MAXIMUM_LABELS = 192
#: in author fields, of what may be domains in a charset that nobody named, each for `LEAST_UNLABELLED`
MAXIMUM_UNLABELLED_OCTETS = 192
LEAST_UNLABELLED = 16
#: beyond ASCII, of all forms in which fields without a reading are looked at: a few of most fields
MAXIMUM_LETTERS = 64 * 1024
#: of all fields that may be marks; a message that came a long way has some ten thousand
MAXIMUM_MARK_OCTETS = 256 * 1024


@unique
class Unreadable(StrEnum):
    """Why a message is refused whoever it is from: what it claims, or pretends to be, cannot be told."""

    FORGED_MARKS = "forged-marks"
    TOO_MUCH = "too-much"
    UNREADABLE_AUTHOR = "unreadable-author"


class TooMuchError(Exception):
    """To read the author fields of a message takes more than it may: it is refused as ``too-much``."""


@dataclass(slots=True)
class Allowance:
    """What may still be read of one message's author fields, beyond octets: what is read in many ways."""

    words: int = MAXIMUM_WORDS
    labels: int = MAXIMUM_LABELS
    unlabelled_octets: int = MAXIMUM_UNLABELLED_OCTETS
    letters: int = MAXIMUM_LETTERS
    _names: set[str] = field(default_factory=set)

    def take_words(self, number: int) -> None:
        """Take encoded words off it; raises TooMuchError where so many are no longer allowed."""
        self.words -= number
        if self.words < 0:
            raise TooMuchError

    def take_name(self, name: str) -> None:
        """Take the labels of a name off it that have to be encoded or decoded, once; raises TooMuchError."""
        if name.isascii() and "xn--" not in name:
            return
        if name not in self._names:
            labels = name.split(".")
            self.labels -= sum(not one.isascii() for one in labels) + 2 * sum("xn--" in one for one in labels)
            if self.labels < 0:
                raise TooMuchError
            self._names.add(name)

    def take_forms(self, texts: Iterable[str]) -> None:
        """Take the letters of texts beyond ASCII off it that are searched for names; raises TooMuchError."""
        self.letters -= sum(len(one) for one in texts if not one.isascii())
        if self.letters < 0:
            raise TooMuchError

    def take_unlabelled(self, runs: Iterable[bytes]) -> None:
        """Take octets off it that are read by every charset of old mail; raises TooMuchError."""
        self.unlabelled_octets -= sum(max(len(one), LEAST_UNLABELLED) for one in runs)
        if self.unlabelled_octets < 0:
            raise TooMuchError

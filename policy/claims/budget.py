"""How much of one message is looked at: the sum of all its fields, where each field has bounds of its own.

Owns: the numbers, and what a message that goes beyond them, or hides what it says, is called.
A message within the budget costs a few hundredths of a second at most, and its records some hundred
kilobytes.
"""

from enum import StrEnum, unique

#: of all author fields together; an address has some forty, and lists of many authors a few thousand
MAXIMUM_AUTHOR_OCTETS = 16 * 1024
#: different domains of listed entries; each is judged, logged and kept
MAXIMUM_CLAIMS = 64
#: of all fields that may be marks; a message that came a long way has some ten thousand
MAXIMUM_MARK_OCTETS = 256 * 1024


@unique
class Unreadable(StrEnum):
    """Why a message is refused whoever it is from: what it claims, or pretends to be, cannot be told."""

    FORGED_MARKS = "forged-marks"
    TOO_MUCH = "too-much"
    UNREADABLE_AUTHOR = "unreadable-author"

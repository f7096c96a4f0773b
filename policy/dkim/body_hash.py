"""The body hash of a DKIM signature, taken while the body arrives.

Owns: the two body canonicalisations, chunk by chunk, in constant memory and linear time.
Must not know: signatures, messages, where the chunks come from.

Invariant: however the body is cut, the digest is that of the whole.  Line ends are CR LF, as in milters.
Source: RFC 6376 sections 3.4.3, 3.4.4 and 3.7.
"""

import hashlib
import re
from enum import StrEnum, unique

_WHITE_SPACE = re.compile(rb"[ \t]+")
_LINE_END = b"\r\n"
_BLANK_LINES_AT_ONCE = 16384

# What the end of a chunk may hold that the next chunk decides about: white space before a line end, half a
# line end.  The longer ones first.
_UNDECIDED = {"simple": (b"\r",), "relaxed": (b" \r", b"\r", b" ")}


@unique
class Canonicalization(StrEnum):
    """How much of a body's white space counts."""

    SIMPLE = "simple"
    RELAXED = "relaxed"


class BodyHash:
    """The SHA-256 of one canonicalised body."""

    def __init__(self, canonicalization: Canonicalization) -> None:
        self._relaxed = canonicalization is Canonicalization.RELAXED
        self._undecided = _UNDECIDED[canonicalization]
        self._hash = hashlib.sha256()
        self._held = b""  #: two octets at most
        self._line_ends = 0  #: not hashed yet: those at the end of a body do not count
        self._is_empty = True

    def update(self, chunk: bytes) -> None:
        """Take in the next part of the body."""
        text = self._held + chunk
        if self._relaxed:
            text = _WHITE_SPACE.sub(b" ", text).replace(b" \r\n", _LINE_END)
        self._held = next((end for end in self._undecided if text.endswith(end)), b"")
        self._take(text.removesuffix(self._held))

    def digest(self) -> bytes:
        """Return the hash; the body is complete now."""
        held = self._held.lstrip(b" ") if self._relaxed else self._held
        self._held = b""
        self._take(held)
        # A body ends in one line end, whatever it had; of nothing "simple" makes one, "relaxed" does not.
        self._line_ends = 0 if self._is_empty and self._relaxed else 1
        self._put_line_ends()
        return self._hash.digest()

    def _take(self, text: bytes) -> None:
        content, line_ends = _split_line_ends(text)
        if content:
            self._put_line_ends()
            self._hash.update(content)
            self._is_empty = False
        self._line_ends += line_ends

    def _put_line_ends(self) -> None:
        while self._line_ends:
            some = min(self._line_ends, _BLANK_LINES_AT_ONCE)
            self._hash.update(_LINE_END * some)
            self._line_ends -= some


def _split_line_ends(text: bytes) -> tuple[bytes, int]:
    """Return *text* without the line ends that it ends in, and their number."""
    number = 0
    # By doubling steps and back: a chunk of nothing else must not take a turn for each.
    step = 1
    end = len(text)
    while step:
        if text.endswith(_LINE_END * step, 0, end):
            end -= 2 * step
            number += step
            step *= 2
        else:
            step //= 2
    return text[:end], number

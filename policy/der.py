"""Walk over DER octets, where a library's view of a certificate is not the octets themselves.

Owns: tag, length and value; nothing of what they mean.
Must not know: certificates.  Reads low tag numbers and definite lengths, which is all that RFC 5280 uses.
Source: ITU-T X.690 sections 8.1 and 10.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
OBJECT_IDENTIFIER = 0x06
SEQUENCE = 0x30


class InvalidDerError(ValueError):
    """The octets are not DER; the argument says why, for a person."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element."""

    tag: int  #: the identifier octet
    content: bytes
    whole: bytes  #: identifier, length and content, as found

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Return the one element that *octets* are; raises InvalidDerError, also for octets left over."""
        element, end = cls._read(octets, 0)
        if end != len(octets):
            raise InvalidDerError(f"{len(octets) - end} octets follow the end of the element")
        return element

    @classmethod
    def sequence(cls, octets: bytes) -> Iterator[Self]:
        """Yield the elements that stand one after the other in *octets*; raises InvalidDerError."""
        offset = 0
        while offset < len(octets):
            element, offset = cls._read(octets, offset)
            yield element

    def children(self) -> Iterator["Element"]:
        """Yield the elements inside a constructed one; raises InvalidDerError."""
        return Element.sequence(self.content)

    def expect(self, tag: int) -> "Element":
        """Return the element itself; raises InvalidDerError when it has another tag."""
        if self.tag != tag:
            raise InvalidDerError(f"tag {self.tag:#04x} where {tag:#04x} belongs")
        return self

    @classmethod
    def _read(cls, octets: bytes, start: int) -> tuple[Self, int]:
        if start + 2 > len(octets):
            raise InvalidDerError("the octets end inside an element")
        tag, length, body = octets[start], octets[start + 1], start + 2
        if tag & 0x1F == 0x1F:
            raise InvalidDerError("a tag number above 30")
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4:
                raise InvalidDerError("an indefinite or oversized length")
            if body + size > len(octets):
                raise InvalidDerError("the octets end inside an element")
            length, body = int.from_bytes(octets[body : body + size], "big"), body + size
        end = body + length
        if end > len(octets):
            raise InvalidDerError("the octets end inside an element")
        return cls(tag, octets[body:end], octets[start:end]), end


def dotted(content: bytes) -> str:
    """Return the dotted text of an object identifier's content octets (X.690 section 8.19)."""
    arcs: list[int] = []
    value = 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    if not arcs:
        return ""
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))

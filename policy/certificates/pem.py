"""PEM files: the blocks in them, one after the other.

Owns: finding blocks in what administrators, mail programs and Windows make of such files.
Must not know: what is in a block.
Invariant: the time is linear in the content, whatever a stranger wrote.
Source: RFC 7468 sections 2 and 3; text around and between blocks is skipped (section 5.2).
"""

import base64
import binascii
import codecs
from collections.abc import Iterator
from dataclasses import dataclass

_BEGIN, _END, _DASHES = b"-----BEGIN ", b"-----END ", b"-----"


class MalformedPemError(ValueError):
    """A block cannot be read; the argument says why, in one clause for a person."""


@dataclass(frozen=True, slots=True)
class PemBlock:
    """One block."""

    label: str
    lines: tuple[bytes, ...]  #: between its two boundaries, without white space around them

    @property
    def der(self) -> bytes:
        """Return what is encoded in it; raises MalformedPemError."""
        try:
            return base64.b64decode(b"".join(self.lines), validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedPemError("a block in it is not base64") from error

    @property
    def text(self) -> bytes:
        """Return the block as a file of its own."""
        label = self.label.encode()
        lines = (_BEGIN + label + _DASHES, *self.lines, _END + label + _DASHES, b"")
        return b"\n".join(lines)


def plain(content: bytes) -> bytes:
    """Return a text file's content as ASCII, where an editor or a shell has written it as Unicode."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        # Windows PowerShell redirects text into UTF-16.
        return content.decode("utf-16", "replace").encode("ascii", "replace")
    return content.removeprefix(codecs.BOM_UTF8)


def is_pem(content: bytes) -> bool:
    """Tell whether there is the beginning of a block."""
    return _BEGIN in content


def pem_blocks(content: bytes) -> Iterator[PemBlock]:
    """Yield the blocks; raises MalformedPemError where the last one does not end."""
    label = b""
    lines: list[bytes] = []
    for raw_line in content.splitlines():
        line = raw_line.strip()
        if line.startswith(_BEGIN) and line.endswith(_DASHES):
            label, lines = line[len(_BEGIN) : -len(_DASHES)], []
        elif label and line == _END + label + _DASHES:
            yield PemBlock(_printable(label), tuple(lines))
            label = b""
        elif label:
            lines.append(line)
    if label:
        raise MalformedPemError(f"it ends in the middle of a block ({_printable(label)})")


def _printable(label: bytes) -> str:
    return label[:100].decode("ascii", "replace")

"""The text of a file that another system wrote, in whatever encoding that system uses.

Owns: what an encoding is known by.  A byte order mark says it, UTF-8 proves itself; nothing else is guessed.
Sources: Unicode 15.0 section 23.8 (byte order mark); RFC 3629.  Windows PowerShell writes UTF-16 with a mark
by ``>``, and by ``-Encoding Default`` the code page of its language: 1252 in German, 932 in Japanese.
"""

import codecs
import re
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from domain_secure.policy.terms.problems import Problem

from .proposal import Place

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAME_IT = "name the encoding it has, such as --encoding cp1252 (German) or cp932 (Japanese Windows)"


@dataclass(frozen=True)
class SourceText:
    """A file's text.

    Letters that could not be read are surrogates (PEP 383); see `is_readable`.
    """

    file: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Return the lines without their ends."""
        return [line.removesuffix("\r") for line in self.text.split("\n")]

    def place(self, line: int) -> Place:
        """Return where line *line*, from 1, is."""
        return Place(self.file, line)

    def place_of(self, position: int) -> Place:
        """Return where the character at *position* stands."""
        return Place(self.file, bisect_left(self._line_ends, position) + 1)

    @cached_property
    def _line_ends(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self.text)]


def is_readable(text: str) -> bool:
    """Tell whether every letter of *text* is known."""
    return not any("\udc80" <= letter <= "\udcff" for letter in text)


def decode(content: bytes, file: str, encoding: str | None = None) -> SourceText:
    """Return the text of a file; raises Problem where it is not of its encoding.

    encoding: as a person names it; a byte order mark goes before it.
    Without one, of octets that are no UTF-8 the ASCII letters are read, and no other.
    """
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    chosen = marked or encoding
    if chosen is not None:
        return SourceText(file, _decoded(content, file, chosen))
    if b"\0" in content:
        raise Place(file, content[: content.index(b"\0")].count(b"\n") + 1).problem(
            "the file holds NUL octets, as UTF-16 without a byte order mark does",
            "name the encoding, such as --encoding utf-16-le, or save it as UTF-8",
        )
    try:
        return SourceText(file, content.decode())
    except UnicodeDecodeError:
        return SourceText(file, content.decode("ascii", "surrogateescape"))


def _decoded(content: bytes, file: str, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except LookupError as error:
        raise Place(file, 1).problem(f"{encoding!r} is no encoding", _NAME_IT) from error
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        read = ""
        with suppress(UnicodeError):  # a codec that knows no other way than to fail
            read = content[:start].decode(encoding, "ignore")
        what = f"the file is not in {encoding.removesuffix('-sig')} ({error.__class__.__name__})"
        raise Place(file, read.count("\n") + 1).problem(what, _NAME_IT) from error


def unreadable(place: Place, what: str) -> Problem:
    """Return the Problem of a value whose letters are not known."""
    return place.problem(f"{what} has letters that are no UTF-8", _NAME_IT)

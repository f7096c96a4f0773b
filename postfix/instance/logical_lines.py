"""The lines of main.cf and master.cf as Postfix reads them, with the place of every byte.

Owns: what is a logical line or a list element, and how text goes in and out while all other bytes stay.
Must not know: the meaning of any parameter or service.
Invariant: what `insert_lines` puts in, `remove` takes out again, and the content is as it was.
Sources: postconf(5) and master(5) ("a line that starts with whitespace continues a logical line"; comments
and empty lines may stand within one), and measured with postconf(1).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

WHITESPACE = b" \t\n\v\f\r"  # isspace(3) in locale C
BLANKS = b" \t\r\n"  #: separates the fields and arguments of a service
LIST_SEPARATORS = b", \t\r\n"  #: separates the elements of most parameters that are lists


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a logical line; offsets into the line's text, the end exclusive."""

    start: int
    end: int
    text: bytes


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """One setting or service: the physical lines that count, without comments, blank lines and newlines."""

    spans: tuple[tuple[int, int], ...]  #: offsets into the content, the end exclusive
    text: bytes

    @property
    def start(self) -> int:
        """Return the offset of the first byte."""
        return self.spans[0][0]

    @property
    def end(self) -> int:
        """Return the offset past the last byte that counts, before its newline."""
        return self.spans[-1][1]

    def offset(self, index: int) -> int:
        """Return the offset in the content of the byte at *index* of the text."""
        for start, end in self.spans:
            if index < end - start:
                return start + index
            index -= end - start
        return self.end + index

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return the range in the content of the text from *start* up to *end*; it holds a byte or more."""
        return self.offset(start), self.offset(end - 1) + 1


def logical_lines(content: bytes) -> Iterator[LogicalLine]:
    """Yield the logical lines of *content* but those that start with whitespace: Postfix ignores them."""
    spans: list[tuple[int, int]] = []
    for start, end in _physical_lines(content):
        line = content[start:end]
        if spans and line[:1] not in b"#" + WHITESPACE:
            yield from _logical_line(content, spans)
            spans = []
        significant = line.lstrip(WHITESPACE)
        if significant and not significant.startswith(b"#"):
            spans.append((start, end))
    if spans:
        yield from _logical_line(content, spans)


def tokens(text: bytes, separators: bytes, start: int = 0) -> Iterator[Token]:
    """Yield the parts of *text* from *start* on, split at *separators* outside of braces."""
    index = start
    while index < len(text):
        if text[index] in separators:
            index += 1
            continue
        begin, depth = index, 0
        while index < len(text) and (depth > 0 or text[index] not in separators):
            if text[index] == ord("{"):
                depth += 1
            elif text[index] == ord("}"):
                depth = max(0, depth - 1)
            index += 1
        yield Token(begin, index, text[begin:index])


def insert_lines(content: bytes, after: int, lines: Sequence[bytes]) -> bytes:
    """Put *lines* behind the physical line that holds the offset *after*, or at the end of the content.

    Content that lacks its last newline goes on lacking it.
    """
    newline = content.find(b"\n", after)
    if newline == -1 and content and not content.endswith(b"\n"):
        return content + b"".join(b"\n" + line for line in lines)
    place = len(content) if newline == -1 else newline + 1
    return content[:place] + b"".join(line + b"\n" for line in lines) + content[place:]


def remove(content: bytes, ranges: Iterable[tuple[int, int]]) -> bytes:
    """Take the *ranges* out, each with the blanks before it; a line that holds nothing else goes whole."""
    for first, last in sorted(set(ranges), reverse=True):
        start, end = first, last
        while start > 0 and content[start - 1] in b" \t":
            start -= 1
        rest = end
        while rest < len(content) and content[rest] in b" \t\r":
            rest += 1
        at_line_start = start == 0 or content[start - 1] == ord("\n")
        if at_line_start and rest == len(content):
            start, end = max(0, start - 1), rest
        elif at_line_start and content[rest] == ord("\n"):
            end = rest + 1
        content = content[:start] + content[end:]
    return content


def remove_comment(content: bytes, comment: bytes) -> bytes:
    """Take out every line that is *comment*."""
    return remove(
        content,
        (
            (start, end)
            for start, end in _physical_lines(content)
            if content[start:end].rstrip(b"\r") == comment
        ),
    )


def _physical_lines(content: bytes) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(content):
        newline = content.find(b"\n", start)
        end = len(content) if newline == -1 else newline
        yield start, end
        start = end + 1


def _logical_line(content: bytes, spans: Sequence[tuple[int, int]]) -> Iterator[LogicalLine]:
    text = b"".join(content[start:end] for start, end in spans)
    if text[:1] not in WHITESPACE:
        yield LogicalLine(tuple(spans), text)

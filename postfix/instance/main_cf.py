"""Editing main.cf as text: an element goes in front of a list, and comes out again.

Owns: where a parameter's value lies, and the two edits.
Must not know: which parameters and elements; that is ``outbound_settings``'s part.
Invariant: ``without(prepended(content, ...))`` is *content*, byte for byte.
Sources: postconf(5): of several entries for one parameter the last counts; list elements are separated by
commas or whitespace, and braces hold one together.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from .logical_lines import (
    LIST_SEPARATORS,
    WHITESPACE,
    LogicalLine,
    Token,
    insert_lines,
    logical_lines,
    remove,
    remove_comment,
    tokens,
)

COMMENT = b"# Added by domain-secure attach; domain-secure detach removes it."


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``name = value``; of several for a name the last counts."""

    line: LogicalLine
    name: bytes
    value_start: int  #: index in the line's text, just behind the equals sign

    @property
    def value(self) -> bytes:
        """Return the value on one line, without the whitespace around it."""
        return self.line.text[self.value_start :].strip(WHITESPACE)

    @property
    def elements(self) -> list[Token]:
        """Return the value's list elements."""
        return list(tokens(self.line.text, LIST_SEPARATORS, self.value_start))


def entries(content: bytes) -> Iterator[Entry]:
    """Yield the settings in the order of the file."""
    for line in logical_lines(content):
        name, equals, _ = line.text.partition(b"=")
        if equals:
            yield Entry(line, name.strip(WHITESPACE), len(name) + 1)


def value(content: bytes, name: bytes) -> bytes | None:
    """Return the value as written, or None when the file does not set *name*."""
    entry = _last(content, name)
    return None if entry is None else entry.value


def prepended(content: bytes, name: bytes, element: bytes) -> bytes:
    """Put *element* in front of the list *name*; a parameter that is not set yet is added at the end."""
    entry = _last(content, name)
    if entry is None:
        return insert_lines(content, len(content), [COMMENT, name + b" = " + element])
    elements = entry.elements
    if elements:
        place = entry.line.offset(elements[0].start)
        return content[:place] + element + b", " + content[place:]
    place = entry.line.offset(entry.value_start - 1) + 1
    return content[:place] + b" " + element + content[place:]


def without(content: bytes, names: Collection[bytes], is_ours: Callable[[bytes], bool]) -> bytes:
    """Take the elements that *is_ours* knows out of the lists *names*, and the lines that we had added."""
    for entry in reversed(list(entries(content))):
        if entry.name in names and (ours := [token for token in entry.elements if is_ours(token.text)]):
            content = _without(content, entry, ours)
    return remove_comment(content, COMMENT)


def _without(content: bytes, entry: Entry, ours: list[Token]) -> bytes:
    elements = entry.elements
    if len(ours) == len(elements):
        if content[: entry.line.start].removesuffix(b"\n").endswith(COMMENT):
            return remove(content, [(entry.line.start, entry.line.end)])
        return remove(content, [_with_commas(content, entry, token) for token in ours])
    last = [token for token in elements if token not in ours][-1]
    for token in reversed(ours):
        start, end = entry.line.place(token.start, token.end)
        line_end = content.find(b"\n", end)
        rest = content[end : None if line_end == -1 else line_end]
        if rest.strip(LIST_SEPARATORS):
            # Others follow on the same line: what was put in is the element with the separators behind it.
            end += len(rest) - len(rest.lstrip(LIST_SEPARATORS))
            content = content[:start] + content[end:]
        else:
            content = remove(content, [(start, end + len(rest.rstrip(b"\r")))])
        if token.start > last.end:
            # Somebody has moved ours behind theirs: the separator between them goes along.
            content = _without_separators(content, entry.line.place(last.start, last.end)[1])
    return content


def _without_separators(content: bytes, start: int) -> bytes:
    """Take out the separators from *start* to the end of its line, where there is nothing else."""
    line_end = content.find(b"\n", start)
    end = len(content) if line_end == -1 else line_end
    rest = content[start:end].rstrip(b"\r")
    return content if rest.strip(LIST_SEPARATORS) else content[:start] + content[start + len(rest) :]


def _with_commas(content: bytes, entry: Entry, token: Token) -> tuple[int, int]:
    """Return the place of a token with the commas behind it on its line."""
    start, end = entry.line.place(token.start, token.end)
    rest = content[end:].split(b"\n", 1)[0]
    separators = rest[: len(rest) - len(rest.lstrip(LIST_SEPARATORS))]
    return start, end + separators.rfind(b",") + 1


def _last(content: bytes, name: bytes) -> Entry | None:
    found = None
    for entry in entries(content):
        if entry.name == name:
            found = entry
    return found

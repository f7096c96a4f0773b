"""Text that fits the width of a terminal, and loses nothing by it.

Owns: where lines are broken: between words, and between things that belong together rather than within them.
A word that is wider than the terminal stays whole, so that it can be copied.
"""

import io
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

_INDENT = 4
_SEPARATOR = " · "
_LEAST = 20  #: columns of a terminal that is made use of


def paragraphs(headers: Sequence[str], rows: Iterable[Sequence[str]], width: int) -> Iterator[str]:
    """Yield each row of a table as lines: its first cell, and below it the others with their headers."""
    for row in rows:
        yield " ".join(row[:1])
        named = zip(headers[1:], row[1:], strict=True)
        yield from _joined([f"{header}: {cell}" for header, cell in named if cell], max(width, _LEAST))


def labelled(rows: Iterable[Sequence[str]], width: int) -> Iterator[str]:
    """Yield rows of two cells as a label and its text, which begins below where it would not fit beside."""
    rows = list(rows)
    column = 2 + max((len(label) for label, _ in rows), default=0)
    for label, text in rows:
        widest = max(map(len, text.split()), default=0)
        beside = column + widest <= width
        lines = _wrapped(text, width - (column if beside else _INDENT)) or [""]
        if beside:
            yield f"{label:<{column}}{lines[0]}".rstrip()
            yield from (f"{'':<{column}}{line}" for line in lines[1:])
        else:
            yield label
            yield from (f"{'':<{_INDENT}}{line}" for line in lines)


def hanging(line: str, width: int, indent: int) -> Iterator[str]:
    """Yield a line in pieces that fit, those after the first one indented."""
    if len(line) <= width:
        yield line
        return
    head = line[: len(line) - len(line.lstrip())]
    yield from textwrap.wrap(
        line.strip(),
        max(width, _LEAST),
        initial_indent=head,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


@contextmanager
def fitted(indent: int) -> Iterator[None]:
    """Break at a terminal's width what is printed, with a hanging *indent*; elsewhere do nothing."""
    if not sys.stdout.isatty():
        yield
        return
    width, stream = shutil.get_terminal_size().columns, sys.stdout
    with redirect_stdout(_Screen()) as screen:
        try:
            yield
        finally:
            for line in screen.getvalue().splitlines():
                # What is drawn in colours fits already.
                pieces = [line] if "\x1b" in line else hanging(line, width, indent)
                stream.writelines(f"{piece}\n" for piece in pieces)


class _Screen(io.StringIO):
    """Holds what is printed, as a terminal would be told it."""

    def isatty(self) -> bool:
        return True


def _joined(pieces: Sequence[str], width: int) -> Iterator[str]:
    """Yield the pieces in as few lines as they need; one that is too long for a line is broken by itself."""
    indent, line = " " * _INDENT, ""
    for piece in pieces:
        if line and len(indent) + len(line) + len(_SEPARATOR) + len(piece) <= width:
            line += f"{_SEPARATOR}{piece}"
            continue
        if line:
            yield f"{indent}{line}"
        *full, line = _wrapped(piece, width - len(indent)) or [""]
        yield from (f"{indent}{one}" for one in full)
    if line:
        yield f"{indent}{line}"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)

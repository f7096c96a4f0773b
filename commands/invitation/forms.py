"""The sheet as plain text, as Markdown and as one HTML page: the same in each, and nothing of it is markup.

Owns: escaping, and where lines are broken; the HTML needs no other file.
Sources: CommonMark 0.31 sections 2.4 and 6.1; UAX #11 for how wide a letter is.
"""

import re
import textwrap
import unicodedata
from collections.abc import Iterator
from enum import StrEnum, unique
from pathlib import Path

from domain_secure.policy.templates.html_template import file_as_markup, rendered

from .sheet import Block, Command, Paragraph, Row, Sheet

_FOLDER = Path(__file__).parent
_WIDTH = 78
_INDENT = "    "
# What means something wherever it stands, and what does at the beginning of a line alone; whatever else were
# escaped too would be read like this, for many read Markdown as it is written.
_MARKUP = re.compile(r"([\\`*_\[\]<>&#|~!$]|^\s*[-+=:]|^\s*\d+[.)])")
_COPIED = re.compile(r"[0-9a-f ]{64,}|^X-")  # a digest, or a header field
_COLONS = {"ja": "："}
_NEVER_FIRST = "、。，．：；！？）」』】ー々"  #: JIS X 4051 calls for these to stay in the line before


@unique
class Format(StrEnum):
    """The forms."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


def shown(sheet: Sheet, form: Format) -> str:
    """Return the sheet in a form, with a line's end at its end."""
    if form is Format.HTML:
        return _html(sheet)
    lines = _text(sheet) if form is Format.TEXT else _markdown(sheet)
    return "\n".join(lines).strip("\n") + "\n"


def _html(sheet: Sheet) -> str:
    style = file_as_markup(_FOLDER / "sheet.css")
    sections = [
        (one.title, [(type(block).__name__, block) for block in one.blocks]) for one in sheet.sections
    ]
    page = rendered(_FOLDER / "sheet.html", sheet=sheet, sections=sections, style=style)
    return f"{page}\n"


def _text(sheet: Sheet) -> Iterator[str]:
    yield from _headed(sheet.title, "=")
    for text in sheet.introduction:
        yield from (*_wrapped(text, ""), "")
    for section in sheet.sections:
        yield from ("", *_headed(section.title, "-"))
        for block in section.blocks:
            yield from _text_block(block, _COLONS.get(sheet.language, ":"))


def _headed(title: str, line: str) -> Iterator[str]:
    lines = [_printable(title)] if _columns(title) <= _WIDTH else _wrapped(title, "")
    yield from lines
    yield line * max(map(_columns, lines))
    yield ""


def _text_block(block: Block, colon: str) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield from (*_wrapped(text, ""), "")
        case Row(label, values):
            yield f"{_printable(label)}{colon}"
            for value in values:
                yield from _wrapped(value, _INDENT) if _is_prose(value) else (_INDENT + _printable(value),)
            yield ""
        case Command(purpose, text):
            yield from (*_wrapped(purpose, ""), f"{_INDENT}{_printable(text)}", "")


def _markdown(sheet: Sheet) -> Iterator[str]:
    yield from (f"# {_escaped(sheet.title)}", "")
    for text in sheet.introduction:
        yield from (_escaped(text), "")
    for section in sheet.sections:
        yield from (f"## {_escaped(section.title)}", "")
        for block in section.blocks:
            match block:
                case Paragraph(text):
                    yield from (_escaped(text), "")
                case Row(label, values):
                    yield from (f"**{_escaped(label)}**", "")
                    yield from (*(f"- {_code(value)}" for value in values), "")
                case Command(purpose, text):
                    yield from (_escaped(purpose), "", f"{_INDENT}{_printable(text)}", "")


def _escaped(text: str) -> str:
    """Return a text in which no letter means anything to a reader of Markdown."""
    return _MARKUP.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", _printable(text))


def _code(value: str) -> str:
    """Return a value as it is copied; prose stays prose, for a code span is not broken into lines."""
    printable = _printable(value)
    if _is_prose(printable):
        return _escaped(printable)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", printable)), default=0))
    space = " " if "`" in printable else ""
    return f"{fence}{space}{printable}{space}{fence}"


def _is_prose(value: str) -> bool:
    """Tell whether a value is a sentence, which is read, and not what is copied, which stays in one piece."""
    is_copied = _COPIED.search(value) is not None
    return not is_copied and (_columns(value) > len(value) or value.count(" ") > 4)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _wrapped(text: str, indent: str) -> list[str]:
    """Return a text as lines: broken between words, and in a script without spaces between letters."""
    printable = _printable(text)
    if _columns(printable) == len(printable):
        return textwrap.wrap(
            printable,
            _WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    lines, line = [], indent
    # A word in Latin letters stays whole, with the blank behind it.
    for piece in re.findall(r"[!-~]+ ?|.", printable):
        is_full = _columns(line) + _columns(piece.rstrip()) > _WIDTH - 2 * len("）：")
        if is_full and line.strip() and piece not in _NEVER_FIRST:
            lines.append(line.rstrip())
            line = indent
        line += piece
    return [*lines, line.rstrip()]

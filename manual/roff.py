"""Write Markdown as the text of a manual page, man(7).

Owns: the few elements of Markdown that our documents use.  A part that it does not know is an error, and
never left out.
"""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

_FONT = {"strong_open": "\\fB", "em_open": "\\fI", "strong_close": "\\fR", "em_close": "\\fR"}


def sections(markdown: str) -> dict[str, str]:
    """Return the text of each section by its heading, "" for what stands before the first one.

    A heading of the second level begins a section, one of the third becomes the tag of a paragraph; what
    stands under the title belongs to "".
    """
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    found: dict[str, list[str]] = {"": []}
    current = found[""]
    for kind, level, lines in _blocks(tokens):
        if kind == "heading" and level < 3:
            current = found.setdefault("" if level == 1 else lines[0], [])
        elif kind == "heading":
            current += [".TP", lines[0]]
        else:
            current += lines
    return {heading: "\n".join(lines) for heading, lines in found.items()}


def escaped(text: str) -> str:
    """Return text that man(7) prints as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def _blocks(tokens: Sequence[Token]) -> Iterator[tuple[str, int, list[str]]]:
    """Yield each block: its kind, the level of a heading, its lines."""
    index, after_heading = 0, False
    while index < len(tokens):
        token = tokens[index]
        text = tokens[index + 1] if index + 1 < len(tokens) else token
        if token.type == "heading_open":
            yield "heading", int(token.tag[1]), [_inline(text)]
            index += 3
        elif token.type == "paragraph_open":
            # The first paragraph under a tag belongs to it, the others are indented like it.
            start = [] if after_heading else [".IP" if _under_tag(tokens[:index]) else ".PP"]
            yield "text", 0, [*start, _inline(text)]
            index += 3
        elif token.type in {"fence", "code_block"}:
            yield "text", 0, [".PP", ".nf", ".RS", escaped(token.content.rstrip("\n")), ".RE", ".fi"]
            index += 1
        elif token.type == "bullet_list_open":
            end = next(i for i in range(index, len(tokens)) if tokens[i].type == "bullet_list_close")
            items = [_inline(one) for one in tokens[index:end] if one.type == "inline"]
            yield "text", 0, [line for item in items for line in (".IP \\(bu 2", item)]
            index = end + 1
        elif token.type == "table_open":
            end = next(i for i in range(index, len(tokens)) if tokens[i].type == "table_close")
            yield "text", 0, list(_table(tokens[index:end]))
            index = end + 1
        else:
            raise ValueError(f"no form for {token.type} in a manual page: {token.content!r}")
        after_heading = token.type == "heading_open" and token.tag == "h3"


def _under_tag(tokens: Sequence[Token]) -> bool:
    headings = [token.tag for token in tokens if token.type == "heading_open"]
    return bool(headings) and headings[-1] == "h3"


def _table(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield a table of two columns as tagged paragraphs; its head is left out."""
    cells = [_inline(one) for one in tokens if one.type == "inline"]
    for tag, text in zip(cells[2::2], cells[3::2], strict=True):
        yield from (".TP", tag, text)


def _inline(token: Token) -> str:
    parts, link = [], ""
    for child in token.children or ():
        match child.type:
            case "text":
                parts.append(escaped(child.content))
            case "code_inline":
                parts.append(f"\\fB{escaped(child.content)}\\fR")
            case "softbreak":
                parts.append("\n")
            case "link_open":
                link = str(child.attrGet("href"))
            case "link_close":
                parts.append(f" ({escaped(link)})" if "//" in link else "")
            case kind if kind in _FONT:
                parts.append(_FONT[kind])
            case kind:
                raise ValueError(f"no form for {kind} in a manual page: {child.content!r}")
    return re.sub(r"^([.'])", r"\\&\1", "".join(parts), flags=re.MULTILINE)

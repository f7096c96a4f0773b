"""Remove and append elements of a list in a TOML text, keeping its layout and its comments.

Owns: what happens to commas, line ends and indentation.  An element that has a line for itself goes with
that line, its comment included; a list of several lines gets a line for each new element.
tomlkit could do this, but loses or doubles commas next to comments.
"""

from collections.abc import Collection, Sequence

from .toml_lines import Element, ListPlace

_INDENTATION = " " * 4
_BLANK = " \t"
Span = tuple[int, int]


def remove_elements(text: str, place: ListPlace, removed: Collection[int]) -> str:
    """Return *text* without the elements of these indexes."""
    elements = place.elements
    spans = [span for index in removed for span in _spans(text, elements[index])]
    kept = [element for index, element in enumerate(elements) if index not in removed]
    # On one line the comma before a removed end goes too; else it stays, as a final comma is allowed.
    if kept and kept[-1] is not elements[-1] and kept[-1].comma is not None:
        end = elements[-1].end
        if "\n" not in text[kept[-1].comma : end] and elements[-1].comma is None:
            spans = [span for span in spans if span[0] < kept[-1].comma]
            spans.append((kept[-1].comma, end))
    parts = []
    at = 0
    for start, end in sorted(spans):  # two of them may claim the same space
        parts.append(text[at : max(at, start)])
        at = max(at, end)
    return "".join(parts) + text[at:]


def _spans(text: str, element: Element) -> list[Span]:
    """Return what goes with an element: its line, or just itself and its comma."""
    end, comma = element.end, element.comma
    if comma is not None and not text[end:comma].strip(_BLANK):
        end, comma = comma + 1, None
    line_start = text.rfind("\n", 0, element.start) + 1
    line_end = _line_end(text, end)
    rest = text[end:line_end].strip()
    if comma is None and not text[line_start : element.start].strip(_BLANK) and (not rest or rest[0] == "#"):
        return [(line_start, line_end)]
    while text[end : end + 1] in {" ", "\t"}:
        end += 1
    start = element.start
    if text[end : end + 1] in {"\n", "\r"}:
        start = len(text[:start].rstrip(_BLANK))
    return [(start, end)] if comma is None else [(start, end), (comma, comma + 1)]


def _line_end(text: str, offset: int) -> int:
    """Return the offset behind the line end that follows *offset*."""
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def append_elements(text: str, place: ListPlace, added: Sequence[str]) -> str:
    """Return *text* with more elements, each of them TOML text."""
    last = place.elements[-1] if place.elements else None
    after = place.start if last is None else last.end if last.comma is None else last.comma + 1
    final_comma = "," if last is not None and last.comma is not None else ""
    if "\n" in text[after : place.end]:
        at = text.rfind("\n", 0, place.end) + 1
        line_end = "\r\n" if text[:at].endswith("\r\n") else "\n"
        indentation = _indentation(text, place)
        lines = f",{line_end}{indentation}".join(added)
        inserted = f"{indentation}{lines}{final_comma}{line_end}"
    else:
        at = after
        inserted = ("" if last is None else " ") + ", ".join(added) + final_comma
    if last is None or last.comma is not None:
        return text[:at] + inserted + text[at:]
    return f"{text[: last.end]},{text[last.end : at]}{inserted}{text[at:]}"


def _indentation(text: str, place: ListPlace) -> str:
    """Return the indentation of the last element that starts a line."""
    for element in reversed(place.elements):
        before = text[text.rfind("\n", 0, element.start) + 1 : element.start]
        if not before.strip(_BLANK):
            return before
    return _INDENTATION

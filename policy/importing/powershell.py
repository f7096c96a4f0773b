"""Objects as PowerShell prints them: by ``Format-List``, and by ``ConvertTo-Json``.

Owns: which lines are one property, and what a value says as a list, a word or a truth.
Must not know: which properties there are.
Sources: about_Format.ps1xml (Format-List: ``Name : value``, further lines of a value indented, objects apart
by empty lines; ``$FormatEnumerationLimit`` ends lists with ``...``); ConvertTo-Json (``-Depth``); RFC 8259.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder

from domain_secure.policy.terms.problems import Problem

from .proposal import Place
from .source_text import SourceText, is_readable, unreadable

_PROPERTY = re.compile(r"(?P<name>[^\s:{}\[\],]+)\s*:(?:\s(?P<value>.*))?")
_PROMPT = re.compile(r"(?:\[PS\]|PS) [^>]*>")
_TABLE = re.compile(r"-{2,}(?:\s+-{2,})*\s*")
_CUT = {"...", "\u2026"}
_TYPE_NAME = re.compile(r"(?:System|Microsoft|Deserialized)\.[\w.`\[\], ]+")
_TRUTHS = {"true": True, "$true": True, "wahr": True, "false": False, "$false": False, "falsch": False}
_DECODER = JSONDecoder()
_JSON = re.compile(r"[\s\ufeff]*(?:\{|\[\s*[{\]])")
_BLANK = re.compile(r"[\s\ufeff]*")
_AS_LIST = "print it with `| Format-List *` or `| ConvertTo-Json -Depth 5`"
_WHOLE = "set $FormatEnumerationLimit = -1 and print it again, or use `| ConvertTo-Json -Depth 5`"


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an object; what it says is asked for by the type it must have."""

    name: str
    place: Place
    lines: tuple[str, ...] | None  #: of the text, by Format-List; None of JSON
    value: object = None  #: of JSON

    def text(self) -> str:
        """Return a text of one word; raises Problem for anything else."""
        if self.lines is None:
            if not (self.value is None or isinstance(self.value, str)):
                raise self._wrong("a text")
            return self._readable(self.value or "")
        return self._readable("".join(line.strip() for line in self.lines))

    def title(self) -> str:
        """Return a text for people, which may have blanks, as far as its letters are known."""
        if self.lines is None:
            return self.value if isinstance(self.value, str) else json.dumps(self.value)
        return " ".join(line.strip() for line in self.lines).encode(errors="replace").decode()

    def truth(self) -> bool:
        """Return a truth; raises Problem for anything else."""
        if isinstance(self.value, bool):
            return self.value
        word = self.text().casefold()
        if word not in _TRUTHS:
            raise self._wrong("True or False")
        return _TRUTHS[word]

    def words(self) -> tuple[str, ...] | None:
        """Return the words of an enumeration, or None for a number, whose meaning is not printed."""
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return None
        return tuple(filter(None, (word.strip() for word in self.text().strip("{}").split(","))))

    def elements(self) -> tuple[str, ...]:
        """Return the elements of a list of words; raises Problem where it is cut short, or none."""
        found = tuple(self._printed_elements() if self.lines else self._json_elements(self.value))
        for one in found:
            if one in _CUT or one.endswith(tuple(_CUT)):
                raise self.place.problem(f"the list {self.name} is cut short", _WHOLE)
            if not one or _TYPE_NAME.fullmatch(one) or any(letter.isspace() for letter in one):
                raise self._wrong("a list of words")
        return found

    def _printed_elements(self) -> Iterator[str]:
        text = self.text()
        if text.startswith("{") != text.endswith("}"):
            raise self._wrong("a list in braces")
        inner = text.removeprefix("{").removesuffix("}")
        if inner:
            yield from (one.strip() for one in inner.split(","))

    def _json_elements(self, value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield self._readable(value.strip())
        elif isinstance(value, list):
            for one in value:
                if not isinstance(one, str | dict):
                    raise self._wrong("a list of words")
                yield from self._json_elements(one)
        elif isinstance(value, dict):
            yield from self._json_elements(self._inner(value))
        elif value is not None:
            raise self._wrong("a list of words")

    def _inner(self, value: dict[str, object]) -> object:
        """Return what an object stands for: a domain, or a list with its length."""
        by_name = {name.casefold(): one for name, one in value.items()}
        if isinstance(by_name.get("domain"), str):
            return by_name["domain"]
        if isinstance(by_name.get("value"), list) and by_name.keys() <= {"value", "count"}:
            return by_name["value"]
        raise self._wrong("a list of words")

    def _readable(self, text: str) -> str:
        if not is_readable(text):
            raise unreadable(self.place, self.name)
        return text

    def _wrong(self, expected: str) -> Problem:
        return self.place.problem(f"{self.name} is not {expected}: {self.title()[:80]!r}", _AS_LIST)


@dataclass(frozen=True, slots=True)
class PrintedObject:
    """An object, with its properties by name in lower case."""

    place: Place
    properties: dict[str, Property]


def read_objects(source: SourceText) -> tuple[PrintedObject, ...]:
    """Return the objects that a text holds; raises Problem where it is neither of the two forms."""
    if _JSON.match(source.text):
        return tuple(_json_objects(source, _blank_end(source.text, 0)))
    return tuple(_listed_objects(source))


def _listed_objects(source: SourceText) -> Iterator[PrintedObject]:
    found: list[tuple[str, int, list[str]]] = []
    is_apart = True
    for number, line in enumerate(source.lines, 1):
        if not line.strip() or _PROMPT.match(line):
            is_apart = True
        elif line[0].isspace() and found:
            found[-1][2].append(line)
            is_apart = False
        elif (match := _PROPERTY.fullmatch(line)) is not None:
            if is_apart and found:
                yield _object(source, found)
                found = []
            found.append((match["name"], number, [match["value"] or ""]))
            is_apart = False
        else:
            raise _no_property(source.place(number), line)
    if found:
        yield _object(source, found)


def _no_property(place: Place, line: str) -> Problem:
    if _TABLE.fullmatch(line):
        return place.problem("this is a table, which cuts what it shows", _AS_LIST)
    return place.problem(f"this is no property of a list: {line[:60]!r}", _AS_LIST)


def _object(source: SourceText, found: list[tuple[str, int, list[str]]]) -> PrintedObject:
    made = PrintedObject(source.place(found[0][1]), {})
    for name, number, lines in found:
        _add(made, Property(name, source.place(number), tuple(lines)))
    return made


def _add(made: PrintedObject, one: Property) -> None:
    key = one.name.casefold()
    if key in made.properties:
        raise one.place.problem(
            f"{one.name} stands twice in one object, first in line {made.properties[key].place.line}",
            "put an empty line between the objects, or print them anew",
        )
    made.properties[key] = one


def _json_objects(source: SourceText, start: int) -> Iterator[PrintedObject]:
    """Yield the objects of one or several documents; each key's line is known."""
    if not is_readable(source.text):
        # The second octet of a letter may be a backslash there.
        raise unreadable(source.place_of(_first_unreadable(source.text)), "the JSON text")
    position = start
    try:
        while position < len(source.text):
            found, position = _json_document(source, position)
            yield from found
    except (JSONDecodeError, RecursionError) as error:
        at = error.pos if isinstance(error, JSONDecodeError) else position
        what = error.msg if isinstance(error, JSONDecodeError) else "it is nested too deeply"
        raise source.place_of(at).problem(f"this is no JSON ({what})", _AS_LIST) from error


def _json_document(source: SourceText, position: int) -> tuple[list[PrintedObject], int]:
    """Return the objects of one document, and where the next one begins."""
    text = source.text
    if text[position] != "[":
        made, position = _json_object(source, position)
        return [made], _blank_end(text, position)
    found: list[PrintedObject] = []
    position = _blank_end(text, position + 1)
    while text[position : position + 1] != "]":
        made, position = _json_object(source, position)
        found.append(made)
        position = _next(text, position, "]")
    return found, _blank_end(text, position + 1)


def _next(text: str, position: int, end: str) -> int:
    """Return where the next element begins, or where *end* stands."""
    position = _blank_end(text, position)
    if text[position : position + 1] == ",":
        return _blank_end(text, position + 1)
    if text[position : position + 1] != end:
        raise JSONDecodeError(f"a comma or {end} is missing", text, position)
    return position


def _json_object(source: SourceText, position: int) -> tuple[PrintedObject, int]:
    """Return the object that begins at *position*, and where it ends."""
    text = source.text
    if text[position : position + 1] != "{":
        raise JSONDecodeError("an object is missing", text, position)
    made = PrintedObject(source.place_of(position), {})
    position = _blank_end(text, position + 1)
    while text[position : position + 1] != "}":
        place = source.place_of(position)
        name, position = _DECODER.raw_decode(text, position)
        position = _blank_end(text, position)
        if not isinstance(name, str) or text[position : position + 1] != ":":
            raise JSONDecodeError("a name and a colon are missing", text, position)
        value, position = _DECODER.raw_decode(text, _blank_end(text, position + 1))
        _add(made, Property(name, place, None, value))
        position = _next(text, position, "}")
    return made, position + 1


def _blank_end(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position


def _first_unreadable(text: str) -> int:
    return next(place for place, letter in enumerate(text) if not is_readable(letter))

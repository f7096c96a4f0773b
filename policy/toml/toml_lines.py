"""Find where the keys and the list elements of a TOML document stand.

Owns: a tokenizer that knows just enough of TOML's grammar to tell statements and list elements apart.
Relies on: the text being valid TOML; ``tomllib``, which gives no positions, has read it before.
Source: TOML 1.0.0, sections Comment, Keys, String, Array, Table.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

Keys = tuple[str, ...]  #: a dotted key, taken apart

# A multi-line string may end in up to two quotes of its own before the closing three.
_TOKEN = re.compile(
    r'''
    (?P<string> """(?:[^\\]|\\.)*?"""(?:"{0,2}) | \'\'\'.*?\'\'\'(?:'{0,2})
              | "(?:[^"\\\n]|\\.)*" | '[^'\n]*' )
  | (?P<comment> \#[^\n]* )
  | (?P<newline> \n )
  | (?P<space> [ \t\r]+ )
  | (?P<open> [\[{] )
  | (?P<close> [\]}] )
  | (?P<comma> , )
  | (?P<equals> = )
  | (?P<bare> [^\s"'\#\[\]{},=]+ | . )
    ''',
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int
    start: int
    end: int


@dataclass(slots=True)
class Element:
    """One element of a list; offsets into the text."""

    line: int
    start: int
    end: int
    comma: int | None = None  #: of the comma behind it


@dataclass(slots=True)
class ListPlace:
    """A list: the offset behind its opening bracket, that of its closing bracket, what is between them."""

    start: int
    end: int
    elements: list[Element]


@dataclass(slots=True)
class Lines:
    """Where the keys of one document stand; lines count from 1."""

    keys: dict[Keys, int] = field(default_factory=dict)
    lists: dict[Keys, ListPlace] = field(default_factory=dict)
    headers: dict[Keys, int] = field(default_factory=dict)  #: of tables that have a ``[header]``

    def of(self, keys: Keys, element: int | None = None) -> int | None:
        """Return the line of a key or of an element of its list, else of the closest table around it."""
        if element is not None and keys in self.lists and element < len(self.lists[keys].elements):
            return self.lists[keys].elements[element].line
        for length in range(len(keys), 0, -1):
            if keys[:length] in self.keys:
                return self.keys[keys[:length]]
        return None


def locate(text: str) -> Lines:
    """Return the lines of every key outside inline tables; *text* must be valid TOML."""
    lines = Lines()
    table: Keys = ()
    for statement in _statements(text):
        if statement[0].text == "[":
            table = _parse_keys("".join(token.text for token in statement).strip().strip("[]"))
            _note(lines, table, statement[0].line)
            lines.headers.setdefault(table, statement[0].line)
            continue
        equals = next(index for index, token in enumerate(statement) if token.kind == "equals")
        keys = (*table, *_parse_keys("".join(token.text for token in statement[:equals])))
        _note(lines, keys, statement[0].line)
        value = statement[equals + 1 :]
        if value and value[0].text == "[":
            lines.lists[keys] = ListPlace(value[0].end, value[-1].start, _elements(value[1:-1]))
    return lines


def _note(lines: Lines, keys: Keys, line: int) -> None:
    for length in range(1, len(keys) + 1):
        lines.keys.setdefault(keys[:length], line)


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        yield _Token(match.lastgroup or "", match[0], line, *match.span())
        line += match[0].count("\n")


def _statements(text: str) -> Iterator[list[_Token]]:
    """Yield the tokens of each key/value pair or header, without space and comments around its parts."""
    statement: list[_Token] = []
    depth = 0
    for token in _tokens(text):
        if token.kind == "newline" and depth == 0:
            if statement:
                yield statement
            statement = []
        elif token.kind not in {"newline", "space", "comment"}:
            depth += (token.kind == "open") - (token.kind == "close")
            statement.append(token)
    if statement:
        yield statement


def _parse_keys(dotted: str) -> Keys:
    keys: list[str] = []
    value: object = tomllib.loads(f"{dotted} = 0")
    while isinstance(value, dict):
        ((key, value),) = value.items()
        keys.append(key)
    return tuple(keys)


def _elements(inner: list[_Token]) -> list[Element]:
    """Return the elements of a list from the tokens between its brackets."""
    elements: list[Element] = []
    depth = 0
    expected = True
    for token in inner:
        if depth == 0 and token.kind == "comma":
            elements[-1].comma = token.start
            expected = True
            continue
        if expected:
            elements.append(Element(token.line, token.start, token.end))
            expected = False
        elements[-1].end = token.end
        depth += (token.kind == "open") - (token.kind == "close")
    return elements


def dotted(keys: Keys, element: int | None = None) -> str:
    """Return a key as it is written in TOML: ``partner."woodgrovebank.test".names[0]``."""
    parts = [key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"' for key in keys]
    return ".".join(parts) + ("" if element is None else f"[{element}]")

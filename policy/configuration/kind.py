"""Kinds of values of the configuration: what one is, and those that are made of words or of other kinds.

Owns: how a bad value is refused.
Every parser raises ValueError with one clause for the operator, a list's parser raises ElementsError.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ElementsError(ValueError):
    """Elements of a list are wrong: the index of each, from 0, and its fault."""

    def __init__(self, faults: list[tuple[int, str]]) -> None:
        super().__init__(faults[0][1])
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: what may be written, and how it is parsed."""

    allowed: str  #: completes "write …"
    parse: Callable[[object], Any]
    element: "Kind | None" = None  #: of a list
    example: str = ""  #: in TOML, of a value that is not anybody's default


def text(value: object) -> str:
    """Return a string; raises ValueError for another type, for nothing, and for control characters."""
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not a string")  # noqa: TRY004 - one error type for every bad value
    if not value or not value.isprintable():
        raise ValueError(f"{value!r} is empty or holds a control character")
    return value


def shown(value: object) -> str:
    """Return how a value of another type is named to the operator."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else str(value)


def choice(values: type[StrEnum]) -> Kind:
    """Return the kind of a key that takes one word of an enumeration."""
    words = [f'"{value}"' for value in values]

    def parse(value: object) -> StrEnum:
        word = text(value)
        if word not in set(values):
            raise ValueError(f"{word!r} is not known here")
        return values(word)

    *others, last = words
    return Kind(f"{', '.join(others)} or {last}" if others else last, parse, example=words[0])


def only(value: object, literal: str, reason: str) -> Kind:
    """Return the kind of a key that has one possible value so far, because of *reason*."""

    def parse(found: object) -> object:
        if found != value or type(found) is not type(value):
            raise ValueError(reason)
        return found

    return Kind(literal, parse)


def list_of(kind: Kind, *, empty: bool = True) -> Kind:
    """Return the kind of a list; with *empty* false it must name at least one."""

    def parse(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError(f"{shown(value)} is not a list")  # noqa: TRY004 - one error type for every bad value
        if not value and not empty:
            raise ValueError("the list is empty")
        parsed: list[Any] = []
        faults: list[tuple[int, str]] = []
        for index, element in enumerate(value):
            try:
                parsed.append(kind.parse(element))
            except ValueError as error:
                faults.append((index, str(error)))
        if faults:
            raise ElementsError(faults)
        return tuple(dict.fromkeys(parsed))

    size = "" if empty else " that is not empty"
    example = f"[{kind.example}]" if kind.example else ""
    return Kind(f"a list{size}; each element is {kind.allowed}", parse, kind, example)

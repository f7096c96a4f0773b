"""Change single keys of a TOML text and leave everything else byte for byte.

Owns: where a new key or table goes.  ``toml_list`` edits lists; tomlkit does what is left.
Must not know: which keys there are; the caller checks the new text as a whole.
Relies on: the text being valid TOML.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tomlkit

from .toml_lines import Keys, dotted, locate
from .toml_list import append_elements, remove_elements

Value = str | bool | Sequence[str]


def set_value(text: str, keys: Keys, value: Value) -> str:
    """Return *text* with the key *keys* set; a new key goes first in its table, a new table to the end.

    A list that keeps the order of its former elements is changed in place, so that their comments stay.
    """
    around, key = keys[:-1], keys[-1]
    table = _walk(tomllib.loads(text), around)
    if table is not None and key in table:
        in_place = (
            None if isinstance(value, str | bool) else _replaced_in_place(text, keys, table[key], value)
        )
        return in_place or _assign(text, keys, value)
    line = f"{dotted((key,))} = {_literal(value)}"
    if table is None:
        return _with_table(text, around, line)
    header = locate(text).headers.get(around)
    if header is None:  # an inline table, or dotted keys: only tomlkit knows where one ends
        return _assign(text, keys, value)
    return _insert_line(text, header, line)


def table_text(keys: Keys, values: Mapping[str, Value]) -> str:
    """Return a table in TOML, to be appended to a text that has no such table: any number in linear time."""
    lines = [f"{dotted((key,))} = {_literal(value)}" for key, value in values.items()]
    return "\n".join([f"[{dotted(keys)}]", *lines, ""])


def _insert_line(text: str, after: int, line: str) -> str:
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = text.split("\n")
    head = "\n".join(lines[:after]).removesuffix("\r")
    return f"{head}{ending}{line}" + ("" if after == len(lines) else ending) + "\n".join(lines[after:])


def _with_table(text: str, table: Keys, line: str) -> str:
    ending = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        text += ending
    blank = ending if text else ""
    return f"{text}{blank}[{dotted(table)}]{ending}{line}{ending}"


def remove_key(text: str, keys: Keys) -> str:
    """Return *text* without the key *keys*; a key that is not there changes nothing."""
    document = tomlkit.parse(text)
    table = _walk(document, keys[:-1])
    if table is None or keys[-1] not in table:
        return text
    del table[keys[-1]]
    return tomlkit.dumps(document)


def edit_list(text: str, keys: Keys, keep: Callable[[str], bool], added: Sequence[str]) -> str:
    """Return *text* with a list of strings that holds the elements *keep* accepts, and then *added*."""
    table = _walk(tomllib.loads(text), keys[:-1])
    if table is None or keys[-1] not in table:
        return set_value(text, keys, added) if added else text
    present: list[str] = table[keys[-1]]
    removed = {index for index, element in enumerate(present) if not keep(element)}
    place = locate(text).lists.get(keys)
    if place is None:  # in an inline table
        kept = [element for index, element in enumerate(present) if index not in removed]
        return _assign(text, keys, [*kept, *added]) if removed or added else text
    if removed:
        text = remove_elements(text, place, removed)
        place = locate(text).lists[keys]
    return append_elements(text, place, [_literal(element) for element in added]) if added else text


def _replaced_in_place(text: str, keys: Keys, former: Sequence[str], value: Sequence[str]) -> str | None:
    """Return *text* with the list changed by removing and appending, or None where that is not enough."""
    wanted, present = frozenset(value), frozenset(former)
    kept = [element for element in former if element in wanted]
    added = [element for element in value if element not in present]
    if [*kept, *added] != list(value):
        return None
    return edit_list(text, keys, wanted.__contains__, added)


def _assign(text: str, keys: Keys, value: Value) -> str:
    document = tomlkit.parse(text)
    _walk(document, keys[:-1])[keys[-1]] = (
        value if isinstance(value, str | bool) else tomlkit.array(_literal(value))
    )
    return tomlkit.dumps(document)


def _walk(document: Any, keys: Keys) -> Any:
    """Return the table *keys*, or None when there is none."""
    table = document
    for key in keys:
        if key not in table:
            return None
        table = table[key]
    return table


def _literal(value: Value) -> str:
    if isinstance(value, str | bool):
        return tomlkit.item(value).as_string()
    # An array of tomlkit's counts its elements anew for each that is put into it.
    return f"[{', '.join(map(_literal, value))}]"

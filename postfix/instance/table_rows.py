"""What a lookup table can answer, row by row, where that can be listed without knowing the keys.

Owns: which types can be listed, and how the texts of pattern tables are written.
Must not know: what a row means.
Invariant: a table that cannot be listed raises; it is never taken for an empty one.
Sources: DATABASE_README, regexp_table(5), pcre_table(5), cidr_table(5), postmap(1), and postconf(5) for
tables within a setting.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.terms.problems import NoPermission, Problem

from .lookups import LISTED, is_pattern_table, split_elements
from .programs import PostfixInstance

_OF_VALUES = frozenset({"fail", "randmap", "static"})
_OF_TABLES = frozenset({"unionmap", "pipemap"})
_CONDITION = re.compile(r"(?:if\b|endif\b)", re.IGNORECASE)


class UnlistedError(Exception):
    """What is in a table cannot be told; the text says why, in one clause."""


@dataclass(frozen=True, slots=True)
class Row:
    """One answer of a table."""

    key: str | None  #: None: a pattern, or whatever is asked
    value: str
    pattern: str = ""  #: as it is written, with its delimiters; empty where there is none


def rows(instance: PostfixInstance, table: str) -> Iterator[Row]:
    """Yield what the table ``type:name`` can answer; raises UnlistedError, and NoPermission as for a file."""
    # proxymap(8) looks up and does not list: the table behind it is asked.
    kind, colon, name = table.removeprefix("proxy:").partition(":")
    if not colon:
        kind, name = instance.parameter("default_database_type"), kind
    if kind == "debug":
        yield from rows(instance, name)
    elif is_pattern_table(f"{kind}:"):
        for rule in _rules(name):
            pattern, value = _network_rule(rule) if kind == "cidr" else _pattern_rule(rule)
            yield Row(None, value, pattern)
    elif kind in _OF_VALUES:
        yield from (Row(None, value) for value in _values(kind, name))
    elif kind in _OF_TABLES:
        for one in split_elements(_inside(name)):
            yield from rows(instance, one)
    elif kind in LISTED:
        yield from _listed(instance, f"{kind}:{name}")
    else:
        raise UnlistedError(f"a table of type {kind} answers questions and does not list what it has")


def _values(kind: str, name: str) -> list[str]:
    if kind == "fail":
        return []
    return [_inside(name)] if kind == "static" else split_elements(_inside(name))


def _listed(instance: PostfixInstance, table: str) -> Iterator[Row]:
    try:
        yield from (Row(key, value) for key, value in instance.entries(table))
    except NoPermission:
        raise
    except Problem as problem:
        raise UnlistedError(problem.what) from problem


def _rules(name: str) -> list[str]:
    if name.startswith("{"):
        return [_inside(rule) for rule in split_elements(_inside(name))]
    try:
        text = Path(name).read_text(encoding="utf-8", errors="replace")
    except PermissionError:
        raise
    except OSError as error:
        raise UnlistedError(f"{name}: {error.strerror}") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    # A line that begins with whitespace continues the one before it.
    return "\n".join(lines).replace("\n ", " ").replace("\n\t", " ").split("\n") if lines else []


def _inside(text: str) -> str:
    """Return what stands within braces, where there are any."""
    text = text.strip()
    return text[1:-1].strip() if text.startswith("{") and text.endswith("}") else text


def _network_rule(rule: str) -> tuple[str, str]:
    """Return network and result of a row of cidr_table(5); both empty for a condition."""
    if _CONDITION.match(rule.strip()):
        return "", ""
    network, _, value = rule.strip().partition(" ")
    return network, value.strip()


def _pattern_rule(rule: str) -> tuple[str, str]:
    """Return pattern and result of ``/pattern/flags result``; both empty for a condition."""
    text = rule.strip()
    if _CONDITION.match(text):
        return "", ""
    text = text.lstrip("! \t")
    delimiter, escaped = text[:1], False
    for index, character in enumerate(text[1:], start=1):
        if character == delimiter and not escaped:
            return text[: index + 1], re.sub(r"^\S*\s*", "", text[index + 1 :])
        escaped = character == "\\" and not escaped
    return "", ""

"""Access tables that lists of restrictions name: do their right sides name a restriction?

Owns: which tables are named where.
Must not know: why somebody asks.
Source: access(5) ("restriction...").
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.table_rows import UnlistedError, rows

# What stands before something with a colon that is no access table.
_NO_TABLE = frozenset({"check_policy_service"})


@dataclass(frozen=True, slots=True)
class AccessTables:
    """Tables, each with the place that names it."""

    places: Mapping[str, str]

    @classmethod
    def named_in(cls, lists: Mapping[str, str]) -> "AccessTables":
        """Return the tables that lists of restrictions name, with the parameter of the first that does."""
        places: dict[str, str] = {}
        for parameter, value in lists.items():
            former = ""
            for element in split_elements(value):
                if former not in _NO_TABLE:
                    for table in _tables(element):
                        places.setdefault(table, parameter)
                former = element.lower()
        return cls(places)

    def mentions(self, instance: PostfixInstance, words: frozenset[str]) -> list[str]:
        """Return where a right side has one of *words*, each ``parameter has table: right side``."""
        found = []
        for table, parameter in self.places.items():
            for value in _right_sides(instance, table)[0]:
                if words & {word.lower() for word in re.split(r"[\s,{}]+", value)}:
                    found.append(f"{parameter} has {table}, and that has: {value.strip()}")
                    break
        return found

    def unseen(self, instance: PostfixInstance) -> list[str]:
        """Return the tables that cannot be listed."""
        return [table for table in self.places if not _right_sides(instance, table)[1]]


def _tables(element: str) -> Iterator[str]:
    """Yield the table that an element is: ``type:name``, or the first of ``{ type:name, … }``."""
    if element.startswith("{"):
        element = next(iter(split_elements(element[1:].removesuffix("}"))), "")
    kind, colon, name = element.partition(":")
    if not colon or not name or not re.fullmatch(r"[a-z]+", kind):
        return
    yield element


def _right_sides(instance: PostfixInstance, table: str) -> tuple[list[str], bool]:
    """Return what a table may answer, as far as it can be listed, and whether that is the whole of it."""
    values: list[str] = []
    try:
        values.extend(row.value for row in rows(instance, table))
    except (Problem, OSError, UnlistedError):
        return values, False
    return values, True

"""Access tables that lists of restrictions name: do their right sides name a restriction?

Owns: which tables are named where, which of them can be listed, and how.
Must not know: why somebody asks.
Sources: access(5) ("restriction..."), DATABASE_README, postmap(1), regexp_table(5), cidr_table(5).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.lookups import LISTED_BY_POSTMAP, split_elements
from domain_secure.postfix.instance.programs import PostfixInstance

_TEXTS = frozenset({"regexp", "pcre", "cidr"})  #: read from their source; or written in place, in braces
_WRITTEN_IN_PLACE = frozenset({"static", "randmap"})
_OF_TABLES = frozenset({"pipemap", "unionmap"})
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
            for value in _right_sides(instance, table) or ():
                if words & {word.lower() for word in re.split(r"[\s,{}]+", value)}:
                    found.append(f"{parameter} has {table}, and that has: {value.strip()}")
                    break
        return found

    def unseen(self, instance: PostfixInstance) -> list[str]:
        """Return the tables that cannot be listed."""
        return [table for table in self.places if _right_sides(instance, table) is None]


def _tables(element: str) -> Iterator[str]:
    """Yield the table that an element is: ``type:name``, or the first of ``{ type:name, … }``."""
    if element.startswith("{"):
        element = next(iter(split_elements(element[1:].removesuffix("}"))), "")
    kind, colon, name = element.partition(":")
    if not colon or not name or not re.fullmatch(r"[a-z]+", kind):
        return
    if kind in _OF_TABLES:
        for inner in split_elements(name.strip("{} ")):
            yield from _tables(inner)
    else:
        yield element


def _right_sides(instance: PostfixInstance, table: str) -> list[str] | None:
    """Return what a table may answer, with other text where it is text; None: it cannot be listed."""
    kind, _, name = table.removeprefix("proxy:").partition(":")
    if kind in _WRITTEN_IN_PLACE:
        return [name]
    try:
        if kind in LISTED_BY_POSTMAP:
            return [value for _, value in instance.entries(f"{kind}:{name}")]
        if kind in _TEXTS:
            return [name] if name.startswith("{") else _lines(Path(name))
        if kind == "cdb":
            return _lines(Path(name))  # of which nobody lists what is compiled
    except (Problem, OSError):
        pass
    return None


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    return [line for line in text.splitlines() if not line.startswith("#")]

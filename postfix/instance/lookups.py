"""Look many keys up in a list of tables the way Postfix does.

Owns: the order, per key every table in turn; which tables are asked with parts of an address.
Sources: DATABASE_README, transport(5), regexp_table(5), postconf(5) smtp_tls_policy_maps.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .programs import PostfixInstance

#: Types whose entries can be listed one after the other.
LISTED = frozenset({"hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash", "inline"})
_PATTERN_TYPES = frozenset({"regexp", "pcre", "cidr"})
_HOST_NAME = re.compile(r"(?:[\w-]{1,63}\.)*[\w-]{1,63}")


@dataclass(frozen=True, slots=True)
class Key:
    """One key; *fixed_only* when tables of patterns are not asked for it."""

    text: str
    fixed_only: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """What was found where."""

    table: str
    key: str
    value: str


def split_elements(text: str) -> list[str]:
    """Split a parameter's value at blanks and commas, but not inside braces (postconf(5))."""
    elements, element, depth = [], "", 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth <= 0 and (character.isspace() or character == ","):
            elements.append(element)
            element = ""
        else:
            element += character
    return [one for one in (*elements, element) if one]


def is_pattern_table(table: str) -> bool:
    """Tell whether *table* matches its keys by patterns and so is asked with whole addresses only."""
    return table.removeprefix("proxy:").partition(":")[0] in _PATTERN_TYPES


def name_and_parents(name: str, *, dotted: bool) -> list[str]:
    """Return *name* and its parent domains, nearest first; *dotted* with a dot in front of the parents."""
    labels = name.split(".")
    dot = "." if dotted else ""
    return [name, *(dot + ".".join(labels[index:]) for index in range(1, len(labels)))]


def policy_keys(nexthop: str) -> list[Key]:
    """Return the keys under which smtp(8) looks for the TLS policy of a nexthop (smtp_tls_policy_maps)."""
    if _HOST_NAME.fullmatch(nexthop):
        return [Key(name) for name in name_and_parents(nexthop, dotted=True)]
    return [Key(nexthop)]


def first_hits(
    instance: PostfixInstance, tables: Sequence[str], keys: Mapping[str, Sequence[Key]]
) -> dict[str, Hit]:
    """Return for each subject of *keys* what the first of its keys gives that any table has.

    One run of postmap(1) a table.  Raises Problem when a table does not answer, for Postfix would not
    look further then.
    """
    answers: list[tuple[str, bool, dict[str, str]]] = []
    for table in tables:
        pattern = is_pattern_table(table)
        asked = {key.text for wanted in keys.values() for key in wanted if not (pattern and key.fixed_only)}
        if asked:
            answers.append((table, pattern, instance.query(table, sorted(asked))))
    hits = {}
    for subject, wanted in keys.items():
        for hit in (
            Hit(table, key.text, found[key.text])
            for key in wanted
            for table, pattern, found in answers
            if key.text in found and not (pattern and key.fixed_only)
        ):
            hits[subject] = hit
            break
    return hits

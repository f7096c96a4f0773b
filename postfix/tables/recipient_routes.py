"""The routes of listed domains as patterns for whole addresses, the first table in transport_maps.

Owns: the patterns, and how a long list of them is laid out so that a look-up stays short.
Must not know: files; which spellings a name has.

trivial-rewrite(8) asks for ``user@domain`` in all tables before it asks for a domain in any, and for the
exact name in all before ``.parent`` in any (transport(5), "TABLE SEARCH ORDER").  A route of one recipient,
or of one host below a wildcard of ours, would win in any table.  A pattern answers to the whole address, and
in the first table before all others.

regexp(3) tries pattern by pattern.  So names lie in nested ``if`` blocks by their first letters, with a few
dozen in one pattern at the end of each (regexp_table(5)).  Sources: regexp_table(5), regex(7).
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from os.path import commonprefix
from typing import NamedTuple

#: Names that have patterns; of a longer list the first.  Measured with 100,000: 0.2 s to read the table, and
#: 150 MB and more in each trivial-rewrite(8), which a longer list would multiply.
MOST_NAMES = 100_000
_NOBODY = "domain-secure-check"  #: no local part or label that anybody has
_ALIKE = 200  #: names in one pattern


class RecipientRoute(NamedTuple):
    """Where mail for every address of one name goes."""

    name: str  #: a domain as it is written in addresses
    is_wildcard: bool  #: every subdomain of it is meant, and not the domain itself
    result: str  #: transport(5) "RESULT FORMAT"


def examples(routes: Iterable[RecipientRoute]) -> Iterator[tuple[str, str]]:
    """Yield an address for each route that its pattern must answer for, and the answer."""
    for route in routes:
        yield f"{_NOBODY}@{f'{_NOBODY}.' if route.is_wildcard else ''}{route.name}", route.result


def route_patterns(routes: Iterable[RecipientRoute]) -> Iterator[str]:
    """Yield the lines ``pattern<TAB>result``, ``if pattern`` and ``endif``.

    The longest match comes first: names themselves, then wildcards, those with more labels before others.
    """
    groups: dict[tuple[int, str], list[str]] = {}
    for route in routes:
        precedence = -route.name.count(".") if route.is_wildcard else -1_000
        groups.setdefault((precedence, route.result), []).append(route.name)
    for (precedence, result), names in sorted(groups.items()):
        start = "@" if precedence == -1_000 else r"@[^@]+\."
        yield from _tree(start, "", sorted(set(names)), result)


def _tree(start: str, common: str, names: Sequence[str], result: str) -> Iterator[str]:
    """Yield what answers *result* for *names*, all of which begin with *common*."""
    if len(names) <= _ALIKE:
        rests = (name[len(common) :] for name in names)
        yield f"/{start}{_escaped(common)}{_any_of(rests)}$/\t{result}"
        return
    # Of sorted names the first and the last have in common what all have: no letter in it sets any apart.
    common = commonprefix([names[0], names[-1]])  # noqa: RUF071 - letter by letter is meant
    begin, length = 0, len(common) + 1
    while begin < len(names):
        first = names[begin][:length]
        end = bisect_right(names, first, begin, key=lambda name: name[:length])
        if len(first) == len(common):
            yield from _tree(start, first, names[begin:end], result)
        else:
            yield f"if /{start}{_escaped(first)}/"
            yield from _tree(start, first, names[begin:end], result)
            yield "endif"
        begin = end


def _any_of(rests: Iterable[str]) -> str:
    """Return a pattern for any of these ends of names; what follows their first label stands there once."""
    ends: dict[str, list[str]] = {}
    for rest in rests:
        label, dot, end = rest.partition(".")
        ends.setdefault(dot + end, []).append(label)
    branches = [_group(sorted(labels)) + _escaped(end) for end, labels in ends.items()]
    return _group(branches, is_pattern=True)


def _group(texts: Sequence[str], *, is_pattern: bool = False) -> str:
    branches = texts if is_pattern else [_escaped(text) for text in texts]
    return branches[0] if len(branches) == 1 else f"({'|'.join(branches)})"


def _escaped(text: str) -> str:
    """Return *text*, a part of a domain, as it matches itself; nothing in it but a dot is special."""
    return text.replace(".", r"\.")

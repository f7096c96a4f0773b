"""The receive list and the send list: which entry speaks for a domain.

Owns: the lookup.  A list of a million entries answers in the time of a few hash look-ups.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Self, cast

from domain_secure.policy.long_lists.entry_text import EntryText

from .domain import Domain, Entry

_SHORT = 2_000  #: entries that are kept one by one
# Most messages come from a few domains.  A stranger chooses the domain, so that no more are remembered.
_REMEMBERED = 4096


class DomainList:
    """An immutable set of entries with longest-match lookup.

    An exact entry beats every wildcard; of two wildcards the longer wins.  It consists of entries that are
    kept one by one, and behind them a text of any length, which lists that differ little share.
    """

    __slots__ = (
        "_entries",
        "_has_wildcards",
        "_length",
        "_order",
        "_remembered",
        "_text",
        "has_internationalised",
    )

    def __init__(self, entries: Iterable[Entry], text: EntryText | None = None) -> None:
        """Take entries in any number, and behind them those of *text*."""
        order = tuple(dict.fromkeys(entries))
        if text is None and len(order) > _SHORT:
            text = EntryText("".join(f"{entry}\n" for entry in order).encode("ascii"), len(order))
            order = ()
        self._order = order
        self._entries = frozenset(order)
        self._text = text if text is not None and len(text) else None
        repeated = len(self._text.among(order)) if self._text else 0
        self._length = len(order) + (len(self._text) - repeated if self._text else 0)
        self._remembered: dict[Domain, Entry | None] = {}
        octets = self._text.octets if self._text else b""
        self._has_wildcards = b"*" in octets or any(entry.startswith("*.") for entry in order)
        self.has_internationalised = b"xn--" in octets or any("xn--" in entry for entry in order)

    @classmethod
    def of(cls, *entries: str) -> Self:
        """Return a list of entries that are known to be in normal form."""
        return cls(Entry(entry) for entry in entries)

    def prepare(self) -> Self:
        """Make ready for questions that are urgent; returns the list itself."""
        if self._text is not None:
            self._text.prepare()
        return self

    def changed(self, added: Iterable[Entry], removed: Iterable[Entry]) -> "DomainList":
        """Return the list with entries put to its end and others taken out; in time for a few of them."""
        gone = frozenset(removed)
        kept = (entry for entry in self._order if entry not in gone)
        if self._text is None:
            return DomainList(chain(kept, added))
        if self._text.among(gone):
            return DomainList(chain((entry for entry in self if entry not in gone), added))
        # The order between the two parts is that of the configuration: additions go to the first.
        return DomainList(chain(kept, added), self._text)

    def match(self, domain: Domain) -> Entry | None:
        """Return the entry that covers *domain*, or None when it is not listed."""
        remembered = self._remembered
        try:
            return remembered[domain]
        except KeyError:
            if len(remembered) >= _REMEMBERED:
                remembered.clear()
            found = remembered[domain] = self._found(domain)
            return found

    def _found(self, domain: Domain) -> Entry | None:
        if (entry := Entry(domain)) in self:
            return entry
        if self._has_wildcards:
            parent = domain
            while "." in parent:
                parent = Domain(parent.split(".", 1)[1])
                candidate = Entry(f"*.{parent}")
                if candidate in self:
                    return candidate
        return None

    def without(self, other: "DomainList") -> Iterator[Entry]:
        """Yield the entries that *other* does not have; of long lists that differ little, in little time."""
        yield from (entry for entry in self._order if entry not in other)
        if self._text is None:
            return
        if other._text is None:  # noqa: SLF001 - another one of these
            rest: Iterable[str] = self._text
        elif other._text is self._text:  # noqa: SLF001
            return
        else:
            rest = self._text.without(other._text)  # noqa: SLF001
        for one in rest:
            entry = Entry(one)
            if entry not in self._entries and entry not in other._entries:  # noqa: SLF001
                yield entry

    def octets(self) -> bytes:
        """Return the entries in the order of the configuration, each with a line end behind it."""
        first = "".join(f"{entry}\n" for entry in self._order).encode("ascii")
        if self._text is None:
            return first
        if self._length == len(self._order) + len(self._text):
            return first + self._text.octets
        return "".join(f"{entry}\n" for entry in self).encode("ascii")

    def __contains__(self, entry: object) -> bool:
        """Tell whether *entry* itself stands on the list; no matching is done."""
        return entry in self._entries or (
            self._text is not None and isinstance(entry, str) and self._text.has(entry)
        )

    def __iter__(self) -> Iterator[Entry]:
        """Iterate in the order of the configuration."""
        yield from self._order
        if self._text is not None:
            further = cast("Iterator[Entry]", iter(self._text))
            yield from (one for one in further if one not in self._entries) if self._order else further

    def __len__(self) -> int:
        """Return the number of distinct entries."""
        return self._length

    def __eq__(self, other: object) -> bool:
        """Two lists are equal when they hold the same entries, in any order."""
        if not isinstance(other, DomainList):
            return NotImplemented
        return len(self) == len(other) and next(self.without(other), None) is None

    def __hash__(self) -> int:
        """Hash by what lists that are equal have in common."""
        return hash((DomainList, self._length))

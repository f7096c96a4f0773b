"""The receive list and the send list: which entry speaks for a domain.

Owns: the lookup.  A list of a million entries answers in the time of a few hash look-ups.
"""

from collections.abc import Iterable, Iterator
from typing import Self

from .domain import Domain, Entry


class DomainList:
    """An immutable set of entries with longest-match lookup.

    An exact entry beats every wildcard; of two wildcards the longer wins.
    """

    __slots__ = ("_entries", "_has_wildcards", "_order", "has_internationalised")

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._order = tuple(dict.fromkeys(entries))
        self._entries = frozenset(self._order)
        self._has_wildcards = any(entry.startswith("*.") for entry in self._order)
        self.has_internationalised = any("xn--" in entry for entry in self._order)

    @classmethod
    def of(cls, *entries: str) -> Self:
        """Return a list of entries that are known to be in normal form."""
        return cls(Entry(entry) for entry in entries)

    def match(self, domain: Domain) -> Entry | None:
        """Return the entry that covers *domain*, or None when it is not listed."""
        if Entry(domain) in self._entries:
            return Entry(domain)
        if self._has_wildcards:
            parent = domain
            while "." in parent:
                parent = Domain(parent.split(".", 1)[1])
                candidate = Entry(f"*.{parent}")
                if candidate in self._entries:
                    return candidate
        return None

    def __contains__(self, entry: object) -> bool:
        """Tell whether *entry* itself stands on the list; no matching is done."""
        return entry in self._entries

    def __iter__(self) -> Iterator[Entry]:
        """Iterate in the order of the configuration."""
        return iter(self._order)

    def __len__(self) -> int:
        """Return the number of distinct entries."""
        return len(self._order)

    def __eq__(self, other: object) -> bool:
        """Two lists are equal when they hold the same entries, in any order."""
        return isinstance(other, DomainList) and self._entries == other._entries

    def __hash__(self) -> int:
        """Hash by the entries."""
        return hash(self._entries)

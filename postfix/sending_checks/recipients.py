"""Somebody who gets mail that was for others, or a copy of it.

Must not know: by which setting; that is told in words.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import InvalidDomainError, entry_base, parse_domain
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.instance.lookups import split_elements

_SHORTEST = 4  #: letters of a word that shows what a pattern is about


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address, and what leads there."""

    address: str
    place: str
    instead: bool = False  #: in place of the recipients that were named
    condition: str = ""  #: what must hold, and may not, for mail for a listed domain

    @property
    def domain(self) -> str:
        """Return the domain, empty for an address of this machine."""
        return self.address.rpartition("@")[2].lower() if "@" in self.address else ""


def addresses(text: str) -> list[str]:
    """Return the addresses in a value of a table or a setting."""
    return [one.strip("<>") for one in split_elements(text)]


def is_listed(configuration: Configuration, name: str) -> bool:
    """Tell whether a domain is on the send list."""
    try:
        return configuration.send.match(parse_domain(name)) is not None
    except InvalidDomainError:
        return False


def speaks_of_listed(configuration: Configuration, pattern: str) -> bool:
    """Tell whether a pattern has a word in it that a listed name begins with."""
    return not _first_words(configuration.send).isdisjoint(re.findall(r"[a-z0-9-]+", pattern.lower()))


@lru_cache(maxsize=1)
def _first_words(listed: DomainList) -> frozenset[str]:
    """Return all that the names on a list begin with, down to a few letters."""
    labels = {entry_base(entry).partition(".")[0] for entry in listed}
    return frozenset(
        label[:length] for label in labels for length in range(min(_SHORTEST, len(label)), len(label) + 1)
    )

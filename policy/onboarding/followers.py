"""Which other list entries go by the rule of a partner: what is written for it holds for them as well."""

from collections.abc import Iterator
from dataclasses import replace

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Entry, entry_base, lies_under
from domain_secure.policy.terms.lists import DomainList

from .proposal import own_rule


def followers(configuration: Configuration, listed: DomainList, entry: Entry) -> tuple[Entry, ...]:
    """Return the other entries of a list that go by the rule for *entry*, or would once it has one."""
    rule = own_rule(configuration, entry)
    after = replace(configuration, partners={**configuration.partners, entry: rule})
    return tuple(one for one in _candidates(listed, entry) if after.partner(one).entry == entry)


def _candidates(listed: DomainList, entry: Entry) -> Iterator[Entry]:
    """Yield those that may, see ``Configuration.partner``; a list may have a million entries."""
    if not entry.startswith("*."):
        if (wildcard := Entry(f"*.{entry}")) in listed:
            yield wildcard
        return
    base = entry_base(entry)
    yield from (one for one in listed if one != entry and lies_under(entry_base(one), base))

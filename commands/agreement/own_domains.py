"""Which domains this Postfix takes mail in for, as far as its lists can be read.

Source: ADDRESS_CLASS_README; postconf(5) mydestination, relay_domains, virtual_alias_domains,
virtual_mailbox_domains.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Domain, InvalidDomainError, is_public_suffix, parse_domain
from domain_secure.postfix.instance.lookups import LISTED
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.routing import domain_elements

_CLASSES = ("mydestination", "relay_domains", "virtual_alias_domains", "virtual_mailbox_domains")
_NOT_MAIL = ("localhost", "localdomain")


@dataclass(frozen=True, slots=True)
class OwnDomains:
    """The domains, and the lists whose entries nobody can read."""

    domains: tuple[Domain, ...]
    unlisted: tuple[str, ...] = ()


def own_domains(configuration: Configuration) -> OwnDomains:
    """Return the domains of ours, without host names of this machine; raises Problem."""
    instance = PostfixInstance(configuration.config_directory)
    host = instance.parameter("myhostname").lower()
    names: dict[Domain, None] = {}
    unlisted: list[str] = []
    for parameter, value in instance.parameters(*_CLASSES).items():
        for element in domain_elements(value):
            # Tables of ours are about spellings of recipients, and `!` takes away.
            if element.startswith("!") or str(configuration.state) in element:
                continue
            if ":" in element and element.removeprefix("proxy:").partition(":")[0] not in LISTED:
                unlisted.append(f"{parameter}: {element}")
                continue
            for name in _names(instance, element):
                names.update(dict.fromkeys(_domain(name, host)))
    return OwnDomains(tuple(names), tuple(unlisted))


def _names(instance: PostfixInstance, element: str) -> Iterator[str]:
    if ":" not in element:
        yield element
        return
    yield from (key for key, _ in instance.entries(element.removeprefix("proxy:")))


def _domain(name: str, host: str) -> Iterator[Domain]:
    try:
        domain = parse_domain(name)
    except InvalidDomainError:
        return
    is_host = domain == host or any(label in _NOT_MAIL for label in domain.split("."))
    if not is_host and not is_public_suffix(domain):
        yield domain

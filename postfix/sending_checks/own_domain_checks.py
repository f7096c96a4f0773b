"""The doctor's question whether a domain is both a partner's and our own.

Owns: reading the lists of domains that this Postfix delivers itself.
Sources: ADDRESS_CLASS_README; postconf(5) mydestination, virtual_alias_domains, virtual_mailbox_domains.
"""

from collections.abc import Iterable, Iterator

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Domain, InvalidDomainError, entry_base, parse_domain
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.instance.lookups import LISTED
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.domain_spellings import spellings
from domain_secure.postfix.tables.routing import domain_elements
from domain_secure.postfix.tables.tables import Table, table_name

_CLASSES = ("mydestination", "virtual_alias_domains", "virtual_mailbox_domains")
_NAMED = 3  #: domains named in a finding


def check_own_domains(
    configuration: Configuration, instance: PostfixInstance, only: Domain | None
) -> Iterator[Finding]:
    """Yield the listed domains whose mail ends here, and lists of them that cannot be looked into.

    Raises Problem when a table does not answer.
    """
    for parameter, value in instance.parameters(*_CLASSES).items():
        for element in domain_elements(value):
            # Its patterns are of addresses; Postfix asks for a domain by way of virtual_alias_maps.
            if element == table_name("", configuration.state, Table.RECIPIENT_SPELLING):
                continue
            if ":" not in element:
                yield from _judged(configuration, parameter, element, [element], only)
                continue
            table = element.removeprefix("!").removeprefix("proxy:")
            if table.partition(":")[0] in LISTED:
                keys = (key for key, _ in instance.entries(table))
                yield from _judged(configuration, parameter, element, keys, only)
                continue
            names = {name for entry in configuration.send for name in spellings(entry_base(entry))}
            yield from _judged(configuration, parameter, element, instance.query(table, names), only)
            if any(entry.startswith("*.") for entry in configuration.send):
                yield Finding.not_looked_at(
                    "whether domains of ours lie below a wildcard of the send list",
                    f"{parameter} has {element}, whose entries nobody can list",
                    "see to it by hand that none does: mail for it would be sent out",
                )


def _judged(
    configuration: Configuration, parameter: str, element: str, names: Iterable[str], only: Domain | None
) -> Iterator[Finding]:
    """Yield a finding when *names*, which *element* of a list holds, are on the send list."""
    if element.startswith("!"):
        return
    found = []
    for name in names:
        try:
            domain = parse_domain(name)
        except InvalidDomainError:
            continue
        if only in {None, domain} and configuration.send.match(domain) is not None:
            found.append(str(domain))
    if found:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        yield Finding.error(
            "own-domain-listed",
            f"{', '.join(found[:_NAMED])}{more}: this Postfix delivers the mail itself, and the send list "
            "has it sent out",
            f"{parameter} has {element}",
            f"take the domain out of {parameter}, or out of the send list: for a wildcard list the partner's "
            "names one by one",
        )

"""The doctor's questions about copies and other recipients: who else gets what is for a listed domain?

A copy for a domain of ours stays here, and one for a listed domain is sent as all its mail; any other leaves
as other mail does, which is an error unless TLS with its next hop is verified.
Sources: postconf(5) always_bcc, sender_bcc_maps, recipient_bcc_maps; bcc(5), virtual(5), canonical(5),
ADDRESS_REWRITING_README, header_checks(5), access(5).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import InvalidDomainError, entry_base, parse_domain
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.findings.findings import Finding, Severity
from domain_secure.postfix.findings.service_facts import PostfixFacts
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.own_addresses import OwnAddresses
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.table_rows import Row, UnlistedError, rows
from domain_secure.postfix.tables.routing import SAMPLE_USER, Router

from .filter_checks import tables_of_others
from .ways import Way

# Of cleanup(8), which adds and changes recipients.
_COPYING = ("sender_bcc_maps", "recipient_bcc_maps")
_REWRITING = ("virtual_alias_maps", "canonical_maps", "recipient_canonical_maps")
_NAMED = 3  #: places named in a finding


@dataclass(frozen=True, slots=True)
class _Recipient:
    """Somebody who gets mail that was for others, or a copy of it."""

    address: str
    place: str
    instead: bool = False  #: in place of the recipients that were named
    condition: str = ""  #: what must hold, and may not, for mail for a listed domain

    @property
    def domain(self) -> str:
        """Return the domain, empty for an address of this machine."""
        return self.address.rpartition("@")[2].lower() if "@" in self.address else ""


def check_copies(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts
) -> Iterator[Finding]:
    """Yield who gets copies, by which way; raises Problem when Postfix or a table does not answer."""
    unlisted: dict[str, str] = {}
    recipients = [*_told(configuration, instance), *_set(configuration, instance, unlisted)]
    elsewhere = [one for one in recipients if one.domain and not _is_listed(configuration, one.domain)]
    router, own = Router.of(instance), OwnAddresses.of(instance)
    domains = {one.domain for one in elsewhere}
    ours, routes = router.own_domains(domains), router.routes(domains)
    verified = {}
    for domain in domains - ours.keys():
        route = routes[domain]
        way = Way.of(f"{route.transport}:{route.nexthop}", instance, facts)
        verified[domain] = way.client is None or way.stays(own) or way.is_verified(instance)
    yield from _judged([one for one in elsewhere if one.domain in verified], verified)
    for place, why in unlisted.items():
        yield Finding.not_looked_at(
            f"whether {place} gives others what is for listed domains",
            why,
            "see that it names no address elsewhere for recipients in listed domains",
        )


def _judged(recipients: Iterable[_Recipient], verified: Mapping[str, bool]) -> Iterator[Finding]:
    alike: dict[tuple[bool, bool, str], list[_Recipient]] = {}
    for one in recipients:
        alike.setdefault((one.instead, verified[one.domain], one.condition), []).append(one)
    for (instead, is_verified, condition), several in alike.items():
        addresses = list(dict.fromkeys(one.address for one in several))
        named = ", ".join(addresses[:_NAMED]) + (" and others" if len(addresses) > _NAMED else "")
        proof = "; ".join(dict.fromkeys(one.place for one in several[:_NAMED]))
        what = ("" if instead else "a copy of ") + "mail for listed domains goes to " + named + condition
        if is_verified:
            yield Finding.note(
                "copy-elsewhere",
                f"{what}, over TLS that is verified for another host",
                proof,
                "see that this is meant",
            )
            continue
        yield Finding(
            Severity.WARNING if condition else Severity.ERROR,
            "copy-elsewhere",
            f"{what}, neither here nor on the send list: it leaves as other mail does",
            proof,
            "take it out, name an address of this machine, or have TLS with its servers verified "
            "(smtp_tls_policy_maps: secure)",
        )


def _told(configuration: Configuration, instance: PostfixInstance) -> Iterator[_Recipient]:
    for action in tables_of_others(configuration, instance).actions:
        if action.verb != "FILTER":
            for address in _addresses(action.argument):
                yield _Recipient(address, action.place, instead=action.verb == "REDIRECT")


def _set(
    configuration: Configuration, instance: PostfixInstance, unlisted: dict[str, str]
) -> Iterator[_Recipient]:
    """Yield what cleanup(8) is set to add and to change; note in *unlisted* what cannot be listed."""
    seen: set[tuple[str, str]] = set()
    for service in instance.services():
        if service.program != "cleanup":
            continue
        values = instance.service_parameters(service, "always_bcc", *_COPYING, *_REWRITING)
        for address in _addresses(values.pop("always_bcc", "")):
            yield _Recipient(address, f"{service.key}: always_bcc = {address}")
        for name, value in values.items():
            for table in split_elements(value):
                if (name, table) in seen:
                    continue
                seen.add((name, table))
                place = f"{service.key}: {name} = {table}"
                try:
                    yield from _of_table(configuration, instance, name, table)
                except UnlistedError as error:
                    unlisted.setdefault(place, str(error))


def _of_table(
    configuration: Configuration, instance: PostfixInstance, name: str, table: str
) -> Iterator[_Recipient]:
    for row in rows(instance, table):
        condition = ""
        # A copy for one recipient goes with a message to several; whoever sends may write to a listed domain.
        if name != "sender_bcc_maps" and not _concerns_listed(configuration, instance, table, row):
            if name in _REWRITING and row.key is not None:
                continue
            condition = ", where the pattern fits" if row.pattern else ", where it has that recipient, too"
        for address in _addresses(row.value):
            domain = address.rpartition("@")[2]
            # "@domain" keeps the local part; what a pattern puts in is not known.
            if "$" not in domain:
                yield _Recipient(
                    address,
                    f"{name}: {table} has {row.key or row.pattern or 'for any address'} = {row.value}",
                    instead=name in _REWRITING,
                    condition=condition,
                )


def _concerns_listed(configuration: Configuration, instance: PostfixInstance, table: str, row: Row) -> bool:
    """Tell whether a row is found by a recipient in a listed domain, as far as that shows."""
    if row.key is not None:
        _, at, domain = row.key.rpartition("@")
        return bool(at) and _is_listed(configuration, domain)
    if not row.pattern:
        return True
    if _first_labels(configuration.send) & set(re.findall(r"[a-z0-9-]+", row.pattern.lower())):
        return True
    # A pattern for whatever comes fits one of them as well as another.
    sample = f"{SAMPLE_USER}@{entry_base(next(iter(configuration.send)))}"
    return instance.query(table, [sample]).get(sample) == row.value


@lru_cache(maxsize=1)
def _first_labels(listed: DomainList) -> frozenset[str]:
    """Return what the names on a list begin with, by which a pattern shows that it is about one of them."""
    return frozenset(entry_base(entry).partition(".")[0] for entry in listed)


def _is_listed(configuration: Configuration, name: str) -> bool:
    try:
        return configuration.send.match(parse_domain(name)) is not None
    except InvalidDomainError:
        return False


def _addresses(text: str) -> list[str]:
    return [one.strip("<>") for one in split_elements(text)]

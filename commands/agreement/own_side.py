"""What is ours and what a partner has to know of it: domains, MX hosts, certificates shown, keys that come.

Owns: where each of these is looked up.  What cannot be learnt is named, and never taken for absent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain_secure.policy.certificates.certificate import Certificate, Chain
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.own.enabled_certificates import EnabledCertificates, Role
from domain_secure.policy.own.own_certificates import OwnCertificates
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.dns.dns_lookup import Lookups, LookupStatus, system_lookup
from domain_secure.postfix.dns.mail_exchangers import exchange_names
from domain_secure.postfix.findings.service_facts import facts_of
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.own_checks.shown_certificate_checks import shown_chains

from .own_domains import own_domains


@dataclass(frozen=True, slots=True)
class NextKey:
    """A key that is not in use yet: of a request that waits, or of a certificate that was imported."""

    public_key: Pin
    names: tuple[str, ...]
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class OwnSide:
    """What is known; *unknown* says of each thing that is not what it is and why."""

    domains: tuple[Domain, ...]
    mx: tuple[Domain, ...]
    chains: dict[Role, tuple[Chain, ...]]  #: what is shown, by the role; none where nothing is, or is known
    coming: tuple[NextKey, ...]
    unknown: tuple[tuple[str, str], ...] = ()


def own_side(
    configuration: Configuration,
    named: Sequence[Domain],
    now: datetime,
    lookup: Lookups = system_lookup,
) -> OwnSide:
    """Return what is known of our side; raises nothing for what is not."""
    unknown: list[tuple[str, str]] = []
    domains = tuple(named) or _domains(configuration, unknown)
    chains = _shown(configuration, unknown)
    coming: tuple[NextKey, ...] = ()
    try:
        coming = tuple(_coming(configuration, chains, now, unknown))
    except Problem as problem:
        unknown.append(("next_keys", f"{problem.what}: {problem.where}"))
    return OwnSide(domains, _mx(domains, lookup, unknown), chains, coming, tuple(unknown))


def _domains(configuration: Configuration, unknown: list[tuple[str, str]]) -> tuple[Domain, ...]:
    try:
        found = own_domains(configuration)
    except Problem as problem:
        unknown.append(("domains", f"{problem.what}: {problem.where}"))
        return ()
    unknown += (("domains", f"nobody can list {element}") for element in found.unlisted)
    if not found.domains and not found.unlisted:
        unknown.append(("domains", "Postfix takes in mail for none"))
    return found.domains


def _mx(domains: Sequence[Domain], lookup: Lookups, unknown: list[tuple[str, str]]) -> tuple[Domain, ...]:
    found: dict[Domain, None] = {}
    for domain in domains:
        answer = lookup(domain, "MX")
        if answer.status is LookupStatus.FAILED:
            unknown.append(("mx", answer.detail))
        else:
            found.update(dict.fromkeys(exchange_names(domain, answer)))
    return tuple(found)


def _shown(configuration: Configuration, unknown: list[tuple[str, str]]) -> dict[Role, tuple[Chain, ...]]:
    """Return what Postfix shows; where it cannot be asked, what was enabled for it."""
    chains: dict[Role, tuple[Chain, ...]] = dict.fromkeys(Role, ())
    try:
        for is_server, chain in shown_chains(facts_of(PostfixInstance(configuration.config_directory))):
            role = Role.SERVER if is_server else Role.CLIENT
            chains[role] = tuple(dict.fromkeys((*chains[role], chain)))
    except Problem as problem:
        unknown.append(("certificates", f"{problem.what}: {problem.where}"))
    try:
        for role, chain in EnabledCertificates(configuration.state).chains().items():
            chains[role] = chains[role] or (chain,)
    except Problem as problem:
        unknown.append(("certificates", f"{problem.what}: {problem.where}"))
    return chains


def _coming(
    configuration: Configuration,
    chains: dict[Role, tuple[Chain, ...]],
    now: datetime,
    unknown: list[tuple[str, str]],
) -> Iterator[NextKey]:
    inventory = OwnCertificates(configuration.state).inventory()
    unknown += (("next_keys", f"{place}: {why}") for place, why in inventory.set_aside)
    leaves = [chain[0] for shown in chains.values() for chain in shown]
    in_use = {leaf.public_key_pin for leaf in leaves}
    newest = max((leaf.not_before for leaf in leaves), default=None)
    for request in inventory.requests:
        if (pin := Pin.public_key(request.identifier)) not in in_use:
            yield NextKey(pin, request.names)
    for own in inventory.certificates:
        one = own.certificate
        is_newer = newest is None or one.not_before > newest
        if one.public_key_pin not in in_use and is_newer and one.not_after > now:
            yield NextKey(one.public_key_pin, own.names, one)

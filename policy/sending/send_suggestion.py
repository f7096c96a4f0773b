"""Propose the change of a partner's rule with which its servers would be accepted, and what that weakens.

Owns: which changes may be proposed, the strictest first.
Must not decide: an administrator reads the price and chooses.
Invariant: a proposed change was tried on what the servers showed, and at least one of them passes with it.
Sources: RFC 8996 (TLS 1.0 and 1.1 are deprecated); RFC 7672 section 1.3 for what DANE does better.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain_secure.policy.certificates.gateways import RECIPES, gateway_of_host, shared_gateway
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.certificates.presented_names import names_of
from domain_secure.policy.configuration.configuration import Partner, SendMethod
from domain_secure.policy.terms.domain import (
    Domain,
    InvalidDomainError,
    entry_base,
    is_public_suffix,
    parse_domain,
)
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.tls import TlsVersion

from .delivery import FailureReason
from .server_verdict import ServerVerdict, ShownServer, judge_server


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A change that would let mail through, and its price."""

    partner: Partner  #: the rule with it
    values: tuple[tuple[str, str], ...]  #: as for ``partner set``
    weakens: str
    pins: tuple[Pin, ...] = ()  #: those that come besides

    @property
    def commands(self) -> tuple[str, ...]:
        """Return the commands that make the change, in their order."""
        # The shell would look for files that match a wildcard entry.
        entry = f"'{self.partner.entry}'" if "*" in self.partner.entry else self.partner.entry
        values = " ".join(f"{key}={value}" for key, value in self.values)
        pinned = (f"domain-secure partner pin {entry} {' '.join(map(str, self.pins))}",)
        return (*(pinned if self.pins else ()), f"domain-secure partner set {entry} {values}")


def suggest(
    servers: Sequence[ShownServer], partner: Partner, nexthop: Domain, anchors: TrustAnchors, at: datetime
) -> Suggestion | None:
    """Return the strictest change with which one of the servers passes, or None where there is none.

    Nothing is proposed where one passes already.
    """

    def passes(rule: Partner) -> bool:
        return any(judge_server(one, rule, nexthop, anchors, at).is_good for one in servers)

    if passes(partner):
        return None
    verdicts = [judge_server(one, partner, nexthop, anchors, at) for one in servers]
    return next((one for one in _candidates(servers, verdicts, partner) if passes(one.partner)), None)


def host_of(name: str) -> Domain | None:
    """Return the host that a name in a certificate is, None for a wildcard and for what is no host."""
    try:
        host = parse_domain(name.removeprefix("*."))
    except InvalidDomainError:
        return None
    # A wildcard stands for hosts that nobody has named: only an administrator knows which one is meant.
    return None if name.startswith("*.") or is_public_suffix(host) else host


def whose(host: Domain) -> str:
    """Return what it means that a certificate for *host* is taken for the partner's, in a clause."""
    if gateway := shared_gateway(host):
        return (
            f"it is a name of {gateway.service}, which many organisations share: the certificate proves "
            "that service, and not the partner"
        )
    return (
        f"whoever holds a certificate for {host} is then taken for the partner: make sure that "
        "the host is theirs, or their provider's for them alone"
    )


def _candidates(
    servers: Sequence[ShownServer], verdicts: Sequence[ServerVerdict], partner: Partner
) -> Iterator[Suggestion]:
    domain = entry_base(partner.entry)
    if partner.send_method is not SendMethod.DANE:
        yield Suggestion(
            replace(partner, send_method=SendMethod.DANE),
            (("send_method", SendMethod.DANE),),
            "the key is the one that the partner publishes under DNSSEC; authorities and names are no "
            "longer asked, and our own resolver must validate",
        )
    if partner.send_method is not SendMethod.PKIX:
        yield Suggestion(
            replace(partner, send_method=SendMethod.PKIX),
            (("send_method", SendMethod.PKIX),),
            f"any authority in ca_file may then vouch for {domain}, instead of the one key that is "
            "demanded now",
        )
    if any(verdict.reason is FailureReason.NAME_MISMATCH for verdict in verdicts):
        yield from _by_recipe(servers, partner)
        yield from _by_other_names(servers, partner)
    if all(verdict.reason is FailureReason.PROTOCOL for verdict in verdicts):
        yield from _by_older_tls(servers, partner)
    if pins := frozenset(one.chain[0].public_key_pin for one in servers if one.chain):
        yield Suggestion(
            replace(partner, send_method=SendMethod.PIN, pins=partner.pins | pins),
            (("send_method", SendMethod.PIN),),
            "neither authority, name nor dates are asked any more: compare the digest with the partner "
            "by another way first, and expect mail to wait whenever the key changes; the same key then "
            "also authenticates mail from there",
            tuple(sorted(pins, key=str)),
        )


def _by_recipe(servers: Iterable[ShownServer], partner: Partner) -> Iterator[Suggestion]:
    hosts = [server.host for server in servers if server.host is not None]
    for gateway in dict.fromkeys(filter(None, map(gateway_of_host, hosts))):
        if recipe := RECIPES.get(gateway.word):
            yield Suggestion(
                replace(partner, send_names=recipe.send_names, mx=()),
                (("gateway", gateway.word), *((("mx", ""),) if partner.mx else ())),
                f"its servers are {gateway.service}'s, whose certificates all its customers share: they "
                "prove that service, and not the partner; mail from there needs the partner's own DKIM "
                "signature then (docs/gateways.md)",
            )


def _by_other_names(servers: Iterable[ShownServer], partner: Partner) -> Iterator[Suggestion]:
    for server in servers:
        names = names_of(server.chain[0]) if server.chain else ()
        # The name of the very host says the least about anybody else.
        for name in sorted(names, key=lambda one: one.lower() != server.host):
            if (host := host_of(name)) is not None:
                yield Suggestion(
                    replace(partner, mx=(host,)),
                    (("mx", host),),
                    f"the server is no longer checked by the domain; {whose(host)}",
                )


def _by_older_tls(servers: Iterable[ShownServer], partner: Partner) -> Iterator[Suggestion]:
    for version in sorted((one for one in TlsVersion if one < partner.minimum_tls), reverse=True):
        if any(server.tls_version == str(version) for server in servers):
            yield Suggestion(
                replace(partner, minimum_tls=version),
                (("minimum_tls", str(version)),),
                f"{version} is deprecated (RFC 8996), and who sits between may be able to read; it would "
                "also be good enough for mail from there: better ask the partner for TLS 1.2",
            )

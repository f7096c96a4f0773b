"""Look at every mail server of one domain, as Postfix would find them: each host, each address.

Owns: which servers those are, and what was learned of each.
Must not know: whether any of it is good (``policy.server_verdict``), and how it is shown.
Invariant: nothing beyond a STARTTLS probe is ever sent; it ends in the time limit of one probe and a few
look-ups, for the servers are asked at the same time.
Sources: RFC 5321 section 5.1; RFC 7505; RFC 7672 section 2.2.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.nexthop import Nexthop
from domain_secure.postfix.dns.dns_lookup import Lookups, LookupStatus
from domain_secure.postfix.dns.mail_exchangers import MailHost, mail_exchangers, preferences
from domain_secure.postfix.dns.tlsa_lookup import host_records

from .probe import PORT, ProbeResult, ProbeTarget

_AT_ONCE = 16

Probe = Callable[[ProbeTarget], ProbeResult]


@dataclass(frozen=True, slots=True)
class ServerProbe:
    """One address of one mail server."""

    host: Domain | None  #: None: a relay that is an address
    preference: int
    result: ProbeResult
    tlsa: TlsaAnswer


@dataclass(frozen=True, slots=True)
class DomainProbe:
    """All mail servers of a domain, the preferred ones first."""

    domain: Domain
    servers: tuple[ServerProbe, ...]
    failures: tuple[str, ...] = ()  #: look-ups that failed, and hosts without an address
    takes_no_mail: bool = False  #: RFC 7505: the domain says so


@dataclass(frozen=True, slots=True)
class Destination:
    """Where mail for a domain goes: to its MX hosts, or to one *relay* past them."""

    domain: Domain
    relay: Nexthop | None = None
    server_name: Domain | None = None  #: sent as SNI; None: the host's own
    by_tlsa: bool = False  #: servers are verified by TLSA records, and asked for the name that these are of

    @property
    def port(self) -> int:
        """Return the port of the servers."""
        return PORT if self.relay is None else self.relay.smtp_port


def probe_domain(destination: Destination, lookup: Lookups, probe: Probe) -> DomainProbe:
    """Return what the mail servers of a destination show; raises nothing of its own."""
    relay = destination.relay
    if relay is not None and relay.address is not None:
        target = ProbeTarget(relay.address, destination.server_name, relay.smtp_port)
        return DomainProbe(destination.domain, (ServerProbe(None, 0, probe(target), TlsaAnswer()),))
    domain = relay.host if relay is not None and relay.host is not None else destination.domain
    if relay is None or relay.by_mx:
        mx = lookup(domain, "MX")
        if mx.status is LookupStatus.FAILED:
            return DomainProbe(destination.domain, (), (mx.detail,))
        if not (named := preferences(domain, mx)):
            return DomainProbe(destination.domain, (), takes_no_mail=True)
        dnssec = mx.authenticated
        found = mail_exchangers(domain, lambda name, kind: mx if kind == "MX" else lookup(name, kind))
        hosts, failures = found.hosts, found.failures
    else:
        named, dnssec = {domain: 0}, True
        hosts, failures = _addresses_of(domain, lookup)
    reached = {host.name for host in hosts}
    missing = tuple(f"{name} has no address" for name in named if name not in reached)
    with ThreadPoolExecutor(_AT_ONCE) as together:
        tlsa = _records(hosts, lookup, destination.port, together) if dnssec else {}
        targets = [
            (host, ProbeTarget(address, host.name, destination.port, _name(host.name, destination, tlsa)))
            for host in hosts
            for address in host.addresses
        ]
        results = together.map(probe, (target for _, target in targets))
        servers = tuple(
            ServerProbe(host.name, host.preference, result, tlsa.get(host.name, TlsaAnswer()))
            for (host, _), result in zip(targets, results, strict=True)
        )
    return DomainProbe(destination.domain, servers, tuple(dict.fromkeys((*failures, *missing))))


def _addresses_of(host: Domain, lookup: Lookups) -> tuple[tuple[MailHost, ...], tuple[str, ...]]:
    answers = lookup(host, "A"), lookup(host, "AAAA")
    addresses = tuple(record.address for found in answers for record in found.records)
    failures = tuple(found.detail for found in answers if found.status is LookupStatus.FAILED)
    return ((MailHost(host, addresses, authenticated=False),) if addresses else ()), failures


def _records(
    hosts: Sequence[MailHost], lookup: Lookups, port: int, together: Executor
) -> dict[Domain, TlsaAnswer]:
    names = [host.name for host in hosts]
    found = together.map(lambda name: host_records(name, lookup, port).answer, names)
    return dict(zip(names, found, strict=True))


def _name(host: Domain, destination: Destination, tlsa: Mapping[Domain, TlsaAnswer]) -> Domain | None:
    """Return what is sent as SNI, as Postfix does (tls_client.c); None: the host's own name."""
    if destination.server_name is not None or not destination.by_tlsa:
        return destination.server_name
    return tlsa[host].base if host in tlsa else None

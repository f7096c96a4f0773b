"""The mail servers of a partner, from DNS.

Owns: which names of a partner are asked for, the order of MX hosts, null MX, implicit MX, and limits.
Must not know: how DNS is asked; look-ups are passed in.
Sources: RFC 5321 section 5.1, RFC 7505 (null MX), RFC 7672 section 2.2.1 for what must be authenticated.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import islice

from domain_secure.policy.configuration.configuration import Partner
from domain_secure.policy.terms.domain import Domain, Entry, InvalidDomainError, entry_base, parse_domain

from .dns_lookup import Lookup, Lookups, LookupStatus

# The largest providers have five hosts with a handful of addresses each.
HOSTS_LIMIT = 10
ADDRESSES_LIMIT = 8


@dataclass(frozen=True, slots=True)
class MailHost:
    """One mail server."""

    name: Domain
    addresses: tuple[str, ...]
    authenticated: bool  #: name and addresses are validated by DNSSEC
    preference: int = 0  #: of the MX record; the lowest is tried first


@dataclass(frozen=True, slots=True)
class MailExchangers:
    """The mail servers of one domain, the preferred one first."""

    hosts: tuple[MailHost, ...]
    failures: tuple[str, ...] = ()  #: look-ups that ended in nothing anybody can rely on
    seconds: int = 0  #: for how long it holds


def mail_domains(entry: Entry, partner: Partner) -> tuple[Domain, ...]:
    """Return the domains whose mail servers are the partner's: the list entry's, and those its rule names.

    A host name is one too: without MX of its own it is its own mail server.
    """
    return tuple(dict.fromkeys((entry_base(entry), *partner.client_names, *partner.mx)))


def exchange_names(domain: Domain, mx: Lookup) -> tuple[Domain, ...]:
    """Return the host names an MX look-up gives, in order of preference; names that are none are left out.

    A domain without MX is its own mail server; with a null MX it has none.
    """
    return tuple(preferences(domain, mx))


def preferences(domain: Domain, mx: Lookup) -> dict[Domain, int]:
    """Return the host names of `exchange_names` in their order, each with its preference; 0 without MX."""
    if mx.status is LookupStatus.NONE:
        return {domain: 0}
    names = []
    for record in mx.records:
        try:
            names.append((record.preference, parse_domain(record.exchange.to_text())))
        except InvalidDomainError:
            # The root, which is how a null MX is written, and whatever else is no host.
            continue
    found: dict[Domain, int] = {}
    for preference, name in sorted(names):
        found.setdefault(name, preference)
    return dict(islice(found.items(), HOSTS_LIMIT))


def mail_exchangers(domain: Domain, lookup: Lookups) -> MailExchangers:
    """Return the mail servers of *domain*, as *lookup* knows them; raises nothing of its own."""
    mx = lookup(domain, "MX")
    if mx.status is LookupStatus.FAILED:
        return MailExchangers((), (mx.detail,))
    hosts, failures, seconds = [], [], mx.seconds
    for name, preference in preferences(domain, mx).items():
        found = [lookup(name, record_type) for record_type in ("A", "AAAA")]
        failures += [one.detail for one in found if one.status is LookupStatus.FAILED]
        seconds = min(seconds, *(one.seconds for one in found))
        addresses = tuple(record.address for one in found for record in one.records)
        if addresses:
            authenticated = mx.authenticated and all(
                one.authenticated for one in found if one.status is LookupStatus.FOUND
            )
            hosts.append(MailHost(name, _probeable(addresses), authenticated, preference))
    return MailExchangers(tuple(hosts), tuple(failures), seconds)


def is_probeable(address: str) -> bool:
    """Tell whether a mail server of somebody else can have this address.

    Private networks count: partners may be in one.  This machine and groups of hosts do not.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped is not None:
        return is_probeable(str(mapped))
    return not (parsed.is_loopback or parsed.is_unspecified or parsed.is_multicast)


def _probeable(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in addresses if is_probeable(one)))[:ADDRESSES_LIMIT]

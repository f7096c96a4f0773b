"""The doctor's questions about the DNS resolver, for partners that are proved or verified by DANE.

Must not know: Postfix's own DNS settings (``outbound_checks``).
Source: RFC 7672 section 2.1; RFC 6840 section 5.7 for the AD bit.
"""

from collections.abc import Iterator

from domain_secure.policy.configuration.configuration import (
    DEFAULT_METHODS,
    Configuration,
    Method,
    Partner,
    SendMethod,
)
from domain_secure.policy.terms.domain import entry_base
from domain_secure.postfix.dns.dns_lookup import (
    Lookups,
    LookupStatus,
    is_trusted,
    system_lookup,
    system_nameservers,
)
from domain_secure.postfix.dns.mail_exchangers import mail_domains
from domain_secure.postfix.dns.tlsa_lookup import look_up
from domain_secure.postfix.findings.findings import Finding

_FILE = "/etc/resolv.conf"
_NAMED = 3  #: partners named in a finding, and asked for


def check_resolver(
    configuration: Configuration,
    lookup: Lookups = system_lookup,
    nameservers: tuple[str, ...] | None = None,
) -> Iterator[Finding]:
    """Yield why DANE cannot work for partners whose rule asks for it."""
    partners = [rule for rule in configuration.partners.values() if _asks_for_dane(rule)]
    if not partners:
        return
    servers = system_nameservers() if nameservers is None else nameservers
    named = ", ".join(rule.entry for rule in partners[:_NAMED])
    if not is_trusted(servers):
        yield Finding.error(
            "resolver-not-local",
            f"DANE is asked for ({named}), and a resolver elsewhere cannot be believed about DNSSEC",
            f"{_FILE}: nameserver {', '.join(servers) or 'none'}",
            "run a validating resolver on this machine, such as unbound, and name 127.0.0.1 alone",
        )
    elif not _validates(partners, lookup):
        yield Finding.error(
            "resolver-not-validating",
            f"DANE is asked for ({named}), and the resolver does not validate DNSSEC",
            f"look-ups of . and {named}: no answer is authenticated",
            "let the resolver validate; unbound: auto-trust-anchor-file, and the module validator",
        )
    else:
        yield from _check_records([rule for rule in partners if _hangs_on_dane(rule)], lookup)


def _check_records(partners: list[Partner], lookup: Lookups) -> Iterator[Finding]:
    for partner in partners:
        answers = [look_up(domain, lookup).answer for domain in mail_domains(partner.entry, partner)]
        if not any(answer.records or answer.failures for answer in answers):
            yield Finding.error(
                "no-tlsa",
                f"nobody can prove to be {partner.entry}: its methods leave DANE alone, and its mail servers "
                "have no TLSA record that DNSSEC vouches for",
                f"look-ups of MX, address and TLSA for {partner.entry}",
                "ask the partner to publish TLSA records, or allow another method",
            )


def _hangs_on_dane(partner: Partner) -> bool:
    usable = {method for method in partner.methods if method is not Method.PIN or partner.pins}
    return usable == {Method.DANE}


def _asks_for_dane(partner: Partner) -> bool:
    """Tell whether somebody chose DANE for a partner; among the default methods it is only a chance."""
    chosen = Method.DANE in partner.methods and partner.methods != DEFAULT_METHODS
    return chosen or partner.send_method is SendMethod.DANE


def _validates(partners: list[Partner], lookup: Lookups) -> bool:
    """Tell whether some answer is authenticated: the root's, else a partner's that has its own anchor."""
    few = [entry_base(partner.entry) for partner in partners[:_NAMED]]
    names, types = (".", *few), ("DNSKEY", *("MX" for _ in few))
    return any(
        found.authenticated and found.status is not LookupStatus.FAILED for found in map(lookup, names, types)
    )

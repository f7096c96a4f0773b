"""What the sheet tells, as plain values with stable keys: what is ours, what is demanded, what is not known.

Owns: the document of ``partner invite --json``.  Must not know: languages and forms.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain_secure.commands.agreement.own_side import NextKey, OwnSide
from domain_secure.commands.agreement.signing_key import public_key
from domain_secure.policy.agreement.agreement_file import fingerprint
from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.certificates.presented_names import names_of
from domain_secure.policy.configuration.configuration import Configuration, Partner
from domain_secure.policy.dane.tlsa import Matching, Selector, TlsaRecord, Usage
from domain_secure.policy.decision.marks import MARK
from domain_secure.policy.own.enabled_certificates import Role
from domain_secure.policy.terms.domain import Domain, Entry, entry_base
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.timed_pin import time_text
from domain_secure.postfix.dns.dns_lookup import Lookups
from domain_secure.postfix.dns.tlsa_lookup import host_records

PUBLISHED, ABSENT, UNKNOWN = "published", "absent", "unknown"  #: how a TLSA record stands


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom the sheet is, and what a person adds to it."""

    entry: Entry
    contacts: Sequence[str]
    node: str
    now: datetime


def sheet_facts(asked: Asked, configuration: Configuration, own: OwnSide, lookup: Lookups) -> dict[str, Any]:
    """Return the facts; what cannot be learnt stands under ``unknown``, with why."""
    unknown = [{"what": what, "why": why} for what, why in own.unknown]
    signing_key = _signing_key(configuration, unknown)
    tlsa = list(_tlsa(own, lookup, unknown))
    if not any(any(letter.isdigit() for letter in one) for one in asked.contacts):
        unknown.append({"what": "telephone", "why": ""})
    reflector = configuration.reflector.address
    return {
        "partner": asked.entry,
        "made": time_text(asked.now),
        "node": asked.node,
        "our_domains": list(own.domains),
        "mx": list(own.mx),
        "contacts": list(asked.contacts) or [f"postmaster@{domain}" for domain in own.domains],
        "server_certificates": [_certificate(chain) for chain in own.chains[Role.SERVER]],
        "client_certificates": [_certificate(chain) for chain in own.chains[Role.CLIENT]],
        "next_keys": [_next_key(one) for one in own.coming],
        "tlsa": tlsa,
        "receive": _receive(asked.entry, configuration),
        "send": _send(asked.entry, configuration),
        "commands": _commands(own),
        "reflector": str(reflector) if reflector else None,
        "mark": f"{MARK}: pass ({entry_base(asked.entry)}; ...) by {asked.node}; ...",
        "agreement_fingerprint": signing_key,
        "unknown": unknown,
    }


def _certificate(chain: Chain) -> dict[str, Any]:
    leaf, *above = chain
    return {
        "subject": leaf.subject,
        "names": list(names_of(leaf)),
        "issuer": leaf.issuer,
        "not_before": time_text(leaf.not_before),
        "not_after": time_text(leaf.not_after),
        "sha256": str(leaf.certificate_pin),
        "spki_sha256": str(leaf.public_key_pin),
        "authorities": [{"subject": one.subject, "sha256": str(one.certificate_pin)} for one in above],
    }


def _next_key(one: NextKey) -> dict[str, Any]:
    return {
        "spki_sha256": str(one.public_key),
        "sha256": str(one.certificate.certificate_pin) if one.certificate else None,
        "names": list(one.names),
    }


def _signing_key(configuration: Configuration, unknown: list[dict[str, str]]) -> str | None:
    try:
        key = public_key(configuration.state)
    except Problem as problem:
        unknown.append({"what": "agreement", "why": f"{problem.what}: {problem.where}"})
        return None
    return fingerprint(key) if key else None


def _tlsa(own: OwnSide, lookup: Lookups, unknown: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """Yield the record of each mail server and key, and whether DNS has it."""
    shown = (chain[0].public_key_pin for chain in own.chains[Role.SERVER])
    keys: dict[Pin, None] = dict.fromkeys((*shown, *(one.public_key for one in own.coming)))
    for host in own.mx if keys else ():
        answer = host_records(host, lookup).answer
        unknown += ({"what": "tlsa", "why": why} for why in answer.failures)
        for pin in keys:
            wanted = TlsaRecord(
                Usage.DANE_EE, Selector.PUBLIC_KEY, Matching.SHA2_256, bytes.fromhex(pin.digest)
            )
            absent = UNKNOWN if answer.failures else ABSENT
            yield {
                "name": f"_25._tcp.{host}.",
                "data": f"3 1 1 {pin.digest}",
                "standing": PUBLISHED if wanted in answer.records else absent,
            }


def _listed(entry: Entry, entries: DomainList) -> Entry | None:
    if entry.startswith("*."):
        return entry if entry in entries else None
    return entries.match(Domain(entry))


def _pins(rule: Partner) -> dict[str, list[str]]:
    return {"pins": sorted(map(str, rule.pins)), "timed_pins": sorted(map(str, rule.timed_pins))}


def _receive(entry: Entry, configuration: Configuration) -> dict[str, Any] | None:
    """Return what is demanded of mail from the partner by the rule in force; None where it is not listed."""
    listed = _listed(entry, configuration.receive)
    if listed is None:
        return None
    rule = configuration.partner(listed)
    return {
        "entry": listed,
        "mode": str(rule.mode),
        "minimum_tls": str(rule.minimum_tls),
        "methods": list(map(str, rule.methods)),
        "names": list(rule.client_names),
        "require": list(map(str, rule.require)),
        "on_failure": str(configuration.on_failure),
        **_pins(rule),
    }


def _send(entry: Entry, configuration: Configuration) -> dict[str, Any] | None:
    """Return the same of mail to the partner."""
    listed = _listed(entry, configuration.send)
    if listed is None:
        return None
    rule = configuration.partner(listed)
    return {
        "entry": listed,
        "minimum_tls": str(rule.minimum_tls),
        "method": str(rule.send_method),
        "names": list(rule.server_names),
        "mx": list(rule.mx),
        **_pins(rule),
    }


def _commands(own: OwnSide) -> list[dict[str, str]]:
    """Return the commands by which a partner tests our first mail server; names are those of DNS."""
    if not own.mx or not own.domains:
        return []
    host, domain = own.mx[0], own.domains[0]
    show = f"openssl s_client -connect {host}:25 -starttls smtp -servername {host}"
    read = f"{show} </dev/null 2>/dev/null | openssl x509 -noout"
    public = "openssl pkey -pubin -outform DER | openssl dgst -sha256"
    mutual = "-verify_return_error -CAfile AUTHORITIES.pem -cert CLIENT.pem -key CLIENT.key"
    finger = "posttls-finger -c -l secure -F AUTHORITIES.pem -k CLIENT.pem -K CLIENT.key"
    names = list(_first_names(own)) or [host]
    return [
        {"key": "test_digest", "command": f"{read} -fingerprint -sha256"},
        {"key": "test_key", "command": f"{read} -pubkey | {public}"},
        {"key": "test_mutual", "command": f"{show} {mutual} -verify_hostname {names[0]} </dev/null"},
        {"key": "test_posttls", "command": f"{finger} {domain} {names[0]}"},
    ]


def _first_names(own: OwnSide) -> Iterable[str]:
    """Yield the names of our servers' certificates that may stand in a command as they are."""
    for chain in own.chains[Role.SERVER]:
        for name in names_of(chain[0]):
            if all(letter.isalnum() or letter in ".-" for letter in name) and name.isascii():
                yield name

"""Judge a partner's mail server as Postfix would when it delivers there.

Owns: what a server showed, and whether mail would be handed to it under a partner's send rule.
Must not know: sockets, DNS, Postfix's settings; how often a server is asked.
Invariant: a server is good only where every clause of the rule holds; what is not known is not good.
Sources: postconf(5) smtp_tls_policy_maps at the levels ``secure``, ``dane-only`` and ``fingerprint``;
RFC 9525 section 6.3; RFC 7672 section 3.1 for TLSA records.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from domain_secure.policy.certificates.certificate import Certificate, Chain
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.presented_names import names_host, names_of, some
from domain_secure.policy.certificates.purposes import Purpose, purposes_of
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.configuration.configuration import Partner, SendMethod
from domain_secure.policy.dane.dane import matches_authority, matches_end_entity
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaRecord, Usage
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.tls import TlsVersion, is_weak_cipher

from .delivery import FailureReason
from .promised_route import accepts_name


@dataclass(frozen=True, slots=True)
class ShownServer:
    """What one server showed in one TLS session."""

    host: Domain | None  #: the MX host; None: only an address is known
    chain: Chain  #: as presented; empty where there was no certificate
    tls_version: str | None
    cipher: str | None
    tlsa: TlsaAnswer = field(default_factory=TlsaAnswer)  #: of this host


@dataclass(frozen=True, slots=True)
class ServerVerdict:
    """Whether Postfix would hand mail over; *reason* is None exactly where it would."""

    reason: FailureReason | None
    detail: str  #: one clause

    @property
    def is_good(self) -> bool:
        """Tell whether mail would be delivered to this server."""
        return self.reason is None


def judge_server(
    shown: ShownServer, partner: Partner, nexthop: Domain, anchors: TrustAnchors, at: datetime
) -> ServerVerdict:
    """Return what *partner*'s send rule makes of a server at the time *at* (aware)."""
    if not shown.chain:
        return ServerVerdict(FailureReason.HANDSHAKE, "the server showed no certificate")
    if fault := _weakness(shown, partner.minimum_tls):
        return ServerVerdict(FailureReason.PROTOCOL, fault)
    match partner.send_method:
        case SendMethod.PIN:
            return _by_pin(shown.chain[0], partner)
        case SendMethod.DANE:
            return _by_tlsa(shown, nexthop, at)
        case SendMethod.PKIX:
            return _by_authority(shown, partner, anchors, at)


def matching_name(certificate: Certificate, partner: Partner) -> str | None:
    """Return the name of a server's certificate that the send rule accepts, or None."""
    return next((one for one in names_of(certificate) if accepts_name(one, partner)), None)


def matching_record(shown: ShownServer, nexthop: Domain, at: datetime) -> TlsaRecord | None:
    """Return the TLSA record that the server's certificate matches, or None."""
    leaf = shown.chain[0]
    # RFC 7672 section 3.2.2: below an authority the records' own name counts, the next hop's, and no other.
    base = shown.tlsa.base or shown.host
    names = (nexthop,) if base is None else (base, nexthop)
    for record in sorted(shown.tlsa.records, reverse=True):
        if record.usage is Usage.DANE_EE:
            if matches_end_entity(record, leaf):
                return record
        elif matches_authority(record, shown.chain, names, ClientPurpose.ACCEPT_SERVER, at) and any(
            names_host(one, name) for one in leaf.dns_names for name in names
        ):
            return record
    return None


def _weakness(shown: ShownServer, minimum: TlsVersion) -> str | None:
    try:
        version = TlsVersion.parse(shown.tls_version or "")
    except ValueError:
        return "no TLS session came about"
    if version < minimum:
        return f"the server's best is {version}, and minimum_tls is {minimum}"
    if is_weak_cipher(shown.cipher or ""):
        return f"the cipher {shown.cipher} protects nothing"
    return None


def _by_pin(leaf: Certificate, partner: Partner) -> ServerVerdict:
    if partner.pins & {leaf.certificate_pin, leaf.public_key_pin}:
        return ServerVerdict(None, "the certificate or its key is pinned")
    return ServerVerdict(FailureReason.PIN, f"the certificate {leaf.certificate_pin} is not pinned")


def _by_tlsa(shown: ShownServer, nexthop: Domain, at: datetime) -> ServerVerdict:
    if record := matching_record(shown, nexthop, at):
        return ServerVerdict(None, f"the certificate matches TLSA {record}")
    if shown.tlsa.failures:
        return ServerVerdict(FailureReason.DANE, f"TLSA records are not known: {shown.tlsa.failures[0]}")
    if not shown.tlsa.records:
        return ServerVerdict(FailureReason.DANE, "there is no TLSA record that DNSSEC vouches for")
    return ServerVerdict(FailureReason.DANE, "the certificate matches none of the TLSA records")


def _by_authority(shown: ShownServer, partner: Partner, anchors: TrustAnchors, at: datetime) -> ServerVerdict:
    leaf, *intermediates = shown.chain
    path = validate(leaf, intermediates, anchors, ClientPurpose.ACCEPT_SERVER, at)
    if path.outcome is PathOutcome.EXPIRED:
        return ServerVerdict(FailureReason.EXPIRED, path.detail)
    if path.outcome is not PathOutcome.TRUSTED:
        return ServerVerdict(FailureReason.UNTRUSTED, path.detail)
    if Purpose.SERVER not in purposes_of(leaf):
        return ServerVerdict(FailureReason.UNTRUSTED, "the certificate is not made for TLS servers")
    if (name := matching_name(leaf, partner)) is None:
        return ServerVerdict(
            FailureReason.NAME_MISMATCH,
            f"the certificate is for {some(names_of(leaf))}, and not for {_wanted(partner)}",
        )
    return ServerVerdict(None, f"{path.detail}, and it is for {name}")


def _wanted(partner: Partner) -> str:
    names: Iterable[str] = partner.mx or partner.server_names
    return some(tuple(names))

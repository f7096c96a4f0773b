"""DANE turned round: does a client certificate match the TLSA records of the partner's own mail servers.

A partner that publishes the key of its MX hosts says with DNSSEC's authority which key is its own; a client
that shows the same key, or a certificate from the same authority, is the partner.  RFC 7671 and 7672 define
this for servers; for clients there is no published standard, and the rules are applied unchanged.

Must not know: DNS.  Invariant: without a record that matches, nothing passes.
Sources: RFC 6698 section 2.1; RFC 7671 section 5.1 (DANE-EE: neither names nor dates count) and 5.2 (DANE-TA:
the authority is part of the presented chain, dates and names count).
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certificate_structure import structure
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.names import any_name_matches
from domain_secure.policy.terms.pin import Pin

from .tlsa import Matching, Selector, TlsaRecord, Usage


def needs_content(record: TlsaRecord) -> bool:
    """Tell whether the certificate itself is needed to see if a record matches."""
    return (record.usage, record.matching) != (Usage.DANE_EE, Matching.SHA2_256)


def matches_digest(record: TlsaRecord, pins: Iterable[Pin]) -> bool:
    """Tell whether a DANE-EE record holds one of the SHA-256 digests of the session's certificate.

    For 3 1 1 and 3 0 1 that is all there is to know: the certificate itself may be unknown.
    """
    if needs_content(record):
        return False
    kind = Pin.certificate if record.selector is Selector.CERTIFICATE else Pin.public_key
    return kind(record.data.hex()) in frozenset(pins)


def matches_end_entity(record: TlsaRecord, certificate: Certificate) -> bool:
    """Tell whether a DANE-EE record matches the certificate itself."""
    return record.usage is Usage.DANE_EE and _matches(record, certificate)


def matches_authority(
    record: TlsaRecord,
    chain: tuple[Certificate, ...],
    names: Iterable[Domain],
    client_purpose: ClientPurpose,
    at: datetime,
    distrusted: frozenset[Pin] = frozenset(),
) -> bool:
    """Tell whether a DANE-TA record matches an authority of *chain* that vouches for its first certificate.

    The certificate must be within its dates, good for a client, and for one of *names*; nothing on the way
    may be *distrusted*.
    """
    leaf, *others = chain
    if record.usage is not Usage.DANE_TA or any_name_matches(leaf.dns_names, names) is None:
        return False
    for authority in others:
        if _matches(record, authority):
            anchors = TrustAnchors.of((authority,))
            path = validate(leaf, others, anchors, client_purpose, at, distrusted)
            if path.outcome is PathOutcome.TRUSTED:
                return True
    return False


def _matches(record: TlsaRecord, certificate: Certificate) -> bool:
    is_key = record.selector is Selector.PUBLIC_KEY
    if record.matching is Matching.SHA2_256:
        pin = certificate.public_key_pin if is_key else certificate.certificate_pin
        return record.data.hex() == pin.digest
    octets = structure(certificate.der).public_key_info if is_key else certificate.der
    return record.data == (octets if record.matching is Matching.FULL else hashlib.sha512(octets).digest())

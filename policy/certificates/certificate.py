"""A certificate's content, as far as decisions need it.

Owns: turning DER, PEM or PKCS#7 bytes into frozen facts.  Whether to believe them is for ``path_validation``.
Invariant: whatever a stranger puts into a certificate, it becomes facts or MalformedCertificateError.
Sources: RFC 5280 section 4; RFC 5246 section 7.4.2 for the order of a chain.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asn1crypto import parser
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from domain_secure.policy.terms.pin import Pin

from .certificate_file import encoded_certificates
from .certificate_structure import (
    BASIC_CONSTRAINTS,
    SUBJECT_ALTERNATIVE_NAME,
    UNREADABLE,
    MalformedCertificateError,
    Structure,
    load,
    structure,
)
from .distinguished_name import common_name, name_text

# Certificates with a thousand names take some 40 kB; the rest is for post-quantum keys.
MAXIMUM_OCTETS = 256 * 1024
# A chain has three to five certificates; Windows exports with all its ways have a dozen.
MAXIMUM_CERTIFICATES = 32
MAXIMUM_FILE_OCTETS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate; ``der`` is the certificate, everything else is read from it."""

    der: bytes = field(repr=False)
    certificate_pin: Pin
    public_key_pin: Pin
    subject: str  #: RFC 4514 text, for people only
    issuer: str
    common_name: str | None
    dns_names: tuple[str, ...]  #: dNSName entries as presented, in order
    not_before: datetime  #: aware, UTC
    not_after: datetime

    @property
    def pins(self) -> frozenset[Pin]:
        """Return the digests it can be named by: its own and its key's."""
        return frozenset((self.certificate_pin, self.public_key_pin))


Chain = tuple[Certificate, ...]  #: the certificate, then what may lead to its authorities


def parse(der: bytes) -> Certificate:
    """Return the facts of one certificate in DER; raises MalformedCertificateError for anything else.

    The digests are Postfix's: of the whole certificate and of its SubjectPublicKeyInfo, octet for octet.
    """
    if len(der) > MAXIMUM_OCTETS:
        raise MalformedCertificateError(f"it is larger than {MAXIMUM_OCTETS // 1024} KiB")
    try:
        loaded = load(der)
        parts = structure(der)
        return Certificate(
            der=der,
            certificate_pin=Pin.certificate(hashlib.sha256(der).hexdigest()),
            public_key_pin=Pin.public_key(hashlib.sha256(parts.public_key_info).hexdigest()),
            subject=name_text(parts.subject),
            issuer=name_text(parts.issuer),
            common_name=common_name(parts.subject),
            dns_names=_dns_names(parts),
            not_before=loaded.not_valid_before_utc,
            not_after=loaded.not_valid_after_utc,
        )
    except MalformedCertificateError:
        raise
    except (*UNREADABLE, OverflowError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise MalformedCertificateError("it is not a certificate as RFC 5280 wants it") from error


def _dns_names(parts: Structure) -> tuple[str, ...]:
    """Return the dNSName entries (RFC 5280 section 4.2.1.6); octets outside ASCII are shown escaped."""
    extension = parts.extensions.get(SUBJECT_ALTERNATIVE_NAME)
    if extension is None:
        return ()
    *_, end_of_contents = parser.parse(extension.value, strict=True)
    if end_of_contents:
        raise MalformedCertificateError("its names are encoded without a length")
    return tuple(
        name.chosen.contents.decode("ascii", "backslashreplace")
        for name in asn1.GeneralNames.load(extension.value)
        if name.name == "dns_name"
    )


def is_authority(certificate: Certificate) -> bool:
    """Tell whether a certificate says that it may issue others (RFC 5280 section 4.2.1.9)."""
    extension = structure(certificate.der).extensions.get(BASIC_CONSTRAINTS)
    if extension is None:
        return False
    try:
        return bool(asn1.BasicConstraints.load(extension.value, strict=True)["ca"].native)
    except UNREADABLE:
        return False


def read_certificates(content: bytes) -> tuple[Certificate, ...]:
    """Return the certificates of a file: the one the others vouch for, then its issuers, nearest first.

    A file of nothing but authorities yields the least of them first.  Raises MalformedCertificateError for a
    file without certificates, with several unrelated ones, with a broken one, or beyond the limits.
    """
    if len(content) > MAXIMUM_FILE_OCTETS:
        raise MalformedCertificateError(f"it is larger than {MAXIMUM_FILE_OCTETS // 1024} KiB")
    found: dict[bytes, Certificate] = {}
    for der in encoded_certificates(content):
        if der not in found:
            try:
                found[der] = parse(der)
            except MalformedCertificateError as error:
                raise MalformedCertificateError(f"certificate {len(found) + 1} is broken: {error}") from error
        if len(found) > MAXIMUM_CERTIFICATES:
            raise MalformedCertificateError(f"it holds more than {MAXIMUM_CERTIFICATES} certificates")
    return _in_chain_order(tuple(found.values()))


def _in_chain_order(certificates: Sequence[Certificate]) -> tuple[Certificate, ...]:
    parts = {certificate: structure(certificate.der) for certificate in certificates}

    def issued(parent: Certificate, child: Certificate) -> bool:
        return parent is not child and parts[parent].subject == parts[child].issuer

    least = [one for one in certificates if not any(issued(one, other) for other in certificates)]
    own = [one for one in least if not is_authority(one)]
    if len(own) > 1:
        named = ", ".join(certificate.subject or "(no subject)" for certificate in own[:3])
        raise MalformedCertificateError(
            f"it holds {len(own)} certificates that are no authority's ({named}); give them one at a time"
        )
    ordered = [(own or least or certificates)[0]]
    remaining = [certificate for certificate in certificates if certificate is not ordered[0]]
    for child in ordered:
        for parent in [one for one in remaining if issued(one, child)]:
            ordered.append(parent)
            remaining.remove(parent)
    return (*ordered, *remaining)

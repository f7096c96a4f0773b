"""Certificate revocation lists as facts, for choosing between them and for people.

Owns: reading a list whole and strictly once, and looking a serial number up in it.
Must not know: whether a list applies to a certificate; that is for ``revocation``.
Invariant: octets are a RevocationList or MalformedRevocationListError, whoever sent them.
Sources: RFC 5280 section 5; RFC 7468 section 6 for the PEM label.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from asn1crypto import crl as asn1
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import HashAlgorithm

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certificate_structure import load, without_warnings
from domain_secure.policy.certificates.distinguished_name import name_text
from domain_secure.policy.certificates.pem import MalformedPemError, is_pem, pem_blocks, plain

from .revocation_pointers import http_locations

# The largest lists in public use have some ten megabytes; they are being split.
MAXIMUM_OCTETS = 16 * 1024 * 1024
MAXIMUM_LISTS = 64  #: in one file

MAXIMUM_FILE_OCTETS = 64 * 1024 * 1024
_LABEL = "X509 CRL"


class MalformedRevocationListError(ValueError):
    """The octets are not a revocation list; the argument says why, in one clause for a person."""


@dataclass(frozen=True, slots=True)
class RevocationList:
    """One list; equal to another when the octets are."""

    digest: str  #: SHA-256 of the DER, in hexadecimal
    der: bytes = field(repr=False, compare=False)
    issuer: str = field(compare=False)  #: RFC 4514 text, for people
    issuer_octets: bytes = field(repr=False, compare=False)
    number: int | None = field(compare=False)  #: CRL number
    base_number: int | None = field(compare=False)  #: of a delta list: the number it builds upon
    scope: bytes = field(repr=False, compare=False)  #: issuing distribution point, DER; empty: all
    is_indirect: bool = field(compare=False)
    delta_locations: tuple[str, ...] = field(compare=False)  #: freshest CRL, http and https only
    this_update: datetime = field(compare=False)
    next_update: datetime | None = field(compare=False)

    def has(self, serial_number: int) -> bool:
        """Tell whether there is an entry with this serial number, whatever it says.

        A number that no authority may use is taken for listed: it cannot be looked up here.
        """
        if serial_number <= 0:
            return True
        # Loading it again takes milliseconds; keeping both views would double the memory.
        loaded = x509.load_der_x509_crl(self.der)
        return loaded.get_revoked_certificate_by_serial_number(serial_number) is not None

    def is_signed_by(self, certificate: Certificate) -> bool:
        """Tell whether the signature is that of the certificate's key; whether it may sign is not asked."""
        try:
            key = load(certificate.der).public_key()
            return x509.load_der_x509_crl(self.der).is_signature_valid(key)  # type: ignore[arg-type]
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return False

    @property
    def family(self) -> tuple[bytes, bytes, bool]:
        """Return what a newer list of the same authority and scope has in common with this one."""
        return self.issuer_octets, self.scope, self.base_number is not None

    @property
    def age(self) -> tuple[int, datetime]:
        """Return what grows from one list of a family to the next (RFC 5280 section 5.2.3)."""
        return -1 if self.number is None else self.number, self.this_update


def parse_revocation_list(der: bytes) -> RevocationList:
    """Return one list in DER; raises MalformedRevocationListError for anything else.

    Some tens of milliseconds for a hundred thousand entries: not for a message's path.
    """
    if len(der) > MAXIMUM_OCTETS:
        raise MalformedRevocationListError(f"it is larger than {MAXIMUM_OCTETS // 1024 // 1024} MiB")
    try:
        # Odd versions and times of a stranger's list would warn.
        with without_warnings():
            return _parsed(der)
    except MalformedRevocationListError:
        raise
    except (ValueError, TypeError, KeyError, OverflowError, UnsupportedAlgorithm) as error:
        raise MalformedRevocationListError("it is not a revocation list as RFC 5280 wants it") from error
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion) as error:
        raise MalformedRevocationListError("it breaks the rules for revocation lists (RFC 5280)") from error


def _parsed(der: bytes) -> RevocationList:
    loaded = x509.load_der_x509_crl(der)
    if fault := weak_signature(loaded.signature_hash_algorithm):
        raise MalformedRevocationListError(fault)
    for entry in loaded:
        _ = entry.serial_number, entry.revocation_date_utc
    extensions = {extension.oid: extension.value for extension in loaded.extensions}
    number = extensions.get(x509.CRLNumber.oid)
    delta = extensions.get(x509.DeltaCRLIndicator.oid)
    scope = extensions.get(x509.IssuingDistributionPoint.oid)
    freshest = extensions.get(x509.FreshestCRL.oid)
    parts = asn1.CertificateList.load(der)
    # X.690 section 8.6.2.2: the first octet counts the unused bits.  A signature is whole octets; the library
    # passes over another count, and one list would have several forms.
    if parts["signature"].contents[:1] != b"\0":
        raise MalformedRevocationListError("its signature does not end with an octet")
    issuer = parts["tbs_cert_list"]["issuer"].dump()
    return RevocationList(
        digest=hashlib.sha256(der).hexdigest(),
        der=der,
        issuer=name_text(issuer),
        issuer_octets=issuer,
        number=number.crl_number if isinstance(number, x509.CRLNumber) else None,
        base_number=delta.crl_number if isinstance(delta, x509.DeltaCRLIndicator) else None,
        scope=scope.public_bytes() if isinstance(scope, x509.IssuingDistributionPoint) else b"",
        is_indirect=isinstance(scope, x509.IssuingDistributionPoint) and scope.indirect_crl,
        delta_locations=http_locations(freshest) if isinstance(freshest, x509.FreshestCRL) else (),
        this_update=loaded.last_update_utc,
        next_update=loaded.next_update_utc,
    )


def weak_signature(algorithm: HashAlgorithm | None) -> str | None:
    """Return what is wrong with a signature's digest, or None.

    Path validation refuses the same in certificates; the library does not ask for lists and OCSP answers.
    """
    if algorithm is not None and algorithm.name in {"md5", "sha1"}:
        return f"its signature uses {algorithm.name.upper()}, which is no longer trusted"
    return None


def read_revocation_lists(content: bytes) -> tuple[RevocationList, ...]:
    """Return the lists of a file, PEM or DER; raises MalformedRevocationListError unless all can be read."""
    if len(content) > MAXIMUM_FILE_OCTETS:
        raise MalformedRevocationListError(f"it is larger than {MAXIMUM_FILE_OCTETS // 1024 // 1024} MiB")
    content = plain(content)
    if not is_pem(content):
        return (parse_revocation_list(content),)
    try:
        encoded = [block.der for block in pem_blocks(content) if block.label == _LABEL]
    except MalformedPemError as error:
        raise MalformedRevocationListError(str(error)) from error
    if not encoded:
        raise MalformedRevocationListError("it holds something else and no revocation list")
    if len(encoded) > MAXIMUM_LISTS:
        raise MalformedRevocationListError(f"it holds more than {MAXIMUM_LISTS} lists")
    return tuple(map(parse_revocation_list, encoded))

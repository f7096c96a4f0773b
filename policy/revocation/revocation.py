"""The words of revocation: what the milter's room, commands and the judge hand to each other.

Owns: the types alone.  ``needs`` says what a path needs, ``statements`` reads octets, ``judge`` judges.
Must not know: files, HTTP, settings.
Sources: RFC 5280 section 5 for lists, RFC 6960 sections 2.2 and 4.2 for answers.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum, unique
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certificate_structure import load

FOREVER = datetime.max.replace(tzinfo=UTC)
# What has no next update may be replaced at any time (RFC 6960 section 4.2.2.1); the library takes the same.
WITHOUT_NEXT_UPDATE = timedelta(minutes=30)

STATEMENT_SUFFIX = ".statement"

#: what a list speaks about that does not say onlySomeReasons (RFC 5280 section 5.2.5)
EVERY_REASON = frozenset(x509.ReasonFlags) - {
    x509.ReasonFlags.unspecified,
    x509.ReasonFlags.remove_from_crl,
}

ValidatedPath = Sequence[Certificate]  #: leaf first, trust anchor last; a trusted leaf is a path by itself


@dataclass(frozen=True, slots=True)
class Location:
    """Where statements come from: a URL, and for OCSP the request that is sent there."""

    url: str
    request: bytes = b""  #: OCSP request in DER; empty for a list

    @property
    def file_name(self) -> str:
        """Return the name of the file in which the store keeps what it said."""
        return hashlib.sha256(self.url.encode() + b"\0" + self.request).hexdigest()[:40] + STATEMENT_SUFFIX


@dataclass(frozen=True, slots=True)
class Need:
    """A location that a certificate of a path names."""

    location: Location
    index: int  #: of the certificate in the path


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A statement about many certificates; equal to another when the octets are."""

    digest: str  #: SHA-256 of the DER, in hexadecimal
    der: bytes = field(repr=False, compare=False)
    issuer: str = field(compare=False)  #: RFC 4514 text, for people
    issuer_octets: bytes = field(repr=False, compare=False)
    signing_key: bytes | None = field(repr=False, compare=False)  #: authority key identifier, if it has one
    number: int | None = field(compare=False)  #: CRL number
    base_number: int | None = field(compare=False)  #: of a delta list: the number it builds upon
    scope: bytes = field(repr=False, compare=False)  #: issuing distribution point, DER; empty: all
    reasons: frozenset[x509.ReasonFlags] = field(repr=False, compare=False)  #: of revocation, on the list
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


@dataclass(frozen=True, slots=True)
class OcspAnswer:
    """A statement about one certificate; equal to another when the octets are."""

    digest: str  #: SHA-256 of the DER, in hexadecimal
    der: bytes = field(repr=False, compare=False)
    serial_number: int
    this_update: datetime = field(compare=False)
    next_update: datetime | None = field(compare=False)


Statement = RevocationList | OcspAnswer


def ends(statement: Statement) -> datetime:
    """Return the time after which a statement says nothing any more."""
    return statement.next_update or statement.this_update + WITHOUT_NEXT_UPDATE


def is_current(statement: Statement, at: datetime) -> bool:
    """Tell whether *at* lies between the statement's two updates."""
    return statement.this_update <= at <= ends(statement)


@unique
class RevocationStatus(StrEnum):
    """What is known of the revocation of a certificate, or of a path."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the statements at hand say of one certificate, or of a path as a whole."""

    status: RevocationStatus
    detail: str  #: one clause for both administrators
    since: datetime | None = None  #: when it was so, by the oldest statement it rests on; None: nobody says
    until: datetime | None = None  #: when the first statement it rests on must be renewed


class RevocationSource(Protocol):
    """Something that judges paths, at once or later."""

    def find(self, path: ValidatedPath) -> Future[Judgement]:
        """Return a future of the judgement on a path that is trusted; returns without waiting."""

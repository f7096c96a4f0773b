"""What is known of one session and one certificate, parsed at the edge.

Owns: the frozen values a decision rests on.  None always means: not said.
Must not know: milter macros, the policy delegation protocol, files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

from .certificate import Certificate
from .domain import Domain, Entry
from .message_signature import MessageSignature
from .pin import Pin
from .tls import TlsVersion
from .tlsa import TlsaAnswer


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A listed domain that a message says it is from."""

    entry: Entry  #: the entry of the receive list that covers it
    domain: Domain  #: what the message says
    source: str  #: ``envelope``, ``from``, ``sender``, ``resent-from``; several with commas


@dataclass(frozen=True, slots=True)
class Session:
    """TLS state and peer certificate of a session, as both doors of Postfix agree on it."""

    tls_version: TlsVersion | None  #: None: in the clear
    cipher: str | None
    certificate_pin: Pin | None  #: None: no peer certificate was shown
    public_key_pin: Pin | None
    trusted_subject: str | None  #: common name; said only where Postfix trusts the chain
    trusted_issuer: str | None

    @property
    def pins(self) -> frozenset[Pin]:
        """Return the digests the peer certificate can be pinned by."""
        return frozenset(pin for pin in (self.certificate_pin, self.public_key_pin) if pin is not None)


@unique
class PathOutcome(StrEnum):
    """What path validation found (RFC 5280 section 6)."""

    TRUSTED = "trusted"
    EXPIRED = "expired"  #: only the dates are wrong; also: not yet valid
    UNTRUSTED = "untrusted"


@dataclass(frozen=True, slots=True)
class PathValidation:
    """The outcome for one certificate at one time.

    not_before, not_after: the interval in which every certificate of the path is valid, so that a
    trusted outcome may be kept; equal to the leaf's own where there is no path.
    """

    outcome: PathOutcome
    detail: str  #: one clause for both administrators
    not_before: datetime
    not_after: datetime
    certificates: tuple[Certificate, ...] = ()  #: leaf first, trust anchor last; empty unless TRUSTED


@unique
class RevocationStatus(StrEnum):
    """What is known of revocation."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class KnownCertificate:
    """The peer certificate, once some source knew its content."""

    certificate: Certificate
    path: PathValidation
    revocation: RevocationStatus
    intermediates: tuple[Certificate, ...] = ()  #: what may lead to its authorities
    revocation_detail: str = ""  #: one clause for both administrators


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a decision about one message rests on."""

    session: Session | None  #: None: the two doors did not both speak, or did not agree
    known_certificate: KnownCertificate | None  #: None: no source knows the content
    tlsa: Mapping[Entry, TlsaAnswer] | None = None  #: by claimed entry; None: not asked for
    signatures: tuple[MessageSignature, ...] | None = None  #: of the message; None: not looked at


@dataclass(frozen=True, slots=True)
class Proof:
    """What one session offers to prove that it is one partner."""

    session: Session
    known_certificate: KnownCertificate | None
    tlsa: TlsaAnswer | None  #: None: not asked for

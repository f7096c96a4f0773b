"""What is known of one session and one certificate, parsed at the edge.

Owns: the frozen values a decision rests on.  None always means: not said.
Must not know: milter macros, the policy delegation protocol, files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certification_path import PathValidation
from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.dkim.message_signature import MessageSignature
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.tls import TlsVersion


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
    known_time: datetime | None = None  #: has certainly been, whatever the clock says; None: nothing is known


@dataclass(frozen=True, slots=True)
class Proof:
    """What one session offers to prove that it is one partner."""

    session: Session
    known_certificate: KnownCertificate | None
    tlsa: TlsaAnswer | None  #: None: not asked for
    known_time: datetime | None = None  #: as in ``Evidence``

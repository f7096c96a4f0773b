"""What became of mail to a listed domain on its way out: deliveries, and sessions that failed.

Owns: the record of each, and the words for why a session failed.
Must not know: where it was read (``postfix/deliveries/delivery_tracker.py``), and who listens.
Invariants: an ``entry`` is always a list entry, never what a server or a client said.  ``relay``, ``reply``,
``detail`` and ``lines`` are partly a stranger's words, for people to read.
Sources: DESIGN of the counters; the words for TLS are those of Postfix's summary line (TLS_README).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, unique

from domain_secure.policy.terms.domain import Domain, Entry

from .promised_route import Unverified


@unique
class DeliveryStatus(StrEnum):
    """Postfix's word in ``status=``."""

    SENT = "sent"
    DEFERRED = "deferred"
    BOUNCED = "bounced"


@unique
class TlsTrust(StrEnum):
    """Postfix's first word in the summary of a TLS session."""

    VERIFIED = "Verified"  #: what the security level asks for was matched: names, pins or TLSA records
    TRUSTED = "Trusted"  #: the chain is good, no name was asked for
    UNTRUSTED = "Untrusted"
    ANONYMOUS = "Anonymous"


@unique
class FailureReason(Enum):
    """Why a session came to nothing: the word in metrics and logs, and whether security was the reason."""

    NO_TLS = "no-tls", True  #: the server offered no STARTTLS, or refused it
    UNTRUSTED = "untrusted", True
    NAME_MISMATCH = "name-mismatch", True
    EXPIRED = "expired", True  #: or not valid yet
    PIN = "pin", True  #: the certificate is none of the pinned ones
    DANE = "dane", True  #: the TLSA records do not fit, or there are none that could be believed
    PROTOCOL = "protocol", True  #: no TLS version or cipher in common
    CLIENT_CERTIFICATE = "client-certificate", True  #: the server did not accept ours, in TLS or in a reply
    NO_SIGNATURE = "no-signature", True  #: the server refuses the message for want of a DKIM signature
    HANDSHAKE = "handshake", True  #: any other end of the TLS handshake
    REQUIRETLS = "requiretls", True  #: the message asks for REQUIRETLS (RFC 8689), which is not to be had
    CONFIGURATION = "configuration", True  #: our own: a policy that Postfix cannot read, no TLS engine
    UNREACHABLE = "unreachable", False  #: no TCP connection
    CONNECTION_LOST = "connection-lost", False  #: closed or silent in the middle of the SMTP session
    SESSION_REFUSED = "session-refused", False  #: the server said no before any message was offered

    def __init__(self, word: str, is_security: bool) -> None:
        self.word = word
        self.is_security = is_security  #: False: counted apart, and no reason for an alarm


@dataclass(frozen=True, slots=True)
class TlsSession:
    """What Postfix's summary line says of a session."""

    trust: TlsTrust
    protocol: str  #: ``TLSv1.3``
    cipher: str
    #: Whether the server asked for ours and got it.  None: not told: before TLS 1.3, and in resumed sessions.
    client_certificate: bool | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver to one recipient of a listed domain, as its status line tells it."""

    time: datetime
    entry: Entry
    queue_id: str
    domain: Domain  #: of the recipient
    relay: str  #: ``mail.woodgrovebank.test[198.51.100.20]:25``, or ``none``
    status: DeliveryStatus
    dsn: str
    reply: str  #: what stands in parentheses
    tls: TlsSession | None  #: None: no summary was seen
    #: Every trace of this delivery says verified TLS, as promised; None: its session was not read.
    verified: bool | None
    counted: bool  #: the first of its kind, verified or not, for this queue id and entry
    lines: tuple[str, ...]  #: Postfix's own lines about this session, the status line last
    unverified: Unverified | None = None  #: why *verified* is False; None where it is not

    @property
    def is_sent(self) -> bool:
        """Whether the partner's server took the message."""
        return self.status is DeliveryStatus.SENT

    @property
    def is_mutual(self) -> bool:
        """Whether it is proved that the server also asked for our certificate and got it."""
        return self.verified is True and self.tls is not None and self.tls.client_certificate is True


@dataclass(frozen=True, slots=True)
class SessionFailure:
    """One session with a listed domain's server that came to nothing, however many recipients it was for."""

    time: datetime
    entry: Entry
    queue_id: str
    relay: str  #: as far as known: of an unreachable host its name and address; or ``none``
    reason: FailureReason
    detail: str  #: what Postfix says, its more exact line where there is one
    lines: tuple[str, ...]  #: as in Delivery


DeliveryEvent = Delivery | SessionFailure
DeliveryObserver = Callable[[DeliveryEvent], None]  #: called in the order of the log, from one thread

"""What Postfix's SMTP client says of a session that failed, and which reason that is.

Owns: the texts and their meaning.  Must not know: which lines belong to which session.
Invariant: a text that is not known here gives no reason; nothing is guessed.
Sources: Postfix's smtp_proto.c, smtp_connect.c, smtp_addr.c, smtp_trouble.c, smtp_tls_policy.c, tls_verify.c
and tls_client.c, 3.7 to 3.11; RFC 8446 section 6.2 for the alerts, in OpenSSL's words.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto, unique

from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.policy.sending.refusal import is_certificate_alert, refusal_reason

Reason = FailureReason


@unique
class Unsettled(Enum):
    """A failure whose reason other lines, or the partner's rule, must tell."""

    NOT_VERIFIED = auto()  #: not verified; why stands in the lines before
    NO_HANDSHAKE = auto()  #: not completed; as above
    ENDED = auto()  #: the connection ended; an alert before it says whether our certificate was the cause
    NO_MATCH = auto()  #: no pin or no TLSA record fits, as the partner is verified by one or the other


Cause = FailureReason | Unsettled


@dataclass(frozen=True, slots=True)
class PeerDetail:
    """One of the lines that come before a failure and are more exact."""

    peer: str | None  #: ``name[address]:port``; None: the line does not say
    cause: Cause
    text: str


# The texts of status lines and of the lines about a host after which another one is tried.
_FAILURES: tuple[tuple[re.Pattern[str], Cause], ...] = tuple(
    (re.compile(pattern), cause)
    for pattern, cause in (
        (r"TLS is required, but (?:was not offered by host|host \S+ refused to start TLS)", Reason.NO_TLS),
        (r"TLS is required, but (?:our TLS engine is )?unavailable", Reason.CONFIGURATION),
        (r"Server certificate not (?:verified|trusted)", Unsettled.NOT_VERIFIED),
        (r"Cannot start TLS: handshake failure", Unsettled.NO_HANDSHAKE),
        (r"client TLS configuration problem", Reason.CONFIGURATION),
        (r"TLSA lookup error for |non DNSSEC destination|no TLSA records found|TLSA records unusable",
         Reason.DANE),
        (r"Sender requested REQUIRETLS, but ", Reason.REQUIRETLS),
        (r"lost connection with \S+ while |conversation with \S+ timed out while ", Unsettled.ENDED),
        (r"connect to \S+: |Host or domain name not found|Host not found|unable to look up host ",
         Reason.UNREACHABLE),
        (r"host \S+ refused to talk to me: ", Reason.SESSION_REFUSED),
        (r"host \S+ said: .*\(in reply to (?:HELO|EHLO|LHLO) command", Reason.SESSION_REFUSED),
    )
)  # fmt: skip
_HOST = re.compile(
    r"(?:host|connect to|lost connection with|conversation with) (?P<host>[^\s\[\]]+\[[^\]\s]+\](?::\d+)?)"
)

_VERIFICATION = re.compile(
    r"(?:(?:server|CA) )?certificate verification failed for (?P<peer>\S+\]:\d+): (?P<why>.*)", re.DOTALL
)
_RESUMED = re.compile(r"(?P<peer>\S+\]:\d+): re-using session with untrusted (?:certificate|peer credential)")
_HANDSHAKE = re.compile(r"SSL_connect error to (?P<peer>\S+\]:\d+)(?:: .*)?")
_LIBRARY = re.compile(r"warning: TLS library problem: .*")

# X509_V_ERR_…_MISMATCH of OpenSSL's x509_vfy.h: host name, e-mail address, IP address; then "no TLSA record".
_WHY: tuple[tuple[re.Pattern[str], Cause], ...] = (
    (re.compile(r"num=6[234]:"), Reason.NAME_MISMATCH),
    (re.compile(r"num=65:|not trusted by local or TLSA policy"), Unsettled.NO_MATCH),
    (re.compile(r"certificate (?:has expired|not yet valid)"), Reason.EXPIRED),
)
_PROTOCOL = re.compile(
    r"unsupported protocol|alert protocol version|version too low|no protocols available"
    r"|no shared cipher|alert insufficient security"
)
_REFUSAL = re.compile(r"host \S+ (?:said|refused to talk to me): (?P<reply>.*)", re.DOTALL)


def failure(text: str) -> Cause | None:
    """Return why a session failed by the text that ends it; None: the session did not fail.

    A server that refuses a recipient or a message, for one, had a session; unless it does so because of who
    we are.
    """
    return refusal(text) or next((cause for pattern, cause in _FAILURES if pattern.match(text)), None)


def refusal(text: str) -> Reason | None:
    """Return why a server refuses us, where it says in a reply that it is because of who we are."""
    said = _REFUSAL.match(text)
    return refusal_reason(said["reply"]) if said else None


def host_in(text: str) -> str | None:
    """Return the host a failure's text names, with its address."""
    match = _HOST.search(text)
    return match["host"] if match else None


def peer_detail(text: str) -> PeerDetail | None:
    """Return what a line without a queue id adds about why a session will fail; None: nothing."""
    if match := _VERIFICATION.match(text):
        cause = next((cause for pattern, cause in _WHY if pattern.match(match["why"])), Reason.UNTRUSTED)
        return PeerDetail(match["peer"], cause, text)
    if match := _RESUMED.match(text):
        return PeerDetail(match["peer"], Reason.UNTRUSTED, text)
    if match := _HANDSHAKE.match(text):
        return PeerDetail(match["peer"], Reason.HANDSHAKE, text)
    if _LIBRARY.match(text):
        return PeerDetail(None, _library_cause(text), text)
    return None


def _library_cause(text: str) -> Reason:
    if is_certificate_alert(text):
        return Reason.CLIENT_CERTIFICATE
    return Reason.PROTOCOL if _PROTOCOL.search(text) else Reason.HANDSHAKE


def settled(cause: Cause, details: list[PeerDetail], *, chain_is_trusted: bool, unmatched: Reason) -> Reason:
    """Return the reason of a failure, by the *details* before it, the first of each kind first.

    *chain_is_trusted* is what the summary said; *unmatched* is what it means that no pin or record fits.
    """
    if isinstance(cause, FailureReason):
        return cause
    found = [detail.cause for detail in details]
    if cause is Unsettled.NOT_VERIFIED:
        certificate = (Reason.NAME_MISMATCH, Reason.EXPIRED, Reason.UNTRUSTED, Unsettled.NO_MATCH)
        why = next((one for one in found if one in certificate), None)
        if why is None:
            return Reason.NAME_MISMATCH if chain_is_trusted else Reason.UNTRUSTED
        return why if isinstance(why, FailureReason) else unmatched
    if cause is Unsettled.NO_HANDSHAKE:
        exact = (Reason.CLIENT_CERTIFICATE, Reason.PROTOCOL)
        return next((one for one in exact if one in found), Reason.HANDSHAKE)
    if cause is Unsettled.NO_MATCH:
        return unmatched
    return Reason.CLIENT_CERTIFICATE if Reason.CLIENT_CERTIFICATE in found else Reason.CONNECTION_LOST

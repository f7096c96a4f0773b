"""One STARTTLS probe of one mail server: connect, greet, STARTTLS, handshake, EHLO, QUIT.

Owns: the order of the dialogue, and that nothing else is ever sent: no message, and no sender and recipient
but those of an `Envelope` that somebody asked for.
Must not know: who asks, how often, and whether what was found is any good.
Invariants: it ends within its time limit whatever the server does; what the server said before TLS does not
reach past it.
Sources: RFC 3207; RFC 5321 section 3.1; CVE-2011-0411 for replies that were put in front of TLS.  RFC 8446
section 4.4.2.4: a server of TLS 1.3 says what it has against our certificate behind our handshake.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from domain_secure.policy.certificates.certificate import MAXIMUM_CERTIFICATES, Certificate, Chain, parse
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.distinguished_name import name_text
from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.policy.sending.refusal import is_certificate_alert, refusal_reason
from domain_secure.policy.terms.domain import Domain

from .smtp_reply import MalformedReplyError, Reply, ReplyReader
from .timed_stream import ProbeFailureError, ProbeTimeoutError, TimedStream
from .tls_session import TlsSession

PORT = 25
# Postscreen keeps a new client waiting for six seconds, other servers for up to ten.
TIME_LIMIT = 30.0
# OpenSSL takes chains of up to 100 KiB; the greetings come on top.
OCTET_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """Whom to probe."""

    address: str  #: IPv4 or IPv6
    host: Domain | None = None  #: None where only the address is known
    port: int = PORT
    server_name: Domain | None = None  #: for SNI; None: the host's
    is_behind_proxy: bool = False  #: it wants to hear the PROXY protocol first

    def __str__(self) -> str:
        """Return it for the log and for the certificate book."""
        return f"{self.host}[{self.address}]" if self.host else f"[{self.address}]"


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """Who we are as a client, as far as possible the same as Postfix when it delivers."""

    helo: str
    certificate_file: Path | None = None  #: PEM, with intermediates; None: show none
    key_file: Path | None = None  #: PEM; may be the same file
    ipv4_source: str | None = None  #: address to connect from
    ipv6_source: str | None = None

    def source(self, address: str) -> str | None:
        """Return the address to connect to *address* from, or None for whichever."""
        return self.ipv6_source if ":" in address else self.ipv4_source


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is also said under TLS, to hear whether it is refused; never DATA.  Both in RFC 5321's grammar."""

    reverse_path: str  #: without angle brackets; empty for the null reverse-path
    recipient: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command under TLS, and its answer."""

    command: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a server showed.  Nothing of it is verified."""

    target: ProbeTarget
    chain: Chain = ()  #: as presented; also where the handshake failed after it
    tls_version: str | None = None
    cipher: str | None = None
    certificate_requested: bool | None = None  #: whether the server asks for ours; None: unknown
    failure: str | None = None  #: why there was no handshake, in one clause
    reason: FailureReason | None = None  #: the same in one word
    remark: str | None = None  #: what went wrong after it, such as a refusal of our certificate
    shows_ours: bool = False  #: whether we have a certificate to show where one is asked for
    refusal: FailureReason | None = None  #: the *remark* in one word, where the session came to nothing by it
    authorities: tuple[str, ...] = ()  #: whose certificates it asks for, RFC 4514 text; none: anybody's
    exchanges: tuple[Exchange, ...] = ()  #: where there was an envelope: as far as the server went along

    @property
    def proved_chain(self) -> Chain:
        """Return the chain of a server that has proved, by a handshake to its end, that it has the key."""
        return self.chain if self.failure is None else ()


def probe(
    target: ProbeTarget,
    identity: ClientIdentity,
    time_limit: float = TIME_LIMIT,
    *,
    envelope: Envelope | None = None,
) -> ProbeResult:
    """Return what the server at *target* shows; raises nothing."""
    deadline = time.monotonic() + time_limit
    try:
        stream = TimedStream.connect(
            target.address,
            target.port,
            source=identity.source(target.address),
            deadline=deadline,
            octets=OCTET_LIMIT,
        )
    except ProbeFailureError as error:
        return ProbeResult(target, failure=str(error), reason=error.reason)
    try:
        if target.is_behind_proxy:
            stream.say_whose()
        _start_tls(stream, identity.helo)
        session = TlsSession(
            stream, target.server_name or target.host, identity.certificate_file, identity.key_file
        )
        result = _shake_hands(session, target, _commands(identity.helo, envelope))
        return replace(result, shows_ours=identity.certificate_file is not None)
    except ProbeFailureError as error:
        return ProbeResult(target, failure=str(error), reason=error.reason)
    except MalformedReplyError as error:
        return ProbeResult(target, failure=str(error), reason=FailureReason.SESSION_REFUSED)
    finally:
        stream.close()


def _start_tls(stream: TimedStream, helo: str) -> None:
    """Bring the dialogue to the point where the handshake begins."""
    reader = ReplyReader()
    _expect(220, "greeted us with", _reply(stream, reader), FailureReason.SESSION_REFUSED)
    greeting = _command(stream, reader, f"EHLO {helo}")
    _expect(250, "answered EHLO with", greeting, FailureReason.SESSION_REFUSED)
    if not greeting.offers("STARTTLS"):
        raise ProbeFailureError("the server does not offer STARTTLS", FailureReason.NO_TLS)
    _expect(220, "answered STARTTLS with", _command(stream, reader, "STARTTLS"), FailureReason.NO_TLS)
    if reader.rest:
        raise ProbeFailureError(
            "somebody put octets between STARTTLS and the handshake", FailureReason.HANDSHAKE
        )


def _commands(helo: str, envelope: Envelope | None) -> tuple[str, ...]:
    if envelope is None:
        return (f"EHLO {helo}",)
    recipients = () if envelope.recipient is None else (f"RCPT TO:<{envelope.recipient}>",)
    return (f"EHLO {helo}", f"MAIL FROM:<{envelope.reverse_path}>", *recipients, "RSET")


def _shake_hands(session: TlsSession, target: ProbeTarget, commands: tuple[str, ...]) -> ProbeResult:
    try:
        session.handshake()
    except ProbeFailureError as error:
        chain, _ = _certificates(session)
        reason = _ending(session, error)
        if reason is FailureReason.CONNECTION_LOST:
            reason = FailureReason.HANDSHAKE
        return ProbeResult(target, chain, failure=str(error), reason=reason)
    chain, fault = _certificates(session)
    # Before more is said: a renegotiation may ask anew.
    authorities = _authorities(session)
    exchanges, remark, refusal = _converse(session, commands)
    return ProbeResult(
        target,
        chain,
        session.version,
        session.cipher,
        session.certificate_requested,
        failure=fault,
        reason=None if fault is None else FailureReason.HANDSHAKE,
        remark=remark,
        refusal=refusal,
        authorities=authorities,
        exchanges=tuple(exchanges),
    )


def _certificates(session: TlsSession) -> tuple[Chain, str | None]:
    """Return the presented chain as facts, and why there is none; broken intermediates are left out."""
    leaf, *others = session.chain or (b"",)
    if not leaf:
        return (), "the server showed no certificate"
    try:
        certificates = (parse(leaf),)
    except MalformedCertificateError as error:
        return (), f"the server's certificate is malformed: {error}"
    further = map(_parsed, others[: MAXIMUM_CERTIFICATES - 1])
    return (*certificates, *(one for one in further if one is not None)), None


def _authorities(session: TlsSession) -> tuple[str, ...]:
    """Return whose certificates the server asks for; a name that cannot be read is left out."""
    names = []
    for name in session.requested_authorities:
        try:
            names.append(name_text(name))
        except ValueError:
            continue
    return tuple(names)


def _parsed(der: bytes) -> Certificate | None:
    try:
        return parse(der)
    except MalformedCertificateError:
        return None


def _converse(
    session: TlsSession, commands: tuple[str, ...]
) -> tuple[list[Exchange], str | None, FailureReason | None]:
    """Say the *commands* until one is refused, then QUIT.

    Return the answers, what went wrong, and in one word why the session came to nothing, if it did.
    """
    reader = ReplyReader()
    exchanges: list[Exchange] = []
    try:
        for command in commands:
            reply = _answer(session, reader, command)
            exchanges.append(Exchange(command, reply))
            if reply.code >= 400:
                break
        if (refusal := _refused(exchanges)) is not None:
            return exchanges, f"the server answered EHLO under TLS with {exchanges[0].reply}", refusal
        leave = _reply_to(session, reader, "QUIT")
    except (ProbeFailureError, MalformedReplyError) as error:
        # Whoever has answered once has taken the handshake for done.
        return exchanges, str(error), None if exchanges else _ending(session, error)
    if leave is None or leave.code == 221:
        return exchanges, None, None
    return exchanges, f"the server answered QUIT with {leave}", None


def verb(command: str) -> str:
    """Return what a command is, without whom it names."""
    return "EHLO" if command.startswith("EHLO ") else command.partition(":")[0]


def _refused(exchanges: list[Exchange]) -> FailureReason | None:
    """Return why a server refuses to talk to us by its first reply under TLS; None where it does not."""
    first = exchanges[0].reply
    if first.code < 400:
        return None
    # Postfix says HELO to a server that does not know EHLO, but 421 ends the session.
    said = refusal_reason(str(first))
    return said or (FailureReason.SESSION_REFUSED if first.code == 421 else None)


def _ending(session: TlsSession, error: Exception) -> FailureReason:
    """Return why a server ended TLS before it had said anything.

    One that asked for a certificate and then hangs up has something against ours, said or not.
    """
    if is_certificate_alert(str(error)):
        return FailureReason.CLIENT_CERTIFICATE
    is_hung_up = isinstance(error, ProbeFailureError) and not isinstance(error, ProbeTimeoutError)
    if is_hung_up and session.certificate_requested is True:
        return FailureReason.CLIENT_CERTIFICATE
    return FailureReason.CONNECTION_LOST


def _answer(session: TlsSession, reader: ReplyReader, command: str) -> Reply:
    reply = _reply_to(session, reader, command)
    if reply is None:
        raise ProbeFailureError(f"the server closed the connection at {verb(command)}")
    return reply


def _reply_to(session: TlsSession, reader: ReplyReader, command: str) -> Reply | None:
    try:
        session.say(f"{command}\r\n".encode("ascii"))
    except ProbeFailureError:
        # What the server sent before it hung up can be read all the same: an alert, for one.
        return _heard(session, reader)
    return _heard(session, reader)


def _heard(session: TlsSession, reader: ReplyReader) -> Reply | None:
    reply = None
    while reply is None:
        octets = session.hear()
        if not octets:
            return None
        reply = reader.feed(octets)
    return reply


def _command(stream: TimedStream, reader: ReplyReader, line: str) -> Reply:
    if reader.rest:
        raise ProbeFailureError("the server answers before it is asked")
    stream.send(f"{line}\r\n".encode("ascii"))
    return _reply(stream, reader)


def _reply(stream: TimedStream, reader: ReplyReader) -> Reply:
    reply = None
    while reply is None:
        octets = stream.receive()
        if not octets:
            raise ProbeFailureError("the server closed the connection")
        reply = reader.feed(octets)
    return reply


def _expect(code: int, what: str, reply: Reply, reason: FailureReason) -> None:
    if reply.code != code:
        raise ProbeFailureError(f"the server {what} {reply}", reason)

"""A stand-in for Exchange Online: a server and a client that do what Microsoft documents of it, and no more.

Exchange Online itself cannot be had for a test.  What is documented, and where:

- It tries TLS always, and shows its certificate as a client to whoever asks for one; the certificate is the
  one of mail.protection.outlook.com ("How Exchange Online uses TLS to secure email connections",
  learn.microsoft.com), with wildcard names (docs/gateways.md has the sources).
- A Partner connector for mail that comes in, by ``RequireTls`` and ``RestrictDomainsToCertificate`` with
  ``TlsSenderCertificateName``, takes mail of the ``SenderDomains`` over TLS with that certificate only
  ("New-InboundConnector", learn.microsoft.com).  Its replies, ``451 5.7.3`` and ``550 5.7.51``, are those in
  "TLS Certificates in Exchange Hybrid - Common Issues & How to Fix them" (Exchange Team Blog, 2025-06).
- A Partner connector for mail that goes out, with ``TlsSettings DomainValidation`` and ``TlsDomain``, demands
  a trusted chain and that name ("New-OutboundConnector"); else the message waits, for 24 hours, with
  ``450 4.4.317`` (the same blog) or ``450 4.7.320`` ("Mail flow intelligence in EOP").
- Messages of a domain whose owner switched it on are signed with DKIM as that domain ("Use DKIM for email in
  your custom domain").

Not documented, and taken for granted: that its server asks everybody for a certificate, and refuses in the
session what the connector does not let in.
"""

import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from .mail_server import (
    AUTHORITIES,
    CERTIFICATE,
    DELIVERED,
    KEY,
    MAILBOX,
    OURS,
    REFUSED,
    THEIRS,
    WAITS,
    MailServer,
    Outcome,
)
from lab.certificates import Issued
from lab.dkim_signing import Signer
from lab.laboratory import ADDRESSES, AUTHORITY_FILE, CONTOSO, WOODGROVE, Lab
from lab.messages import Message
from lab.smtp_client import Dialogue
from lab.waiting import DEADLINE

GATEWAY = "mail.protection.outlook.com"
SIGNER = Signer(WOODGROVE)
_SENDING_HOST = "mail-db8eur05lp2104.outbound.protection.outlook.com"
_EXTENSIONS = ("SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8")
_NO_TLS = "451 5.7.3 STARTTLS is required to send mail"
_WRONG_CERTIFICATE = (
    "550 5.7.51 TenantInboundAttribution; There is a partner connector configured that matched the message's "
    "recipient domain. The connector had either the RestrictDomainsToIPAddresses or "
    "RestrictDomainsToCertificate set"
)
_TRUE = "$true"
_OPTION = re.compile(r"-(\w+) (\"[^\"]*\"|\S+)")


class ExchangeOnline(MailServer):
    """What a tenant's administrator says in two connectors, and what Microsoft documents of the rest."""

    name = "Exchange Online (stand-in)"
    heading = "Exchange Online"
    mx = f"{WOODGROVE.replace('.', '-')}.{GATEWAY}"
    names = (GATEWAY, f"*.{GATEWAY}")

    def __init__(self, lab: Lab, strangers: Iterable[Issued] = ()) -> None:
        super().__init__(lab)
        #: Certificates that its server is to look at although nobody vouches for them.
        self.strangers = [one.certificate_pem.decode() for one in strangers]
        texts = {path.name: text for path, text in self.guide.items()}
        self.inbound, self.outbound = (dict(_OPTION.findall(texts[way])) for way in ("inbound", "outbound"))
        self.has_certificate = False
        self._server: _Server | None = None

    def configure(self, *, has_certificate: bool) -> None:
        """Do nothing but remember: the connectors are the document's."""
        self.has_certificate = has_certificate

    def begin(self) -> None:
        """Listen on the address of its MX host."""
        with self.lab.namespaces.network():
            self._server = _Server((ADDRESSES[WOODGROVE], 25), self)
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def server_context(self) -> ssl.SSLContext:
        """Return TLS for whoever comes in: a certificate is asked for, and judged later."""
        context = ssl.create_default_context(
            ssl.Purpose.CLIENT_AUTH,
            cafile=str(self.outside(AUTHORITIES)),
            cadata="".join(self.strangers) or None,
        )
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        self._load_own(context)
        return context

    def demands(self, sender: str, connection: socket.socket) -> str | None:
        """Return why the inbound connector does not take mail of a *sender* in this session, or None."""
        if sender.rpartition("@")[2].lower() != self.inbound["SenderDomains"]:
            return None
        is_clear = not isinstance(connection, ssl.SSLSocket)
        if self.inbound.get("RequireTls") == _TRUE and is_clear:
            return _NO_TLS
        if self.inbound.get("RestrictDomainsToCertificate") != _TRUE:
            return None
        shown = connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket) else None
        if shown is None or self.inbound["TlsSenderCertificateName"] not in self._trusted_names(shown):
            return _WRONG_CERTIFICATE
        return None

    def send(self, message: Message) -> Outcome:
        """Deliver a message as the outbound connector says; what fails for a time waits for another try."""
        with self.lab.namespaces.network():
            connection = socket.create_connection(
                self._destination(), timeout=DEADLINE, source_address=(ADDRESSES[WOODGROVE], 0)
            )
        with Dialogue(connection, _SENDING_HOST) as dialogue:
            dialogue.greeting()
            if "STARTTLS" not in dialogue.ehlo().text.splitlines():
                return Outcome(WAITS, f"450 4.4.317 Cannot connect to remote server [Message={_NO_TLS}]")
            if problem := self._start_tls(dialogue):
                return Outcome(WAITS, problem)
            reply = dialogue.message(THEIRS, OURS, SIGNER.sign(message.content))
            if reply.is_positive:
                return Outcome(DELIVERED, str(reply))
            return Outcome(REFUSED if reply.code >= 500 else WAITS, str(reply))

    def _start_tls(self, dialogue: Dialogue) -> str | None:
        """Start TLS as the connector demands it, and return what is wrong."""
        context = ssl.create_default_context(cafile=str(self.outside(AUTHORITY_FILE)))
        context.check_hostname = False
        level = self.outbound.get("TlsSettings")
        if level not in {"CertificateValidation", "DomainValidation"}:
            context.verify_mode = ssl.CERT_NONE
        self._load_own(context)
        try:
            dialogue.starttls(context)
        except ssl.SSLCertVerificationError as error:
            return f"450 4.7.320 Certificate validation failed [Message={error.verify_message}]"
        if level != "DomainValidation":
            return None
        assert isinstance(dialogue.connection, ssl.SSLSocket)
        shown = dialogue.connection.getpeercert(binary_form=True)
        assert shown is not None
        domain, names = self.outbound["TlsDomain"], _names(x509.load_der_x509_certificate(shown))
        if domain not in names:
            return (
                "450 4.4.317 Cannot connect to remote server [Message=SubjectMismatch Expected Subject: "
                f"{domain}. Presented Subject: {', '.join(names)}]"
            )
        return None

    def _destination(self) -> tuple[str, int]:
        answer = self.run("getent", "ahostsv4", f"mail.{CONTOSO}")
        return answer.split()[0], 25

    def _trusted_names(self, shown: bytes) -> list[str]:
        certificate = x509.load_der_x509_certificate(shown)
        try:
            certificate.verify_directly_issued_by(self.lab.authority.certificate)
        except (ValueError, InvalidSignature):
            return []
        return _names(certificate)

    def _load_own(self, context: ssl.SSLContext) -> None:
        if self.has_certificate:
            context.load_cert_chain(self.outside(CERTIFICATE), self.outside(KEY))


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], exchange: ExchangeOnline) -> None:
        self.exchange = exchange
        super().__init__(address, _Session)


class _Session(socketserver.BaseRequestHandler):
    """One session with the server: enough of RFC 5321 for Postfix and for a test's client."""

    server: _Server

    def handle(self) -> None:
        self.request.settimeout(DEADLINE)
        self._sender, self._reader = "", self.request.makefile("rb")
        self._say(f"220 DB5PEPF00014B9C.{GATEWAY} Microsoft ESMTP MAIL Service ready")
        with suppress(OSError, EOFError):
            for line in self._lines():
                if not self._answer(line):
                    break
        # The one that TLS has put around it is not the one that socketserver closes.
        self._reader.close()
        self.request.close()

    def _answer(self, line: str) -> bool:
        """Answer one command, and tell whether the session goes on."""
        exchange, verb = self.server.exchange, line[:4].upper()
        if verb in {"EHLO", "HELO"}:
            self._say(*(f"250-{one}" for one in (f"{GATEWAY} Hello", *self._extensions())), "250 OK")
        elif verb == "STAR":
            self._say("220 2.0.0 SMTP server ready")
            self._reader.close()
            self.request = exchange.server_context().wrap_socket(self.request, server_side=True)
            self._reader = self.request.makefile("rb")
        elif verb == "MAIL":
            self._sender = line.partition("<")[2].partition(">")[0]
            is_clear = exchange.demands(self._sender, self.request) == _NO_TLS
            self._say(_NO_TLS if is_clear else "250 2.1.0 Sender OK")
        elif verb == "RCPT":
            self._say(exchange.demands(self._sender, self.request) or "250 2.1.5 Recipient OK")
        elif verb == "DATA":
            self._say("354 Start mail input; end with <CRLF>.<CRLF>")
            self._take()
            self._say("250 2.6.0 Queued mail for delivery")
        else:
            self._say("221 2.0.0 Service closing transmission channel" if verb == "QUIT" else "250 2.0.0 OK")
        return verb != "QUIT"

    def _extensions(self) -> Iterator[str]:
        yield from _EXTENSIONS
        if self.server.exchange.has_certificate and not isinstance(self.request, ssl.SSLSocket):
            yield "STARTTLS"

    def _take(self) -> None:
        with self.server.exchange.outside(MAILBOX).open("ab") as mailbox:
            while (line := self._reader.readline()) != b".\r\n":
                if not line:
                    raise EOFError
                mailbox.write(line)

    def _lines(self) -> Iterator[str]:
        while line := self._reader.readline():
            yield line.decode(errors="replace").rstrip("\r\n")

    def _say(self, *lines: str) -> None:
        self.request.sendall("".join(f"{line}\r\n" for line in lines).encode())


def _names(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)

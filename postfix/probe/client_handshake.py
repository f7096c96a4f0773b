"""What Postfix's SMTP client shows to a server that asks for a certificate: one session on this machine.

Owns: such a server, for one session, and the client that comes to it.
Must not know: which certificate is meant, and what becomes of one that is not shown.
The client is posttls-finger(1), which has its TLS from the library of smtp(8), with the settings that smtp(8)
has: mail that a transport delivered for it would have to be routed, by tables that are in use.
Sources: RFC 3207; posttls-finger(1); X509_check_trust(3ssl) and x509(1) for trusted certificates; OpenSSL's
X509_V_FLAG_PARTIAL_CHAIN.
"""

import base64
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from domain_secure.policy.authority.stranger_certificate import stranger_pem
from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.terms.domain import Domain
from domain_secure.postfix.instance.processes import last_line, run
from domain_secure.postfix.instance.programs import PostfixInstance, Service

PROGRAM = "posttls-finger"
_SECONDS = 10
_NAME = Domain("localhost.localdomain")
# X509_AUX: trusted for TLS clients, whatever purposes it has itself (OpenSSL's crypto/x509/x_x509a.c).
_TRUSTED_AS_CLIENT = bytes.fromhex("300c300a06082b06010505070302")
_BEFORE_TLS = (b"250-localhost.localdomain\r\n250 STARTTLS\r\n", b"220 go on\r\n")
_UNDER_TLS = (b"250 localhost.localdomain\r\n", b"221 bye\r\n")


@dataclass(frozen=True, slots=True)
class Handshake:
    """What came of it."""

    shown: bytes | None = None  #: the client's certificate in DER, whose key it has proved to have
    fault: str | None = None  #: why there was none, in one clause


def program_of(instance: PostfixInstance) -> Path | None:
    """Return the client, None where this Postfix came without; raises Problem."""
    program = Path(instance.parameter("command_directory")) / PROGRAM
    return program if program.is_file() else None


def shake_hands(
    instance: PostfixInstance,
    program: Path,
    service: Service,
    file: Path,
    certificate: Certificate,
    now: datetime,
) -> Handshake:
    """Let a client with the settings of *service* show what is in *file*, to a server that asks for it.

    *file* is a private key with its chain, which begins with *certificate*: no other is let through to the
    end.  Raises Problem where Postfix cannot be asked, and OSError.
    """
    names = "smtp_tls_mandatory_protocols", "smtp_tls_mandatory_ciphers"
    protocols, ciphers = instance.service_parameters(service, *names).values()
    # What it sets for the library alone, such as the lists behind the grades of ciphers.
    own = [f"{name}={value}" for name, value in service.overrides.items() if name.startswith("tls_")]
    with _Server(certificate, now) as server:
        done = run(
            [
                "env",
                f"MAIL_CONFIG={instance.config_directory}",
                str(program),
                *("-c", "-t", str(_SECONDS), "-T", str(_SECONDS)),
                *("-l", "encrypt", "-p", protocols, "-g", ciphers, "-k", str(file), "-K", str(file)),
                *(argument for setting in (*own, "inet_protocols=all") for argument in ("-o", setting)),
                f"[127.0.0.1]:{server.port}",
            ]
        )
    said = [
        line for line in (done.stdout + done.stderr).splitlines() if "warning:" in line or "fatal:" in line
    ]
    if server.shown is not None:
        return Handshake(server.shown)
    told = last_line("\n".join(said)) or server.fault or last_line(done.stdout + done.stderr)
    return Handshake(fault=told or "the client did not come")


class _Server:
    """A server for one session, on the loopback interface; it works in a thread of its own."""

    def __init__(self, certificate: Certificate, now: datetime) -> None:
        self.shown: bytes | None = None
        self.fault: str | None = None
        self._context = _context(certificate, now)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_SECONDS)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="client handshake")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del kind, error, trace
        # A client that never came would let it wait.
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        try:
            client, _ = self._listener.accept()
            with client:
                client.settimeout(_SECONDS)
                client.sendall(b"220 localhost.localdomain ESMTP\r\n")
                if not _answer(client, _BEFORE_TLS):
                    self.fault = "the client left before TLS"
                    return
                with self._context.wrap_socket(client, server_side=True) as session:
                    self.shown = session.getpeercert(binary_form=True)
                    self.fault = None if self.shown else "no certificate was shown"
                    with suppress(OSError):  # It has shown by then what it had to show.
                        _answer(session, _UNDER_TLS)
        except (OSError, ValueError) as error:
            self.fault = getattr(error, "reason", None) or str(error)


def _answer(connection: socket.socket, replies: tuple[bytes, ...]) -> bool:
    """Answer one command with each of *replies*; tell whether all of them came."""
    for reply in replies:
        line = b""
        while not line.endswith(b"\n"):
            octets = connection.recv(512)
            if not octets:
                return False
            line += octets
        connection.sendall(reply)
    return True


def _context(certificate: Certificate, now: datetime) -> ssl.SSLContext:
    """Return a context that asks for a certificate and believes *certificate*, and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.verify_mode = ssl.CERT_OPTIONAL
    # Else a certificate that others issued were believed by way of these alone.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    trusted = base64.encodebytes(certificate.der + _TRUSTED_AS_CLIENT)
    with TemporaryDirectory() as folder:
        own, believed = Path(folder, "server.pem"), Path(folder, "client.pem")
        own.touch(mode=0o600)
        own.write_bytes(stranger_pem(_NAME, now))
        believed.write_bytes(
            b"-----BEGIN TRUSTED CERTIFICATE-----\n" + trusted + b"-----END TRUSTED CERTIFICATE-----\n"
        )
        context.load_cert_chain(own)
        context.load_verify_locations(believed)
    return context

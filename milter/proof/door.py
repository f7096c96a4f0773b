"""Our own smtpd, as a client on this machine reaches it.

Owns: where it listens, and a session in which it is told whose it is where it wants to be told.
Sources: RFC 5321; the PROXY protocol, version 1.
"""

import smtplib
import socket
import ssl
from dataclasses import dataclass

from domain_secure.policy.terms.proxy_protocol import header_of


@dataclass(frozen=True, slots=True)
class Door:
    """Where our smtpd listens."""

    address: str
    port: int
    name: str  #: for a person
    is_behind_proxy: bool = False  #: it wants to hear the PROXY protocol first
    others: tuple[str, ...] = ()  #: further ones, which are not tried


class DoorClient(smtplib.SMTP):
    """A session with our own smtpd; *helo* is our name, *seconds* how long each step may take."""

    def __init__(self, door: Door, helo: str, seconds: float) -> None:
        self._door = door
        super().__init__(door.address, door.port, local_hostname=helo, timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((host, port), timeout)
        if self._door.is_behind_proxy:
            try:
                connection.sendall(header_of(connection))
            except BaseException:
                connection.close()
                raise
        return connection


def unchecked_context() -> ssl.SSLContext:
    """Return a TLS client that asks for nobody's certificate: who answers is this machine itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def told(error: Exception) -> str:
    """Return in one clause what went wrong in a session."""
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        return (
            f"{error.smtp_code} {answer.decode('ascii', 'replace') if isinstance(answer, bytes) else answer}"
        )
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

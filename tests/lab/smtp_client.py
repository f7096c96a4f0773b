"""An SMTP client that sends exactly what a test says, however odd, and keeps every reply.

Sources: RFC 5321, RFC 3030 (BDAT), RFC 3207 (STARTTLS).
"""

import re
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from .waiting import DEADLINE

_TIMEOUT = 2 * DEADLINE  #: for one reply; the product may wait for evidence


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: its code, and the text of all its lines without the code."""

    code: int
    text: str

    @property
    def status(self) -> str:
        """Return the enhanced status code (RFC 3463), or an empty string."""
        found = re.match(r"[245]\.\d{1,3}\.\d{1,3}\b", self.text)
        return found.group() if found else ""

    @property
    def is_positive(self) -> bool:
        """Tell whether the server agrees, or waits for more."""
        return self.code < 400

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


@dataclass(slots=True)
class Dialogue:
    """A connection to a server.  ``replies`` holds what was answered to each step, in order."""

    connection: socket.socket
    helo: str = "client.test"
    replies: list[tuple[str, Reply]] = field(default_factory=list)
    _buffer: bytes = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    @property
    def last(self) -> Reply:
        """Return the last reply."""
        return self.replies[-1][1]

    def greeting(self) -> Reply:
        """Return what the server says first."""
        self.connection.settimeout(_TIMEOUT)
        return self.expect("connect")

    def command(self, line: str) -> Reply:
        """Send one line, UTF-8, and return the reply."""
        self.send_raw(line.encode() + b"\r\n")
        return self.expect(line)

    def ehlo(self) -> Reply:
        """Introduce ourselves."""
        return self.command(f"EHLO {self.helo}")

    def starttls(self, context: ssl.SSLContext, *, ehlo: bool = True) -> Reply:
        """Start TLS, and introduce ourselves again unless *ehlo* is false."""
        reply = self.command("STARTTLS")
        if reply.code == 220:
            self.connection = context.wrap_socket(self.connection)
        return self.ehlo() if ehlo else reply

    def mail(self, sender: str, *parameters: str) -> Reply:
        """Begin a message from an address without its brackets; for an odd argument use command()."""
        return self.command(" ".join((f"MAIL FROM:<{sender}>", *parameters)))

    def rcpt(self, recipient: str) -> Reply:
        """Name one recipient."""
        return self.command(f"RCPT TO:<{recipient}>")

    def data(self, content: bytes) -> Reply:
        """Send a message by DATA; where that command is refused, return the refusal."""
        reply = self.command("DATA")
        if reply.code != 354:
            return reply
        stuffed = re.sub(rb"(?m)^\.", b"..", content)
        self.send_raw(stuffed.removesuffix(b"\r\n") + b"\r\n.\r\n")
        return self.expect("end of message")

    def bdat(self, content: bytes, *, chunk: int = 4096) -> Reply:
        """Send a message by BDAT in chunks of so many octets; stops at the first refusal."""
        for start in range(0, len(content) or 1, chunk):
            part = content[start : start + chunk]
            last = " LAST" if start + chunk >= len(content) else ""
            self.send_raw(f"BDAT {len(part)}{last}\r\n".encode() + part)
            if not self.expect(f"BDAT{last}").is_positive:
                break
        return self.last

    def message(self, sender: str, recipient: str, content: bytes) -> Reply:
        """Send one whole message and return the reply that decided about it."""
        for step in (lambda: self.mail(sender), lambda: self.rcpt(recipient)):
            if not step().is_positive:
                return self.last
        return self.data(content)

    def quit(self) -> Reply:
        """Take leave."""
        return self.command("QUIT")

    def send_raw(self, octets: bytes) -> None:
        """Send octets as they are; the reply, if one is due, is for expect()."""
        self.connection.sendall(octets)

    def expect(self, step: str) -> Reply:
        """Read one reply and keep it under the name of the *step*.

        Raises EOFError when the server hangs up.
        """
        lines = []
        while True:
            line = self._line()
            lines.append(line[4:])
            if line[3:4] != "-":
                reply = Reply(int(line[:3]), "\n".join(lines))
                self.replies.append((step, reply))
                return reply

    def _line(self) -> str:
        while b"\r\n" not in self._buffer:
            received = self.connection.recv(65536)
            if not received:
                raise EOFError(f"the server hung up after {[str(reply) for _, reply in self.replies]}")
            self._buffer += received
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line.decode(errors="replace")


def client_context(
    chain_file: Path | None,
    *,
    maximum: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    ciphers: str | None = None,
) -> ssl.SSLContext:
    """Return a TLS client that shows the certificate in *chain_file*, if any, and believes every server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = maximum
    if ciphers is not None:
        context.set_ciphers(ciphers)
    if chain_file is not None:
        context.load_cert_chain(chain_file)
    return context

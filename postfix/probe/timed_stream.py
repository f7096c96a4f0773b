"""A TCP connection that ends in time: one deadline and one budget of octets for all of it.

Owns: that no server, however slow or talkative, holds a probe for longer or makes it read more than allowed.
Must not know: what is said.
"""

import errno
import os
import socket
import time
from ipaddress import ip_address
from typing import Self

from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.policy.terms.proxy_protocol import header_of

_CHUNK = 16384


class ProbeFailureError(Exception):
    """A probe could not learn what it wanted: why, in one clause for the operator, and in one word."""

    def __init__(self, detail: str, reason: FailureReason = FailureReason.CONNECTION_LOST) -> None:
        super().__init__(detail)
        self.reason = reason


class ProbeTimeoutError(ProbeFailureError):
    """The server did not answer in time, so that nobody knows what it would have said."""


class TimedStream:
    """A connected socket; *deadline* is a time of ``time.monotonic``, *octets* what may be read in all."""

    def __init__(self, connection: socket.socket, deadline: float, octets: int) -> None:
        self._connection = connection
        self._deadline = deadline
        self._octets = octets

    @classmethod
    def connect(cls, address: str, port: int, *, source: str | None, deadline: float, octets: int) -> Self:
        """Connect to an IP address, from the address *source* where given; raises ProbeFailureError."""
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        try:
            connection = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise ProbeFailureError(
                f"no connection is possible ({_reason(error)})", FailureReason.UNREACHABLE
            ) from error
        stream = cls(connection, deadline, octets)
        try:
            if source is not None:
                connection.bind((source, 0))
            connection.settimeout(stream._remaining())
            connection.connect((address, port))
        except OSError as error:
            connection.close()
            raise ProbeFailureError(f"no connection ({_reason(error)})", FailureReason.UNREACHABLE) from error
        return stream

    def receive(self) -> bytes:
        """Return what has arrived, at least one octet, or nothing once the server has closed.

        Raises ProbeFailureError past the deadline, beyond the budget, and when the connection breaks.
        """
        try:
            self._connection.settimeout(self._remaining())
            octets = self._connection.recv(_CHUNK)
        except OSError as error:
            raise _broken(error) from error
        self._octets -= len(octets)
        if self._octets < 0:
            raise ProbeFailureError("the server sent more than a mail server has to say")
        return octets

    def send(self, octets: bytes) -> None:
        """Send all of *octets*; raises ProbeFailureError as receive() does."""
        try:
            # Python's own sendall() counts the time limit for the whole of it.
            self._connection.settimeout(self._remaining())
            self._connection.sendall(octets)
        except OSError as error:
            raise _broken(error) from error

    def say_whose(self) -> None:
        """Tell a server that waits for a proxy that the connection is our own; raises as send() does."""
        try:
            header = header_of(self._connection)
        except OSError as error:
            raise _broken(error) from error
        self.send(header)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _remaining(self) -> float:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        return remaining


def _broken(error: OSError) -> ProbeFailureError:
    kind = ProbeTimeoutError if isinstance(error, TimeoutError) else ProbeFailureError
    return kind(f"the connection broke ({_reason(error)})")


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return error.strerror or str(error)

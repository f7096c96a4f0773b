"""The milter protocol as far as a session must be understood from outside: packets, and what was agreed on.

Sources: sendmail's ``mfdef.h`` for commands and replies; a packet is its length in four octets, network
order, then a command of one octet, and its data.
"""

import hashlib
import re
import socket
import struct
from dataclasses import dataclass
from typing import Self

HEADER = 4  #: octets of the length
NEGOTIATION = 13  #: octets of a negotiation: its command, and three numbers of four octets
_AGREED = HEADER + NEGOTIATION  #: octets, behind which an answer has the lists of macros
_DIGEST = 8
_OPTNEG, _MACRO, _MAIL, _ABORT, _QUIT = b"O", b"D", b"M", b"A", b"Q"
#: What may be answered to the end of a message before the answer itself: changes of it, and progress.
_INTERMEDIATE = frozenset(b"+-2behimpql")
_NAME = re.compile(rf"session-([0-9a-f]{{{2 * _AGREED}}})-([0-9a-f]{{{2 * (_AGREED + _DIGEST)}}})")


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What both sides said at the beginning of a session."""

    request: bytes
    answer: bytes  #: with a digest in the place of the lists of macros, so that it fits into a name

    @property
    def name(self) -> str:
        """Return it as a name for the service manager's store (sd_notify(3), FDNAME)."""
        return f"session-{self.request.hex()}-{self.answer.hex()}"

    @property
    def steps(self) -> int:
        """Return what is left out in the session: steps, answers, and options (SMFIP in ``mfdef.h``)."""
        (steps,) = struct.unpack("!I", self.answer[_AGREED - 4 : _AGREED])
        return int(steps)

    @classmethod
    def of(cls, name: str) -> Self | None:
        """Return what *name* says, or None where it is not such a name."""
        found = _NAME.fullmatch(name)
        return cls(bytes.fromhex(found[1]), bytes.fromhex(found[2])) if found else None


def negotiated(request: bytes, answer: bytes) -> Negotiated | None:
    """Return what two packets agree on, or None where they are no negotiation."""
    if (
        len(answer) < _AGREED
        or request[HEADER : HEADER + 1] != _OPTNEG
        or answer[HEADER : HEADER + 1] != _OPTNEG
    ):
        return None
    macros = hashlib.sha256(answer[_AGREED:]).digest()[:_DIGEST]
    return Negotiated(request, answer[:_AGREED] + macros)


def read_packet(connection: socket.socket) -> bytes:
    """Return one packet; raises OSError where the connection ends in it."""
    header = _read(connection, HEADER)
    return header + _read(connection, struct.unpack("!I", header)[0])


def ends_message(packet: bytes) -> bool:
    """Tell whether a reply is the last one to the end of a message."""
    return packet[HEADER] not in _INTERMEDIATE


def is_between_messages(waiting: bytes) -> bool:
    """Tell whether *waiting*, the first six octets at most that Postfix sent and nobody read, begins anew.

    The next message begins with the macros for MAIL; else the session is given up or has ended.
    """
    if not waiting:
        return True
    length, command = waiting[:HEADER], waiting[HEADER : HEADER + 1]
    if command == _MACRO:
        return length[:2] == b"\0\0" and waiting[HEADER + 1 : HEADER + 2] == _MAIL
    return command in {_ABORT, _QUIT} and length == struct.pack("!I", 1)


def _read(connection: socket.socket, number: int) -> bytes:
    octets = bytearray()
    while len(octets) < number:
        part = connection.recv(number - len(octets))
        if not part:
            raise ConnectionAbortedError("the session ended in the middle of a packet")
        octets += part
    return bytes(octets)

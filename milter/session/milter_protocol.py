"""The milter protocol, grammar only: numbers, packets, the beginning of a session.

A packet is its length in four octets, network order, then a command of one octet, and its data; texts end
in NUL.  Sources: sendmail's ``mfdef.h`` and ``mfapi.h`` for the numbers, libmilter's ``engine.c`` and
``comm.c``, Postfix's ``milter8.c`` for what it sends and takes.
"""

import struct
from functools import lru_cache
from typing import NamedTuple

VERSION = 6
HEADER = 4  #: octets of the length
# Postfix sends bodies in parts of 64 KiB and header fields whole (header_size_limit, 100 KiB by itself).
PACKET_LIMIT = 1 << 20

# What may be done to a message (SMFIF).
ADD_HEADERS, DELETE_RECIPIENTS, CHANGE_HEADERS = 0x01, 0x08, 0x10

# Which steps are left out (SMFIP_NO), which of the others are not answered (SMFIP_NR), and options.
NO_CONNECT, NO_HELO, NO_RCPT, NO_BODY, NO_END_OF_HEADER = 0x01, 0x02, 0x08, 0x10, 0x40
NO_UNKNOWN, NO_DATA = 0x100, 0x200
UNANSWERED_HEADER, UNANSWERED_MAIL, UNANSWERED_RCPT = 0x80, 0x4000, 0x8000
UNANSWERED_END_OF_HEADER = 0x40000
UNANSWERED_BODY = 0x80000
SKIP_ALLOWED, LEADING_SPACE = 0x400, 0x100000

# At which stage macros are sent (SMFIM).
MACROS_AT_MAIL, MACROS_AT_END = 2, 5

# Commands.
ABORT, BODY, CONNECT, MACRO, END_OF_MESSAGE, HELO, QUIT_AND_GO_ON, HEADER_FIELD = b"ABCDEHKL"
MAIL, END_OF_HEADER, NEGOTIATE, QUIT, RCPT, DATA, UNKNOWN = b"MNOQRTU"

_NEGOTIATION = struct.Struct("!IcIII")
NEGOTIATION = _NEGOTIATION.size
_LENGTH = struct.Struct("!I")
_REMEMBERED = 16  #: each Postfix offers the same every time


class MalformedPacketError(ValueError):
    """The peer does not speak the milter protocol."""


class Offer(NamedTuple):
    """What Postfix offers at the beginning of a session, or what was agreed on."""

    version: int
    actions: int
    steps: int


@lru_cache(_REMEMBERED)
def read_offer(packet: bytes) -> Offer:
    """Return what a whole packet of NEGOTIATION octets offers; raises MalformedPacketError."""
    if len(packet) == NEGOTIATION:
        length, command, *numbers = _NEGOTIATION.unpack(packet)
        if length == NEGOTIATION - HEADER and command[0] == NEGOTIATE:
            return Offer(*numbers)
    raise MalformedPacketError("no negotiation")


@lru_cache(_REMEMBERED)
def agreement(agreed: Offer, macros: tuple[tuple[int, str], ...]) -> bytes:
    """Return the answer to an offer, with the *macros* that are wanted at each stage, and no others."""
    lists = b"".join(_LENGTH.pack(stage) + names.encode() + b"\0" for stage, names in macros)
    version = min(agreed.version, VERSION)
    head = _NEGOTIATION.pack(
        NEGOTIATION - HEADER + len(lists), bytes([NEGOTIATE]), version, agreed.actions, agreed.steps
    )
    return head + lists


def packet(command: bytes, data: bytes = b"") -> bytes:
    """Return one packet."""
    return _LENGTH.pack(1 + len(data)) + command + data


CONTINUE, TEMPORARY_FAILURE, DISCARD, SKIP = (packet(command) for command in (b"c", b"t", b"d", b"s"))
NO_ANSWER = b""


def reply(code: str, enhanced_status: str, text: str) -> bytes:
    """Return what lets Postfix reply with these words; raises ValueError for more than one line."""
    line = f"{code} {enhanced_status} {text}"
    if any(octet in line for octet in "\r\n\0"):
        raise ValueError(f"no single line: {line!r}")
    return packet(b"y", line.replace("%", "%%").encode() + b"\0")


def added_header(name: str, value: str) -> bytes:
    """Return what puts a field on top of the header."""
    return packet(b"i", _LENGTH.pack(0) + _texts(name, value))


def removed_header(name: str, number: int) -> bytes:
    """Return what takes away the field that is *number* of its name, counted from 1."""
    return packet(b"m", _LENGTH.pack(number) + _texts(name, ""))


def removed_recipient(recipient: str) -> bytes:
    """Return what takes away a recipient, as the client wrote it."""
    return packet(b"-", _texts(recipient))


def texts_of(data: bytes) -> list[bytes]:
    """Return the texts in *data*, each of which ends in NUL; raises MalformedPacketError."""
    *texts, rest = data.split(b"\0")
    if rest or not texts:
        raise MalformedPacketError("a text without its end")
    return texts


def _texts(*texts: str) -> bytes:
    joined = "\0".join((*texts, ""))
    if joined.count("\0") != len(texts):
        raise ValueError(f"a text holds NUL: {texts!r}")
    return joined.encode("utf-8", "surrogateescape")

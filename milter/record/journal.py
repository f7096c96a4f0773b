"""Write log events to the systemd journal with a field for each pair, where our output goes there anyway.

Owns: the journal's native protocol, as far as events need it.
Invariant: a line is in the journal once: what goes in by its socket does not go to standard error too.
Source: systemd.io/JOURNAL_NATIVE_PROTOCOL, sd-daemon(3) and systemd.exec(5) for ``JOURNAL_STREAM``.
"""

import logging
import os
import re
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

from domain_secure.policy.terms.event import Event

SOCKET = Path("/run/systemd/journal/socket")
_PREFIX = "DOMAIN_SECURE_"
_IDENTIFIER = "domain-secure"
#: What the journal takes as a field's name.
_FIELD = re.compile(r"[A-Z0-9_]{1,64}")
# syslog(3) priorities, which the journal also reads at the start of a line (sd-daemon(3)).
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def log_handler(stream: TextIO = sys.stderr, address: Path = SOCKET) -> logging.Handler:
    """Return the handler for the daemon's log: journal fields, lines for the journal, or plain lines."""
    lines = logging.StreamHandler(stream)
    if not goes_to_journal(stream, os.environ):
        lines.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        return lines
    lines.setFormatter(_PriorityFormatter("%(message)s"))
    return JournalHandler(lines, address) if address.is_socket() else lines


def name_no_places() -> None:
    """Have this process's lines made without looking up which code, thread and process made each.

    No line says so, and a line about a message takes a quarter less time.  Source: Python's Logging HOWTO,
    "Optimization".
    """
    logging._srcfile = None  # noqa: SLF001 - as documented there
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def goes_to_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether what is written to *stream* ends up in the journal."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class JournalHandler(logging.Handler):
    """Sends each record as one datagram; *otherwise* gets what the journal does not take that way."""

    def __init__(self, otherwise: logging.Handler, address: Path = SOCKET) -> None:
        super().__init__()
        self._otherwise = otherwise
        self._address = str(address)
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; the socket may be full or away, or the record too large for a datagram."""
        try:
            self._channel.sendto(encoded(fields_of(record, self.format(record))), self._address)
        except OSError:
            self._otherwise.emit(record)

    def close(self) -> None:
        """Close the socket."""
        self._channel.close()
        super().close()


def fields_of(record: logging.LogRecord, message: str) -> Iterable[tuple[str, str]]:
    """Yield the journal fields of a record: those everybody knows, and one for each pair of an event."""
    yield "MESSAGE", message
    yield "PRIORITY", str(_PRIORITIES.get(record.levelno, 6))
    yield "SYSLOG_IDENTIFIER", _IDENTIFIER
    if isinstance(record.msg, Event):
        yield f"{_PREFIX}EVENT", record.msg.word
        for key, value in record.msg.pairs:
            name = _PREFIX + key.upper()
            if value != "-" and _FIELD.fullmatch(name):
                yield name, value


def encoded(fields: Iterable[tuple[str, str]]) -> bytes:
    """Return fields in the native protocol: each value with its length, so that it may hold anything."""
    parts = []
    for name, value in fields:
        octets = value.encode("utf-8", "backslashreplace")
        parts.append(name.encode() + b"\n" + len(octets).to_bytes(8, "little") + octets + b"\n")
    return b"".join(parts)


class _PriorityFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"<{_PRIORITIES.get(record.levelno, 6)}>{super().format(record)}"

"""Asking the running trivial-rewrite(8) where mail for an address goes.

Owns: its protocol.  Must not know: what the answer ought to be.
It answers with the tables it has open, senders aside; so what it says holds for the next message, which no
look-up in files can tell.
Sources: trivial-rewrite(8); POSTFIX attr_print0.c (names and values end with NUL, a list with an empty name)
and resolve_clnt.h (the flags).
"""

import socket
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.terms.problems import ExitStatus, NoPermission, Problem

from .programs import PostfixInstance

_TIMEOUT = 10.0  #: seconds for one answer; a table may be a database
_UNDELIVERABLE, _FAILED = 4, 8


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the queue manager is told of one address."""

    address: str  #: that was asked about
    transport: str
    nexthop: str
    recipient: str  #: as it is delivered to, source routes and the like taken out
    has_way: bool  #: false where the address is wrong or a table did not answer: no mail leaves


def resolved(instance: PostfixInstance, addresses: Iterable[str]) -> Iterator[Resolution]:
    """Yield what trivial-rewrite says of each address, on one connection.

    Raises NoPermission where only root may ask, and Problem when nobody answers.
    """
    settings = instance.parameters("queue_directory", "rewrite_service_name")
    path = Path(settings["queue_directory"]) / "private" / settings["rewrite_service_name"]
    try:
        with closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(str(path))
            words = _words(connection)
            _attributes(words)  # It says first which protocol it speaks.
            for address in addresses:
                request = ("request", "resolve", "sender", "", "address", address, "")
                text = "".join(f"{word}\0" for word in request)
                connection.sendall(text.encode(errors="surrogateescape"))
                answer = _attributes(words)
                has_way = not int(answer["flags"]) & (_UNDELIVERABLE | _FAILED)
                yield Resolution(
                    address, answer["transport"], answer["nexthop"], answer["recipient"], has_way
                )
    except PermissionError as error:
        raise NoPermission("the running Postfix tells root alone", str(path)) from error
    except (OSError, EOFError, KeyError, ValueError) as error:
        raise Problem(
            f"the running Postfix does not say where mail goes ({error or type(error).__name__})",
            str(path),
            "start Postfix, and see its log",
            ExitStatus.NO_ANSWER,
        ) from error


def _words(connection: socket.socket) -> Iterator[str]:
    rest = b""
    while received := connection.recv(65536):
        *whole, rest = (rest + received).split(b"\0")
        yield from (word.decode(errors="surrogateescape") for word in whole)
    raise EOFError("it hung up")


def _attributes(words: Iterator[str]) -> dict[str, str]:
    """Read one list; of a name that is there twice the last value counts."""
    found: dict[str, str] = {}
    while name := next(words):
        found[name] = next(words)
    return found

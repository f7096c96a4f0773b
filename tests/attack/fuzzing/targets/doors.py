"""Both doors to Postfix: packets and requests that no Postfix would send.

Both targets share one pair of doors, which stand open until the process ends.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from domain_secure.milter.daemon.activation import InheritedSockets
from domain_secure.milter.daemon.doors import Doors
from domain_secure.milter.daemon.sockets import Endpoint
from domain_secure.milter.daemon.surroundings import Endpoints
from domain_secure.milter.session.delegation import NO_OPINION, REQUEST_LIMIT, reply
from domain_secure.policy.terms.event import Event

from attack.fuzzing.target import Fault, Take, Target, caught_errors
from unit.milter.edge import Edge

PACKET = b"\x1e"  #: between two packets, each a command and its data; their lengths are put in front
RAW = b"!"  #: in front of an input that is sent as it is
_SECONDS = 20.0  #: of silence, behind which nobody comes any more
_ASKED_EVERY = 200  #: inputs
_NEGOTIATION = b"O" + struct.pack("!III", 6, 0x1FF, 0x1FFFFF)
_ADDS = frozenset(b"hi")
_SETTINGS = '[partner."woodgrovebank.test"]\nrequire = ["dkim"]\n'


class _Both:
    """The doors of this process, and whether they still answer."""

    def __init__(self, folder: Path) -> None:
        self._edge = Edge(folder, _SETTINGS)
        self._edge.know("mail.woodgrovebank.test")
        self.milter, self.policy = folder / "milter.socket", folder / "policy.socket"
        self._fault = ""
        self._asked = 0
        self._doors = Doors(
            Endpoints(Endpoint(self.milter), Endpoint(self.policy)),
            InheritedSockets(),
            self._edge.inbound,
            self._edge.requests,
            self._log,
            lambda: self._log(Event.of(0, "internal-error", detail="a listener ended by itself")),
        )
        self._doors.open()

    def _log(self, event: Event) -> None:
        if event.word == "internal-error":
            self._fault = str(event)

    def check(self) -> None:
        """Raise Fault where one of our own was logged, or a door does not answer any more."""
        self._edge.records.clear()
        found = [str(one) for one in self._edge.logged if one.word == "internal-error"]
        self._edge.logged.clear()
        self._asked += 1
        if self._asked % _ASKED_EVERY == 0:
            found += [fault for ask in self._doors.questions.values() if (fault := ask(_SECONDS))]
        if self._fault or found or self._doors.fault:
            told, self._fault = self._fault or "".join(found) or str(self._doors.fault), ""
            raise Fault(told)


@lru_cache(maxsize=1)
def _both() -> _Both:
    folder = _FOLDERS[-1]
    return _Both(folder)


_FOLDERS: list[Path] = []


def _opened_in(folder: Path) -> _Both:
    _FOLDERS.append(folder)
    return _both()


def _answers(path: Path, octets: bytes) -> bytes:
    """Return all that is answered until the other side hangs up."""
    said = bytearray()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(str(path))
        try:
            # Whoever is hung up on in the middle has heard what was said before.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(octets)
                connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                while part := connection.recv(65536):
                    said += part
        except TimeoutError:
            raise Fault("the session does not end though its client has left") from None
    return bytes(said)


def packets(octets: bytes) -> bytes:
    """Return what an input means, as it is sent."""
    if octets.startswith(RAW):
        return octets[len(RAW) :]
    parts = octets.split(PACKET)
    if not parts[0].startswith(b"O"):
        parts.insert(0, _NEGOTIATION)
    return b"".join(struct.pack("!I", len(part)) + part for part in parts if part)


def _check_replies(said: bytes) -> None:
    while len(said) >= 5:
        (length,) = struct.unpack("!I", said[:4])
        command, data = said[4], said[5 : 4 + length]
        if command in _ADDS and b"pass" in data.lower():
            raise Fault(f"marked as secured, and nobody proved anything: {data!r}")
        said = said[4 + length :]
    if said:
        raise Fault(f"an answer is no packet: {said[:40]!r}")


@contextmanager
def _milter(folder: Path) -> Iterator[Take]:
    both = _opened_in(folder)
    with caught_errors() as check:

        def take(octets: bytes) -> None:
            said = _answers(both.milter, packets(octets))
            check()
            both.check()
            _check_replies(said)

        yield take


@contextmanager
def _policy(folder: Path) -> Iterator[Take]:
    both = _opened_in(folder)
    whole = reply(NO_OPINION)
    with caught_errors() as check:

        def take(octets: bytes) -> None:
            said = _answers(both.policy, octets)
            check()
            both.check()
            if said.replace(whole, b""):
                raise Fault(f"another answer than ours: {said[:60]!r}")

        yield take


_MILTER_DOOR = Target("milter", _milter, 96 * 1024, 2.0, (PACKET, b"\x00"))
_POLICY_DOOR = Target("policy", _policy, 2 * REQUEST_LIMIT, 2.0, (b"\n\n", b"\n"))
TARGETS = (_MILTER_DOOR, _POLICY_DOOR)

"""Sessions are taken where nothing is on its way, and left where something is.

A socket pair stands for Postfix's connection: one end is Postfix's, the other the descriptor libmilter holds.
"""

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from domain_secure.milter.daemon.session_transfer import SessionTransfer
from domain_secure.milter.session.open_sessions import OpenSession, OpenSessions

BEGINNING = b"\x00\x00\x00\x02DM"
HEADER_ADDED = b"\x00\x00\x00\x05i1234"
CONTINUE = b"\x00\x00\x00\x01c"


class Edge:
    """One session, and what was made of it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sessions = OpenSessions(lambda: self.now)
        self.postfix, self.libmilter = socket.socketpair()
        for each in (self.postfix, self.libmilter):
            each.settimeout(10)
        self.session: OpenSession = self.sessions.begin()
        self.session.enter(self.libmilter.fileno(), "session-name")
        self.taken: list[tuple[str, socket.socket]] = []
        self.came = threading.Event()
        self.transfer = SessionTransfer(self.sessions, self._put)
        self.now += 10

    def _put(self, name: str, connection: socket.socket) -> None:
        self.taken.append((name, connection.dup()))
        self.came.set()

    def close(self) -> None:
        """Close everything."""
        for each in (self.postfix, self.libmilter, *(connection for _, connection in self.taken)):
            each.close()


@pytest.fixture
def edge() -> Iterator[Edge]:
    """Return an edge with one quiet session."""
    edge = Edge()
    yield edge
    edge.close()


def test_a_quiet_session_is_taken_with_what_waits(edge: Edge) -> None:
    """The next message is there for whoever goes on, and libmilter sees nothing of it."""
    edge.postfix.sendall(BEGINNING)
    edge.transfer.take_quiet()
    ((name, connection),) = edge.taken
    assert name == "session-name"
    assert connection.recv(64) == BEGINNING
    assert len(edge.sessions) == 0
    assert edge.libmilter.recv(1) == b""


@pytest.mark.parametrize("waiting", [b"\x00\x00\x00\x09M<a@b>\0", b"{i}\0Q1\0"])
def test_what_was_read_in_part_goes_back(edge: Edge, waiting: bytes) -> None:
    """libmilter has read the beginning of a message already: it gets its connection back, and the rest."""
    edge.postfix.sendall(waiting)
    edge.transfer.take_quiet()
    assert edge.taken == []
    assert edge.libmilter.recv(64) == waiting
    assert len(edge.sessions) == 1


def test_a_message_that_began_meanwhile_goes_on(edge: Edge) -> None:
    """The callback for MAIL came after libmilter's connection was taken."""
    visit = edge.sessions.visit

    def begin_after_the_first_look(act: object) -> None:
        visit(act)  # type: ignore[arg-type]
        edge.session.message_began()

    edge.sessions.visit = begin_after_the_first_look  # type: ignore[method-assign]
    edge.transfer.take_quiet()
    assert edge.taken == []
    edge.postfix.sendall(b"rest")
    assert edge.libmilter.recv(64) == b"rest"


def test_a_client_that_has_gone_is_libmilters_to_end(edge: Edge) -> None:
    """Nobody would go on with it."""
    edge.postfix.close()
    edge.transfer.take_quiet()
    assert edge.taken == []
    assert edge.libmilter.recv(1) == b""


@pytest.mark.parametrize("quiet", [0.0, 0.1])
def test_a_session_in_which_something_just_happened_is_left(edge: Edge, quiet: float) -> None:
    """libmilter may still have to write the answer."""
    edge.session.message_began()
    edge.session.message_ended()
    edge.now += quiet
    edge.transfer.take_quiet()
    assert edge.taken == []
    assert len(edge.sessions) == 1


def test_a_session_goes_with_the_answer_to_its_message(edge: Edge) -> None:
    """What libmilter writes at the end of a message reaches Postfix whole; then the session is taken."""
    edge.transfer.begin()
    edge.session.message_began()
    edge.session.message_ends()
    os.write(edge.libmilter.fileno(), HEADER_ADDED + CONTINUE)
    edge.session.message_ended()
    assert edge.came.wait(10)
    assert edge.postfix.recv(len(HEADER_ADDED + CONTINUE), socket.MSG_WAITALL) == HEADER_ADDED + CONTINUE
    edge.postfix.sendall(BEGINNING)
    ((_, connection),) = edge.taken
    assert connection.recv(64) == BEGINNING


def test_a_session_that_ends_is_forgotten(edge: Edge) -> None:
    """Its number may be another's in a moment."""
    edge.session.ended()
    edge.transfer.take_quiet()
    assert edge.taken == []

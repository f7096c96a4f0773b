"""The milter over real sockets: who waits for whom, and how a session leaves."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain_secure.milter.daemon.milter_listener import MilterListener
from domain_secure.milter.daemon.milter_packets import Negotiated
from domain_secure.milter.daemon.sockets import Endpoint, listen
from domain_secure.milter.session.callbacks import Callbacks
from domain_secure.milter.session.milter_protocol import packet
from domain_secure.milter.session.open_sessions import OpenSessions
from domain_secure.milter.session.outcome import Outcome
from domain_secure.milter.session.transaction import Transaction
from domain_secure.milter.session.workers import Workers
from domain_secure.policy.terms.event import Event

from lab.waiting import wait_for
from unit.milter.edge import Edge
from unit.milter.session.test_conversation import AGREED, LISTED, OFFER, OTHER

SECONDS = 10.0


class Judged:
    """An edge whose judgement of listed mail waits as long as the test says."""

    def __init__(self, folder: Path) -> None:
        self.inbound = Edge(folder).inbound
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.asked = threading.Semaphore(0)
        end, end_at_once = self.inbound.end, self.inbound.end_at_once

        def slowly(transaction: Transaction, queue_id: str) -> Outcome:
            self.asked.release()
            assert self.may_go_on.wait(SECONDS)
            return end(transaction, queue_id)

        def at_once(transaction: Transaction, queue_id: str) -> Outcome | None:
            return None if transaction.claims else end_at_once(transaction, queue_id)

        self.inbound.end = slowly  # type: ignore[method-assign]
        self.inbound.end_at_once = at_once  # type: ignore[method-assign]


class Served:
    """A listener at a socket, and what became of it."""

    def __init__(self, folder: Path, name: str = "milter") -> None:
        folder.mkdir(exist_ok=True)
        self.judged = Judged(folder)
        self.path = folder / name
        self.logged: list[Event] = []
        self.sessions = OpenSessions()
        self.left: list[tuple[str, socket.socket]] = []
        self.is_full = False
        self.listener = MilterListener(
            listen(Endpoint(self.path)),
            lambda: Callbacks(self.judged.inbound, self.sessions),
            self.logged.append,
            lambda: self.logged.append(Event.of(0, "ended")),
            lambda _: self.is_full,
        )
        self.listener.start()

    def connected(self) -> socket.socket:
        """Return a connection on which nothing was said."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SECONDS)
        connection.connect(str(self.path))
        return connection

    def begun(self) -> socket.socket:
        """Return a session that has been negotiated."""
        connection = self.connected()
        connection.sendall(OFFER)
        assert connection.recv(len(AGREED), socket.MSG_WAITALL) == AGREED
        return connection

    def leave(self) -> None:
        """Give sessions away from now on."""
        self.listener.leave(lambda name, connection: self.left.append((name, connection.dup())))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Return a listener that serves."""
    served = Served(tmp_path / "edge")
    yield served
    served.judged.may_go_on.set()
    served.listener.stop()
    for _, connection in served.left:
        connection.close()
    assert not [event for event in served.logged if event.word in {"internal-error", "ended"}]


def answered(connection: socket.socket, message: bytes) -> bytes:
    """Send a message, and return the command of the last word to it."""
    connection.sendall(message)
    octets = connection.recv(4096)
    at = 0
    while (after := at + 4 + int.from_bytes(octets[at : at + 4])) < len(octets):
        at = after
    return octets[at + 4 : at + 5]


def test_a_session_from_beginning_to_end(served: Served) -> None:
    """Messages are answered in order, and the session is forgotten with its connection."""
    with served.begun() as session:
        assert [answered(session, message) for message in (OTHER, LISTED, OTHER)] == [b"c", b"y", b"c"]
        session.sendall(packet(b"Q"))
        assert session.recv(1) == b""
    with served.begun(), served.begun():
        assert len(served.sessions) == 2
    wait_for(lambda: not len(served.sessions), "no session")


def test_nobody_waits_for_somebody_elses_decision(served: Served) -> None:
    """Neither unlisted mail nor listed mail, however many messages wait for theirs."""
    served.judged.may_go_on.clear()
    waiting = [served.begun() for _ in range(5)]
    for session in waiting:
        session.sendall(LISTED)
    for _ in waiting:
        assert served.judged.asked.acquire(timeout=SECONDS)
    with served.begun() as other:
        assert answered(other, OTHER) == b"c"
    served.judged.may_go_on.set()
    assert [answered(session, b"") for session in waiting] == [b"y"] * 5
    for session in waiting:
        session.close()


def test_a_client_that_goes_while_its_message_is_decided(served: Served) -> None:
    """Nobody reads the answer, and the session is forgotten."""
    served.judged.may_go_on.clear()
    with served.begun() as session:
        session.sendall(LISTED)
        assert served.judged.asked.acquire(timeout=SECONDS)
    served.judged.may_go_on.set()
    wait_for(lambda: not len(served.sessions), "no session")


def test_without_a_thread_to_decide_the_message_waits(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is hung up on, which Postfix answers with 451, and others go on."""

    def none_left(_: Workers, __: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as exhausted:
        exhausted.setattr(Workers, "do", none_left)
        with served.begun() as session:
            session.sendall(LISTED)
            assert session.recv(1) == b""
    assert [event.word for event in served.logged] == ["internal-error"]
    served.logged.clear()
    with served.begun() as session:
        assert answered(session, LISTED) == b"y"


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", OFFER + b"\0\0\0\0\0"])
def test_who_speaks_another_protocol_is_hung_up_on(served: Served, said: bytes) -> None:
    """And named, once."""
    with served.connected() as connection:
        connection.sendall(said)
        connection.recv(len(AGREED), socket.MSG_WAITALL)
        assert connection.recv(1) == b""
    assert [event.word for event in served.logged] == ["malformed-milter-packet"]


def test_a_full_house(served: Served) -> None:
    """Nobody else is let in; this process itself, which asks whether anybody answers, is."""
    served.is_full = True
    with served.begun():
        pass


def test_sessions_leave_between_messages(served: Served, tmp_path: Path) -> None:
    """One that is quiet at once, one in a message after it; another listener goes on with both."""
    served.judged.may_go_on.clear()
    quiet, busy = served.begun(), served.begun()
    busy.sendall(LISTED)
    assert served.judged.asked.acquire(timeout=SECONDS)
    (half := served.begun()).sendall(OTHER[:-5])
    fresh = served.connected()
    wait_for(lambda: len(served.listener._fresh) == 1, "the newcomer")
    (left_fresh,) = served.listener.stop_accepting()
    served.leave()
    assert len(served.left) == 1
    served.judged.may_go_on.set()
    assert answered(busy, b"") == b"y"
    assert answered(half, OTHER[-5:]) == b"c"
    wait_for(lambda: len(served.left) == 3, "all to be given away")
    assert len(served.sessions) == 0
    other = Served(tmp_path / "other")
    while served.left:
        name, connection = served.left.pop()
        other.listener.adopt(connection, Negotiated.of(name))
    other.listener.adopt(left_fresh, None)
    for session in (quiet, busy, half):
        assert answered(session, OTHER) == b"c"
    fresh.sendall(OFFER)
    assert fresh.recv(len(AGREED), socket.MSG_WAITALL) == AGREED
    other.listener.stop()
    for session in (quiet, busy, half, fresh):
        assert session.recv(1) == b""
        session.close()


def test_a_session_on_which_we_would_not_agree_any_more(served: Served) -> None:
    """Its messages would be understood in another way than Postfix means them."""
    ours, postfixs = socket.socketpair()
    postfixs.settimeout(SECONDS)
    served.listener.adopt(ours, Negotiated.from_packets(OFFER, AGREED[:-2] + b"x\0"))
    assert postfixs.recv(1) == b""
    postfixs.close()


def test_an_end_with_sessions_open(served: Served) -> None:
    """Everybody is hung up on, also who waits for a decision."""
    served.judged.may_go_on.clear()
    with served.begun() as deciding, served.begun() as quiet, served.connected() as fresh:
        deciding.sendall(LISTED)
        assert served.judged.asked.acquire(timeout=SECONDS)
        served.listener.stop()
        for connection in (deciding, quiet, fresh):
            assert connection.recv(1) == b""

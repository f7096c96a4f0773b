"""The policy listener over a real socket."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain_secure.milter.daemon.sockets import Endpoint, listen
from domain_secure.milter.session.delegation import REQUEST_LIMIT, DelegatedFacts, reply
from domain_secure.milter.session.policy_listener import PolicyListener
from domain_secure.policy.terms.event import Event

from lab.waiting import DEADLINE

REPLY = reply("DUNNO")
REQUEST = b"request=smtpd_access_policy\nclient_address=127.0.0.3\nclient_port=1\nqueue_id=%b\n\n"


class Heard:
    """A running listener, and what it heard."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: list[DelegatedFacts] = []
        self.logged: list[Event] = []
        self.came = threading.Event()
        self.fault: Exception | None = None
        self.listener = PolicyListener(listen(Endpoint(path)), self._answer, self._log)
        self.listener.start()

    def _answer(self, facts: DelegatedFacts) -> str:
        if self.fault is not None:
            raise self.fault
        self.facts.append(facts)
        return "DUNNO"

    def _log(self, event: Event) -> None:
        self.logged.append(event)
        self.came.set()

    def connect(self) -> socket.socket:
        """Return a connection to the listener."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(DEADLINE)
        connection.connect(str(self.path))
        return connection


def was_hung_up_on(connection: socket.socket) -> bool:
    """Tell whether the peer ended the connection without an answer, politely or not."""
    try:
        return connection.recv(4096) == b""
    except ConnectionError:
        return True


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    """Run a listener."""
    heard = Heard(tmp_path / "policy")
    yield heard
    heard.listener.stop()


def test_every_request_is_remembered_and_answered_dunno(heard: Heard) -> None:
    """One connection carries many requests, each answered before the next is read by Postfix."""
    with heard.connect() as connection:
        for queue_id in (b"Q1", b"Q2", b"Q3"):
            connection.sendall(REQUEST % queue_id)
            assert connection.recv(4096) == REPLY
    assert [facts.queue_id for facts in heard.facts] == ["Q1", "Q2", "Q3"]


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n\n\n", b"a=" + b"x" * (REQUEST_LIMIT + 1)])
def test_what_is_not_the_protocol_is_hung_up_on(heard: Heard, octets: bytes) -> None:
    """The connection ends without an answer, it is logged, and others are served."""
    with heard.connect() as connection:
        connection.sendall(octets)
        assert was_hung_up_on(connection)
    assert heard.came.wait(DEADLINE)
    assert [event.word for event in heard.logged] == ["malformed-delegation-request"]
    with heard.connect() as connection:
        connection.sendall(REQUEST % b"Q4")
        assert connection.recv(4096) == REPLY


def test_stop_hangs_up_and_ends(tmp_path: Path) -> None:
    """After stop() no connection is served, and the thread is gone."""
    heard = Heard(tmp_path / "policy")
    with heard.connect() as connection:
        connection.sendall(REQUEST % b"Q1")
        assert connection.recv(4096) == REPLY
        heard.listener.stop()
        assert was_hung_up_on(connection)
    assert not heard.listener.is_alive


def test_a_fault_of_ours_ends_one_connection_alone(tmp_path: Path) -> None:
    """Who asked has no answer, it is logged, and the next connection is served."""
    heard = Heard(tmp_path / "policy")
    heard.fault = ZeroDivisionError("a bug")
    with heard.connect() as connection:
        connection.sendall(REQUEST % b"Q1")
        assert was_hung_up_on(connection)
    assert [event.word for event in heard.logged] == ["internal-error"]
    heard.fault = None
    with heard.connect() as connection:
        connection.sendall(REQUEST % b"Q2")
        assert connection.recv(4096) == REPLY
    heard.listener.stop()


def test_who_reads_no_answer_is_hung_up_on(heard: Heard) -> None:
    """Answers do not pile up, and nobody else waits for a peer that only asks."""

    def flood(connection: socket.socket) -> None:
        while True:
            connection.sendall(REQUEST % b"Q1" * 100)

    with heard.connect() as flooding, pytest.raises(ConnectionError):
        flood(flooding)
    with heard.connect() as connection:
        connection.sendall(REQUEST % b"Q2")
        assert connection.recv(4096) == REPLY


def test_moved_to_another_socket(heard: Heard) -> None:
    """The connections that are open stay; new ones come by the new socket alone."""
    other = heard.path.with_name("moved")
    with heard.connect() as connection:
        connection.sendall(REQUEST % b"Q1")
        assert connection.recv(4096) == REPLY
        heard.listener.move_to(listen(Endpoint(other)))
        connection.sendall(REQUEST % b"Q2")
        assert connection.recv(4096) == REPLY
    with socket.socket(socket.AF_UNIX) as late, pytest.raises(ConnectionRefusedError):
        late.connect(str(heard.path))
    heard.path = other
    with heard.connect() as connection:
        connection.sendall(REQUEST % b"Q3")
        assert connection.recv(4096) == REPLY

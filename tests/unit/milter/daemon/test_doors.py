"""Both doors over real sockets, from their opening to their end."""

import socket
from pathlib import Path

import pytest

from domain_secure.milter.daemon.activation import InheritedSockets
from domain_secure.milter.daemon.answering import milter_fault, policy_fault
from domain_secure.milter.daemon.doors import Doors
from domain_secure.milter.daemon.sockets import Endpoint, listen
from domain_secure.milter.daemon.surroundings import Endpoints
from domain_secure.policy.terms.event import Event

from unit.milter.edge import Edge

SECONDS = 10.0
OPTION_NEGOTIATION = b"\x00\x00\x00\x0dO\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff"


def connected(path: Path) -> socket.socket:
    """Return a connection that has sent the beginning of a milter session."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(SECONDS)
    connection.connect(str(path))
    connection.sendall(OPTION_NEGOTIATION)
    return connection


def test_doors_open_move_and_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both answer; a removed file is bound again; what the manager holds stays, and takes whoever waits."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    edge, ended = Edge(tmp_path), list[str]()
    endpoints = Endpoints(Endpoint(tmp_path / "milter"), Endpoint(tmp_path / "policy"))
    assert endpoints.milter.path is not None
    assert endpoints.policy.path is not None
    held = listen(endpoints.milter)
    logged: list[Event] = []
    inherited = InheritedSockets([held.dup(), listen(Endpoint(tmp_path / "elsewhere"))])
    doors = Doors(
        endpoints, inherited, edge.inbound, edge.requests, logged.append, lambda: ended.append("ended")
    )
    assert [event.word for event in logged] == ["socket-unused"]
    doors.open()
    assert [ask(SECONDS) for ask in doors.questions.values()] == [None, None]
    assert doors.bind_again() == ()
    with connected(endpoints.milter.path) as session:
        assert session.recv(5)[4:] == b"O"
        endpoints.policy.path.unlink()
        assert policy_fault(endpoints.policy, SECONDS) == "No such file or directory"
        assert doors.bind_again() == (endpoints.policy,)
        assert policy_fault(endpoints.policy, SECONDS) is None
    with connected(endpoints.milter.path) as idle:
        assert idle.recv(5)[4:] == b"O"
        doors.close()
        # In the queue of the socket that is held, as Postfix's connections are during a restart.
        held.setblocking(True)
        with connected(endpoints.milter.path), held.accept()[0] as waiting:
            assert waiting.recv(64) == OPTION_NEGOTIATION
    assert logged[-1].word == "sessions-left"
    assert not endpoints.policy.path.exists()
    assert endpoints.milter.path.exists()
    assert ended == []
    held.close()
    assert milter_fault(endpoints.milter, SECONDS) in {"Connection refused", "Connection reset by peer"}

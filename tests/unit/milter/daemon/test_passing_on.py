"""What one process leaves, the next finds."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from domain_secure.milter.daemon.activation import InheritedSockets
from domain_secure.milter.daemon.passing_on import leave_asking, leave_requests, take_up_requests
from domain_secure.milter.daemon.sockets import Endpoint, listen
from domain_secure.milter.session.delegation import DelegatedFacts, reply
from domain_secure.milter.session.joined import RecentRequests
from domain_secure.milter.session.policy_listener import PolicyListener

FACTS = DelegatedFacts("192.0.2.1", "40001", "Q1", "TLSv1.3", "X", "AB", None, "CN=é", None)
REQUEST = b"request=smtpd_access_policy\nclient_address=192.0.2.1\nclient_port=1\nqueue_id=Q\n\n"


@dataclass
class Manager:
    """A service manager with a store."""

    channel: socket.socket
    dropped: list[str] = field(default_factory=list)

    def kept(self) -> list[tuple[str, int]]:
        """Return what was left, as the next process gets it; note what is to be kept no longer."""
        found = []
        self.channel.setblocking(False)
        while True:
            try:
                state, descriptors, _, _ = socket.recv_fds(self.channel, 4096, 1)
            except BlockingIOError:
                return found
            name = state.decode().rpartition("FDNAME=")[2]
            if descriptors:
                found.append((name, descriptors[0]))
            else:
                self.dropped.append(name)


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    """Return a manager that this process talks to."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("FDSTORE", "16")
        yield Manager(channel)


def test_requests_wait_on(manager: Manager) -> None:
    """With their age, which goes on, and once only."""
    now = [1000.0]
    former, present = (RecentRequests(lambda: now[0], age_limit=60.0) for _ in range(2))
    former.remember(FACTS)
    now[0] += 40
    leave_requests(former)
    inherited = InheritedSockets([], manager.kept())
    take_up_requests(inherited, present)
    assert inherited.passed_on == []
    manager.kept()
    assert manager.dropped == ["requests"]
    now[0] += 10
    assert present.take(FACTS.key) == FACTS
    present.restore(40.0, FACTS)
    now[0] += 30
    assert present.take(FACTS.key) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'[{"age": 1, "sender": "x"}]', b"[{}]", b"1"])
def test_another_versions_requests_are_no_evidence(manager: Manager, content: bytes) -> None:
    """An upgrade must not keep the daemon from starting."""
    number = os.memfd_create("requests")
    os.write(number, content)
    requests = RecentRequests(lambda: 0.0)
    take_up_requests(InheritedSockets([], [("requests", number)]), requests)
    assert len(requests) == 0
    assert manager.kept() == []


def test_nothing_is_left_where_nothing_waits(manager: Manager) -> None:
    """An idle daemon leaves no file behind."""
    leave_requests(RecentRequests(lambda: 0.0))
    assert manager.kept() == []


def test_a_policy_connection_goes_on(manager: Manager, tmp_path: Path) -> None:
    """Postfix's process notices nothing; one in the middle of a request is hung up on, and asks again."""
    former, present = (
        PolicyListener(listen(Endpoint(tmp_path / name)), lambda _facts, name=name: name, lambda _event: None)  # type: ignore[misc]
        for name in ("former", "present")
    )
    former.start()
    present.start()
    with socket.socket(socket.AF_UNIX) as whole, socket.socket(socket.AF_UNIX) as half:
        for connection in (whole, half):
            connection.settimeout(10)
            connection.connect(str(tmp_path / "former"))
            connection.sendall(REQUEST)
            assert connection.recv(64) == reply("former")
        half.sendall(REQUEST[:20])
        # The listener reads in order: whatever it answers now, it has read that.
        while all(reader.is_between_requests for reader in tuple(former.connections.values())):
            whole.sendall(REQUEST)
            assert whole.recv(64) == reply("former")
        former.leave(leave_asking)
        former.stop()
        ((name, number),) = manager.kept()
        assert name == "asking"
        present.adopt(socket.socket(fileno=number))
        whole.sendall(REQUEST)
        assert whole.recv(64) == reply("present")
        assert half.recv(64) == b""
    present.stop()


def test_a_daemon_that_cannot_start_lets_everything_go(manager: Manager) -> None:
    """Postfix must not wait for an answer from a descriptor that is only kept."""
    ours, theirs = socket.socketpair()
    with theirs:
        number = ours.detach()
        InheritedSockets([], [("fresh", number)]).turn_away()
        theirs.settimeout(10)
        assert theirs.recv(1) == b""
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)
    manager.kept()
    assert manager.dropped == ["fresh"]

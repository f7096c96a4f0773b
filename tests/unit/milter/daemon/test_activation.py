"""Sockets that the service manager holds: which are used, and what becomes of the others."""

import os
import socket
from pathlib import Path

import pytest

from domain_secure.milter.daemon import activation
from domain_secure.milter.daemon.activation import InheritedSockets, keep
from domain_secure.milter.daemon.sockets import Endpoint, listen


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Endpoint:
    """Pass one socket to this process, as systemd does; return where it listens."""
    endpoint = Endpoint(tmp_path / "milter")
    number = listen(endpoint).detach()
    monkeypatch.setattr(activation, "_FIRST", number)
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_FDNAMES", "milter")
    return endpoint


def test_a_socket_is_taken_by_its_address(handed_over: Endpoint) -> None:
    """Names say nothing: the settings do.  Programs that the daemon starts learn nothing of it."""
    inherited = InheritedSockets.take()
    assert "LISTEN_FDS" not in os.environ
    assert inherited.listening_at(Endpoint(handed_over.path.with_name("policy"))) is None  # type: ignore[union-attr]
    found = inherited.listening_at(handed_over)
    assert found is not None
    with found, socket.socket(socket.AF_UNIX) as client:
        assert not found.get_inheritable()
        client.connect(str(handed_over.path))
        found.accept()[0].close()
    assert inherited.unused() == ()


def test_what_nobody_takes_is_named_and_closed(handed_over: Endpoint) -> None:
    """A socket unit that listens elsewhere than the settings say is a mistake that must be seen."""
    inherited = InheritedSockets.take()
    assert inherited.unused() == (f"unix:{handed_over.path}",)
    assert inherited.unused() == ()
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect(str(handed_over.path))


def test_a_socket_whose_file_is_gone_is_of_no_use(handed_over: Endpoint) -> None:
    """Nobody reaches it, so that the daemon must bind anew."""
    assert handed_over.path is not None
    handed_over.path.unlink()
    inherited = InheritedSockets.take()
    assert inherited.listening_at(handed_over) is None
    assert inherited.unused() == ()


def test_sockets_of_another_process_are_left_alone(
    handed_over: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell between systemd and us keeps the environment, and the numbers mean something else."""
    monkeypatch.setenv("LISTEN_PID", "1")
    assert InheritedSockets.take().listening_at(handed_over) is None
    os.close(activation._FIRST)


def test_who_waits_is_turned_away(handed_over: Endpoint) -> None:
    """A daemon that cannot start lets nobody wait for it."""
    inherited = InheritedSockets.take()
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        for client in (first, second):
            client.settimeout(10)
            client.connect(str(handed_over.path))
        inherited.turn_away()
        assert (first.recv(1), second.recv(1)) == (b"", b"")
    inherited.unused()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_of_the_network(host: str) -> None:
    """A host name in the settings is compared by what it resolves to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        inherited = InheritedSockets([socket.socket(fileno=os.dup(listening.fileno()))])
        assert inherited.listening_at(Endpoint(None, host, port + 1)) is None
        found = inherited.listening_at(Endpoint(None, host, port))
        assert found is not None
        found.close()


def test_a_socket_is_kept_where_the_manager_keeps_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The former one of that name goes first; without a store nothing is sent."""
    path = tmp_path / "notify"
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        listen(Endpoint(tmp_path / "milter")) as listening,
    ):
        manager.bind(str(path))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.delenv("FDSTORE", raising=False)
        assert not keep("milter", listening)
        monkeypatch.setenv("FDSTORE", "16")
        assert keep("milter", listening)
        assert manager.recv(4096) == b"FDSTOREREMOVE=1\nFDNAME=milter"
        state, descriptors, _, _ = socket.recv_fds(manager, 4096, 4)
        assert state == b"FDSTORE=1\nFDNAME=milter"
        with socket.socket(fileno=descriptors[0]) as kept:
            assert kept.getsockname() == listening.getsockname()

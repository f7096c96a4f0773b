"""What the service manager is told, and when it is told nothing."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain_secure.milter.daemon.watchdog import Heartbeat, Watchdog
from domain_secure.policy.terms.event import Event


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Return the socket of a service manager that wants to hear something once a minute."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "60000000")
        yield manager


def heard(manager: socket.socket) -> bytes | None:
    """Return what the manager was told, or None where it was told nothing."""
    manager.setblocking(False)
    try:
        return manager.recv(4096)
    except BlockingIOError:
        return None


def test_told_only_while_every_part_answers(manager: socket.socket) -> None:
    """One silent part is enough; it is logged once, and so is its return."""
    faults: dict[str, str | None] = {"milter": None, "policy": None}
    logged: list[Event] = []
    watchdog = Watchdog(
        {name: lambda _seconds, name=name: faults[name] for name in faults},  # type: ignore[misc]
        logged.append,
    )
    assert watchdog.ask(1)
    assert heard(manager) == b"WATCHDOG=1"
    faults["policy"] = "no answer within 1 s"
    assert not watchdog.ask(1)
    assert not watchdog.ask(1)
    assert heard(manager) is None
    faults["policy"] = None
    assert watchdog.ask(1)
    assert heard(manager) == b"WATCHDOG=1"
    assert [str(event) for event in logged] == [
        'not-answering part=policy detail="no answer within 1 s"',
        "answering-again part=policy",
    ]


def test_told_by_itself(manager: socket.socket) -> None:
    """Started, it asks at once; stopped, it tells nothing more."""
    watchdog = Watchdog({}, lambda _event: None)
    watchdog.start()
    assert manager.recv(4096) == b"WATCHDOG=1"
    watchdog.stop()
    assert watchdog.ask(1)
    assert heard(manager) is None


def test_no_thread_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a manager nothing is asked."""
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    asked: list[float] = []
    watchdog = Watchdog({"milter": asked.append}, lambda _event: None)
    watchdog.start()
    assert not watchdog._thread.is_alive()
    assert asked == []


def test_a_loop_may_take_its_time() -> None:
    """Making the tables takes minutes at most; what comes round never again is a fault."""
    now = [0.0]
    heartbeat = Heartbeat(lambda: now[0])
    now[0] = 600.0
    assert heartbeat.fault(1) is None
    now[0] = 1000.0
    assert heartbeat.fault(1) == "not come round for 1000 s"
    heartbeat.beat()
    assert heartbeat.fault(1) is None

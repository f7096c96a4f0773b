"""Telling the service manager."""

import os
import socket
from pathlib import Path

import pytest

from domain_secure.milter.daemon.notify import notify, watchdog_seconds


def test_state_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manager gets the state as one datagram (sd_notify(3))."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notify("READY=1\nSTATUS=ready")
        assert manager.recv(4096) == b"READY=1\nSTATUS=ready"


def test_abstract_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leading @ stands for Linux's abstract namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("")  # the kernel chooses an abstract address
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + manager.getsockname()[1:].decode())
        notify("STOPPING=1")
        assert manager.recv(4096) == b"STOPPING=1"


@pytest.mark.parametrize("address", [None, "/nonexistent/notify"])
def test_nobody_listening_is_no_trouble(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a manager, or with one that went away, nothing happens."""
    if address is None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    else:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_how_often_the_manager_wants_to_hear(
    variables: dict[str, str], seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As sd_watchdog_enabled(3) reads it; what is meant for another process is none of ours."""
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert watchdog_seconds() == seconds

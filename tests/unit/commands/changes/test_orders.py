"""How orders come to root's unit: whole and in time, from somebody who still waits."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain_secure.commands.changes import command
from domain_secure.commands.changes.request import LARGEST

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Who asks, and root's unit."""
    asking, answering = socket.socketpair()
    with asking, answering:
        yield asking, answering


def test_a_request_ends_where_whoever_asks_says_no_more(ends: Ends) -> None:
    """Its octets may come in pieces; and whoever only has no more to say still waits."""
    asking, answering = ends
    asking.sendall(b"one")
    asking.sendall(b"two")
    asking.shutdown(socket.SHUT_WR)
    assert command._received(answering) == b"onetwo"
    assert command._waits(answering)
    asking.close()
    assert not command._waits(answering)


def test_a_request_has_a_length(ends: Ends) -> None:
    """What is longer is not read on, and is no order."""
    asking, answering = ends
    asking.sendall(b"x" * (2 * LARGEST + 2))
    assert LARGEST < len(command._received(answering)) <= 2 * LARGEST + 1


def test_a_slow_request_is_given_up(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is for the whole, and not for each of its octets."""
    asking, answering = ends
    monkeypatch.setattr(command, "_REQUEST_SECONDS", 0.0)
    asking.sendall(b"{")
    with pytest.raises(TimeoutError):
        command._received(answering)


def test_refusals_come_slowly_also_to_whoever_hangs_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faster ones would let journald drop lines of the unit, also that about an act which was done."""
    paused: list[float] = []
    monkeypatch.setattr(time, "sleep", paused.append)
    monkeypatch.setattr(command, "_IDLE_SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(str(tmp_path / "socket"))
                asking.sendall(b"{}")
        command._serve(listener, tmp_path / "domain-secure.toml")
    assert paused == [command._PAUSE_SECONDS] * 3
    capsys.readouterr()

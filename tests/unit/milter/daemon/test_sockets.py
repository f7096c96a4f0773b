"""Listening sockets: notation, stale files, permissions."""

import socket
import stat
from pathlib import Path

import pytest

from domain_secure.milter.daemon.sockets import Endpoint, clear_stale_socket, listen
from domain_secure.policy.terms.problems import Problem


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("unix:/run/milter", Endpoint(Path("/run/milter"))),
        ("local:/run/milter", Endpoint(Path("/run/milter"))),
        ("inet:8891@127.0.0.1", Endpoint(None, "127.0.0.1", 8891)),
        ("inet6:8891@::1", Endpoint(None, "::1", 8891)),
        ("inet:8891@[::1]", Endpoint(None, "::1", 8891)),
    ],
)
def test_notation(text: str, endpoint: Endpoint) -> None:
    """libmilter's notation is read, and written so that libmilter reads it."""
    assert Endpoint.parse(text) == endpoint
    assert Endpoint.parse(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    "text", ["", "unix:relative", "inet:127.0.0.1:8891", "inet:x@y", "tcp:1@h", "/run/x"]
)
def test_other_notations_are_refused(text: str) -> None:
    """What libmilter would misread is refused before it is asked."""
    with pytest.raises(ValueError, match="neither"):
        Endpoint.parse(text)


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    """A file that a killed daemon left behind is in nobody's way."""
    path = tmp_path / "milter"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with listen(Endpoint(path)) as listening:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert listening.getsockname() == str(path)


def test_a_live_socket_is_left_alone(tmp_path: Path) -> None:
    """A second daemon does not take the first one's place."""
    path = tmp_path / "milter"
    with listen(Endpoint(path)):
        with pytest.raises(Problem, match="another daemon"):
            clear_stale_socket(Endpoint(path))
        assert path.exists()


def test_a_missing_folder_is_explained(tmp_path: Path) -> None:
    """The message says what to run."""
    with pytest.raises(Problem, match="domain-secure attach"):
        listen(Endpoint(tmp_path / "none" / "milter"))

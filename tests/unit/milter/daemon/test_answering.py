"""Whether a listener answers, asked over real sockets."""

import socket
from pathlib import Path

from domain_secure.milter.daemon.answering import milter_fault, policy_fault
from domain_secure.milter.daemon.sockets import Endpoint, listen


def test_accepting_is_not_answering(tmp_path: Path) -> None:
    """A listener whose thread hangs still takes connections, by the kernel's queue."""
    endpoint = Endpoint(tmp_path / "milter")
    with listen(endpoint):
        assert milter_fault(endpoint, 0.05) == "no answer within 0.05 s"
        assert policy_fault(endpoint, 0.05) == "no answer within 0.05 s"


def test_somebody_else_is_not_us(tmp_path: Path) -> None:
    """An answer must be the protocol's."""
    endpoint = Endpoint(tmp_path / "policy")
    with listen(endpoint) as listening:
        listening.setblocking(False)
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(str(endpoint.path))
            listening.accept()[0].close()
    assert policy_fault(endpoint, 1) == "Connection refused"


def test_a_socket_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    """Postfix would not find it either."""
    assert milter_fault(Endpoint(tmp_path / "milter"), 1) == "No such file or directory"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert milter_fault(Endpoint(None, "127.0.0.1", port), 1) == "Connection refused"

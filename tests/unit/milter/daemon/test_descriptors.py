"""How many sessions fit into a limit of descriptors."""

import resource
import socket

import pytest

from domain_secure.milter.daemon.descriptors import SPARE, is_of_this_process, most_sessions, use_all_allowed


@pytest.mark.parametrize(
    ("soft", "most"),
    [(1024, (1024 - SPARE) // 2), (600, (600 - SPARE) // 2), (300, 22), (200, 16)],
)
def test_some_are_kept_free(soft: int, most: int) -> None:
    """Two for each session, the rest for everything else; never none."""
    former = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, former[1]))
    try:
        assert most_sessions() == most
        use_all_allowed()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == former[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, former)


def test_our_own_questions_are_known() -> None:
    """A pair of unix sockets is ours; a connection over TCP may be anybody's."""
    one, other = socket.socketpair()
    with one, other, socket.create_server(("127.0.0.1", 0)) as server:
        assert is_of_this_process(one)
        assert not is_of_this_process(server)

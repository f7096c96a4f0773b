"""The thread that waits for many sockets."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from domain_secure.milter.daemon.sockets import Endpoint, listen
from domain_secure.milter.session.selector_thread import SelectorThread

from lab.waiting import DEADLINE


def started(
    path: Path, accepted: Callable[[socket.socket], None], ended: Callable[[], None]
) -> SelectorThread:
    """Return a running thread that listens at *path*."""
    thread = SelectorThread("test", listen(Endpoint(path)), accepted, lambda: None, ended)
    thread.start()
    return thread


def test_a_fault_of_a_task_is_its_askers(tmp_path: Path) -> None:
    """Whoever asked has the error, and the thread goes on."""
    thread = started(tmp_path / "s", lambda _: None, lambda: None)
    with pytest.raises(ZeroDivisionError):
        thread.do(lambda: 1 // 0)
    assert thread.do(lambda: 7) == 7
    assert thread.is_alive
    thread.stop()
    assert not thread.is_alive


def test_a_fault_of_an_event_ends_the_thread_and_is_told(tmp_path: Path) -> None:
    """Whoever supervises hears of it, with the reason."""
    ended = threading.Event()
    fault = ZeroDivisionError("a bug")

    def accepted(connection: socket.socket) -> None:
        connection.close()
        raise fault

    thread = started(tmp_path / "s", accepted, ended.set)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(tmp_path / "s"))
        assert ended.wait(DEADLINE)
    assert thread.error is fault
    thread.stop()


def test_nobody_is_told_of_a_socket_that_was_left(tmp_path: Path) -> None:
    """Two sockets are ready in the same round; the first to be told of hangs up on the other."""
    told: list[int] = []
    pairs = [socket.socketpair() for _ in range(2)]
    thread = started(tmp_path / "s", lambda _: None, lambda: None)

    was_told = threading.Event()

    def tell(which: int) -> None:
        told.append(which)
        for ours, _ in pairs:
            thread.leave(ours)
        was_told.set()

    def watch() -> None:
        for which, (ours, theirs) in enumerate(pairs):
            thread.watch(ours, lambda which=which: tell(which))  # type: ignore[misc]
            theirs.send(b"x")

    thread.do(watch)
    assert was_told.wait(DEADLINE)
    # The first task may belong to the same round, the second cannot.
    thread.do(lambda: None)
    assert thread.do(lambda: len(told)) == 1
    thread.stop()
    for ours, theirs in pairs:
        ours.close()
        theirs.close()

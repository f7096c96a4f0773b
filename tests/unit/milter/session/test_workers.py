"""Threads for what has to wait."""

import threading

import pytest

from domain_secure.milter.session import workers as workers_module
from domain_secure.milter.session.workers import Workers

from lab.waiting import wait_for

SECONDS = 10.0


def test_nobody_waits_for_another() -> None:
    """However many tasks wait, the next one begins."""
    workers = Workers("test", lambda _: None)
    hold, arrived = threading.Event(), threading.Semaphore(0)

    def wait() -> None:
        arrived.release()
        hold.wait(SECONDS)

    for _ in range(20):
        workers.do(wait)
    assert all(arrived.acquire(timeout=SECONDS) for _ in range(20))
    hold.set()


def test_a_thread_does_one_task_after_another() -> None:
    """What is idle is used before another thread begins."""
    workers = Workers("test", lambda _: None)
    names, done = set[int](), threading.Semaphore(0)

    def note() -> None:
        names.add(threading.get_ident())
        done.release()

    for _ in range(30):
        workers.do(note)
        assert done.acquire(timeout=SECONDS)
    assert len(names) < 30


def test_a_task_that_fails_is_told_and_harms_nobody() -> None:
    """The thread goes on."""
    failed, done = list[Exception](), threading.Event()
    workers = Workers("test", failed.append)

    def fail() -> None:
        raise ValueError("no")

    for _ in range(2):
        workers.do(fail)
    workers.do(done.set)
    assert done.wait(SECONDS)
    wait_for(lambda: len(failed) == 2, "both faults to be told")


def test_threads_with_nothing_to_do_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rush leaves no threads behind, and the next task gets one again."""
    monkeypatch.setattr(workers_module, "_IDLE_SECONDS", 0.0)
    workers = Workers("rush", lambda _: None)
    for _ in range(50):
        done = threading.Event()
        workers.do(done.set)
        assert done.wait(SECONDS)
    wait_for(lambda: not any(thread.name == "rush" for thread in threading.enumerate()), "no threads")

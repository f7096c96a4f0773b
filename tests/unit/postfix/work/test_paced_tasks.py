"""Tasks on targets: shared, spaced, bounded."""

import threading
from collections.abc import Callable

import pytest

from domain_secure.postfix.work import paced_tasks
from domain_secure.postfix.work.paced_tasks import Pace, PacedTasks, Room

from lab.waiting import DEADLINE, wait_for

PACE = Pace(after_success=60, after_failure=30, longest=100)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def make(
    work: Callable[[str], bool], clock: Callable[[], float], *, threads: int = 2, waiting: int = 8
) -> PacedTasks[str, bool]:
    """Return tasks whose result tells whether they succeeded."""
    return PacedTasks(work, lambda result: result, PACE, Room(threads, waiting), monotonic=clock)


def done(tasks: PacedTasks[str, bool], key: str) -> bool:
    """Run the task on a target to its end, until the target is left alone, and return its result."""
    task = tasks.ask(key)
    assert task is not None
    result = task.result(DEADLINE)
    wait_for(lambda: tasks.ask(key) is None, "the target to be left alone")
    return result


def test_one_task_a_target_is_shared() -> None:
    """Who asks while it is under way gets the same future."""
    go = threading.Event()
    tasks = make(lambda _: go.wait(DEADLINE), Clock())
    first, second, other = tasks.ask("a"), tasks.ask("a"), tasks.ask("b")
    assert first is second
    assert other is not first
    go.set()
    assert first is not None
    assert first.result(DEADLINE) is True


def test_after_a_success_the_target_is_left_alone() -> None:
    """For the short pause."""
    clock = Clock()
    tasks = make(lambda _: True, clock)
    assert done(tasks, "a")
    clock.now += 59
    assert tasks.ask("a") is None
    clock.now += 1
    assert tasks.ask("a") is not None


def test_the_pause_doubles_with_each_failure() -> None:
    """Up to the longest, and one success ends it."""
    clock = Clock()
    outcomes = iter((False, False, False, False, True))
    tasks = make(lambda _: next(outcomes), clock)
    for pause in (30, 60, 100, 100, 60):
        done(tasks, "a")
        clock.now += pause - 1
        assert tasks.ask("a") is None
        clock.now += 1


def test_work_that_raises_has_failed() -> None:
    """Whoever waits gets the exception."""
    clock = Clock()

    def work(_: str) -> bool:
        raise OSError("no route")

    tasks = make(work, clock)
    task = tasks.ask("a")
    assert task is not None
    with pytest.raises(OSError, match="no route"):
        task.result(DEADLINE)
    wait_for(lambda: tasks.ask("a") is None, "the target to be left alone")


def test_threads_and_waiting_tasks_are_bounded() -> None:
    """Two run, three wait, the next is turned away; afterwards there is room again."""
    go, running = threading.Event(), threading.Semaphore(0)
    most = 0
    lock = threading.Lock()
    present = 0

    def work(_: str) -> bool:
        nonlocal most, present
        with lock:
            present += 1
            most = max(most, present)
        running.release()
        go.wait(DEADLINE)
        with lock:
            present -= 1
        return True

    tasks = make(work, Clock(), threads=2, waiting=3)
    begun = [tasks.ask("a"), tasks.ask("b")]
    for _ in begun:
        assert running.acquire(timeout=DEADLINE)
    waiting = [tasks.ask(key) for key in "cde"]
    assert all(waiting)
    assert tasks.ask("f") is None
    assert tasks.ask("c") is waiting[0]
    go.set()
    for task in (*begun, *waiting):
        assert task is not None
        assert task.result(DEADLINE)
    assert most == 2
    assert tasks.ask("f") is not None


def test_only_so_many_targets_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest forgotten is free again; one under way is never forgotten."""
    monkeypatch.setattr(paced_tasks, "REMEMBERED", 3)
    go = threading.Event()
    tasks = make(lambda key: key != "slow" or go.wait(DEADLINE), Clock(), waiting=100)
    slow = tasks.ask("slow")
    for key in "abcd":
        done(tasks, key)
    assert tasks.ask("slow") is slow
    assert tasks.ask("a") is not None
    go.set()


def test_kept_results_answer_while_the_target_is_left_alone() -> None:
    """Where results are small, the last one is better than none; a failure is kept like a success."""
    clock = Clock()
    outcomes = iter((True, False))
    tasks = PacedTasks(lambda _: next(outcomes), bool, PACE, Room(1, 1), keep=True, monotonic=clock)
    for pause, expected in ((60, True), (30, False)):
        task = tasks.ask("a")
        assert task is not None
        assert task.result(DEADLINE) is expected
        wait_for(lambda: tasks._targets["a"].task is None, "the target to be left alone")
        clock.now += pause - 1
        assert tasks.ask("a") is task
        clock.now += 1

"""Answers that are kept for a while."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain_secure.milter.page import cached
from domain_secure.milter.page.cached import Cached

from lab.waiting import DEADLINE, wait_for


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Hold the clock."""
    now = [100.0]
    monkeypatch.setattr(cached.time, "monotonic", lambda: now[0])
    return now


def test_asked_once_for_all_who_wait(clock: list[float]) -> None:
    """Many threads at once, one question; the next one when the answer is too old."""
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        return len(asked)

    kept = Cached(ask, 5.0)
    with ThreadPoolExecutor(8) as pool:
        assert {answer.value for answer in pool.map(lambda _: kept.fresh(), range(40))} == {1}
    clock[0] += 5
    assert kept.fresh().value == 2


def test_last_never_waits(clock: list[float]) -> None:
    """It returns what there is, while a thread asks; an old answer is shown until the new one is there."""
    gate = threading.Event()

    def ask() -> str:
        gate.wait(DEADLINE)
        return "told"

    kept = Cached(ask, 5.0)
    assert kept.last().value is None
    assert kept.last().taken is None
    gate.set()
    wait_for(lambda: kept.last().value == "told", "the answer")
    gate.clear()
    clock[0] += 5
    assert kept.last().value == "told"
    gate.set()


def test_a_question_that_fails_says_why() -> None:
    """The reason is the answer, and it is asked again later."""

    def ask() -> str:
        raise OSError("disk on fire")

    answer = Cached(ask, 5.0).fresh()
    assert (answer.value, answer.problem) == (None, "OSError: disk on fire")

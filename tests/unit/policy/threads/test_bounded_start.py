"""Whoever starts a thread goes on, whether it begins or not."""

import threading
from collections.abc import Callable

import pytest

from domain_secure.policy.threads import bounded_start
from domain_secure.policy.threads.bounded_start import BoundedStartThread


@pytest.fixture
def held_back(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """Have no thread begin, as where there is no memory for its first step; return what each was to do."""
    first_steps: list[Callable[[], object]] = []

    def make(first_step: Callable[[], object], *_: object, **__: object) -> int:
        first_steps.append(first_step)
        return 0

    for name in ("_start_new_thread", "_start_joinable_thread"):
        monkeypatch.setattr(threading, name, make, raising=False)
    monkeypatch.setattr(bounded_start, "BEGIN_SECONDS", 0.01)
    return first_steps


def test_it_does_what_it_is_to_do() -> None:
    """With its arguments, under its name, and without holding up the end of the program."""
    seen: list[tuple[int, str, bool]] = []

    def note(number: int) -> None:
        thread = threading.current_thread()
        seen.append((number, thread.name, thread.daemon))

    thread = BoundedStartThread(note, (7,), name="one")
    thread.start()
    thread.join()
    assert seen == [(7, "one", True)]


def test_one_that_does_not_begin_is_given_up(held_back: list[Callable[[], object]]) -> None:
    """It is told as a thread that the system refuses, and does nothing should it begin after all."""
    seen: list[int] = []
    thread = BoundedStartThread(seen.append, (7,), name="late")
    with pytest.raises(RuntimeError, match="late did not begin"):
        thread.start()
    assert len(held_back) == 1
    thread.run()
    assert seen == []

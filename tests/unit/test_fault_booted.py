"""What a booted machine counted is held to what is promised."""

import pytest

from fault.booted import promises

_GOOD = {"messages": 9, "lost": 0, "wrong": 0, "refused": 0, "deferred": 2, "broken_off": 0}


def test_deferred_is_not_refused() -> None:
    """Who was told to come again lost nothing, and each kill had its end in time."""
    message, soon = promises("bookworm", {**_GOOD, "recoveries": [0.9, 1.9]})
    assert message.held
    assert soon.held
    assert soon.measured == "1.90 s, median 1.90 s"


@pytest.mark.parametrize("what", ["lost", "wrong", "refused"])
def test_one_message_is_enough(what: str) -> None:
    """However many there were."""
    message, _ = promises("bookworm", {**_GOOD, what: 1, "recoveries": [0.9]}, "missing: 1")
    assert not message.held
    assert message.needed == "missing: 1"


@pytest.mark.parametrize(
    ("recoveries", "state"),
    [([0.9, 2.1], "falls short"), ([0.9, 4.1], "BROKEN"), ([0.9, None], "BROKEN")],
)
def test_one_kill_is_enough(recoveries: list[float | None], state: str) -> None:
    """The slowest counts, and one that did not end most of all."""
    _, soon = promises("bookworm", {**_GOOD, "recoveries": recoveries})
    assert soon.state == state

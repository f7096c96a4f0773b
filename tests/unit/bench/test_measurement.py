"""A measurement with a goal is a promise."""

import pytest

from bench.measurement import Goal, Measurement, promise_of
from bench.shortfalls import Shortfall


@pytest.mark.parametrize(
    ("text", "value", "is_met"),
    [
        (">= 0.95", 0.95, True),
        (">= 0.95", 0.94, False),
        ("<= 60 MiB", 60.0, True),
        ("<= 60 MiB", 60.1, False),
        (">= 300,000 lines/s", 299_999.0, False),
    ],
)
def test_a_goal_is_a_number_and_a_direction(text: str, value: float, is_met: bool) -> None:
    """The number itself is enough."""
    assert Goal.parse(text).is_met_by(value) is is_met


@pytest.mark.parametrize("text", ["", "0.95", "> 1", ">= fast", ">= 1, or so"])
def test_what_is_no_goal(text: str) -> None:
    """A goal that nobody can check is none."""
    with pytest.raises(ValueError, match="no goal"):
        Goal.parse(text)


def test_a_goal_without_a_unit_is_about_the_ratio() -> None:
    """One with a unit is about the value, whatever it was measured beside."""
    reference = Measurement("part", "reference", "MiB", (10.0, 10.0, 10.0))
    one = Measurement("part", "ours", "MiB", (20.0, 30.0, 90.0))
    by_ratio = promise_of(one.against(reference, goal="<= 2"))
    assert (by_ratio.held, by_ratio.measured, by_ratio.goal) == (
        False,
        "3.00 × reference",
        "<= 2 × reference",
    )
    by_value = promise_of(one.against(reference, goal="<= 60 MiB"))
    assert (by_value.held, by_value.measured) == (True, "30.0 MiB")


def test_a_known_shortfall_is_named_and_turns_nothing_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known as far as its bound; beyond that it has become worse."""
    short = Shortfall("<= 4 s", "another disk")
    monkeypatch.setattr("bench.measurement.SHORTFALLS", {("part", "ours"): short})
    within, beyond = (
        promise_of(Measurement("part", "ours", "s", (value,), goal="<= 1 s")) for value in (3.0, 5.0)
    )
    assert (within.held, within.known, within.state) == (False, True, "falls short")
    assert (beyond.held, beyond.known, beyond.state) == (False, False, "BROKEN")
    assert within.needed == beyond.needed == "another disk"

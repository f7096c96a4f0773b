"""What is known to fall short in the benchmark turns it red when it has become worse."""

import pytest

from bench.measurement import Goal, Measurement, promise_of
from bench.shortfalls import SHORTFALLS, Shortfall


@pytest.mark.parametrize("short", SHORTFALLS.values(), ids=lambda one: one.until)
def test_each_is_bounded_and_says_what_it_would_take(short: object) -> None:
    """A shortfall without a bound would hide whatever comes."""
    assert Goal.parse(getattr(short, "until", ""))
    assert getattr(short, "needed", "").endswith(".")


@pytest.mark.parametrize(("value", "state"), [(4.0, "held"), (7.0, "falls short"), (20.0, "BROKEN")])
def test_beyond_its_bound_it_is_broken(value: float, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a millisecond more is no shortfall that anybody knows."""
    monkeypatch.setitem(SHORTFALLS, ("decision", "slow"), Shortfall("<= 14 µs", "It would take more."))
    assert promise_of(Measurement("decision", "slow", "µs", (value,), goal="<= 5 µs")).state == state

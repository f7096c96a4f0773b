"""Small bars: their geometry."""

from hypothesis import given
from hypothesis import strategies as st

from domain_secure.milter.page.sparkline import ABOVE, BELOW, sparkline

PAIRS = st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), max_size=40)


@given(PAIRS)
def test_every_event_is_seen_and_nothing_leaves_the_frame(pairs: list[tuple[int, int]]) -> None:
    """A bar for each number that is not 0, two pixels high or more; good above the line, bad below."""
    drawn = sparkline({"good": [good for good, _ in pairs]}, {"bad": [bad for _, bad in pairs]})
    assert len(drawn.bars) == sum(bool(number) for pair in pairs for number in pair)
    for bar in drawn.bars:
        assert bar.height >= 2
        assert bar.y >= 0
        assert bar.y + bar.height <= drawn.height
        assert bar.x + bar.width <= drawn.width
        assert (bar.y >= drawn.ground) is (bar.kind == "bad")


def test_one_scale() -> None:
    """The highest bar fills its side, the others are in proportion; kinds of one side are stacked."""
    good, half, open_, bad = sparkline({"good": [6, 3], "open": [0, 3]}, {"bad": [3, 0]}).bars
    assert (good.y, good.height, half.height) == (0, ABOVE, ABOVE / 2)
    assert (open_.y, open_.height) == (0, ABOVE / 2)
    assert (bad.y, bad.height) == (ABOVE, BELOW)


def test_a_side_without_bars_takes_no_room() -> None:
    """Nothing hangs below the line, nothing stands on it, and nothing is drawn of nothing."""
    alone = sparkline({}, {"bad": [1]})
    assert (alone.ground, alone.height) == (0, BELOW + 1)
    assert sparkline({"good": [1]}, {}).height == ABOVE + 1
    assert sparkline({}, {}).bars == ()

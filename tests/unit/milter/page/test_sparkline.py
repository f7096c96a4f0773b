"""Small bars: their geometry."""

from hypothesis import given
from hypothesis import strategies as st

from domain_secure.milter.page.sparkline import HEIGHT, sparkline

PAIRS = st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), max_size=40)


@given(PAIRS)
def test_every_event_is_seen_and_nothing_leaves_the_frame(pairs: list[tuple[int, int]]) -> None:
    """A bar for each number that is not 0, at least two pixels high, inside the frame."""
    drawn = sparkline([good for good, _ in pairs], [bad for _, bad in pairs])
    assert len(drawn.bars) == sum(bool(number) for pair in pairs for number in pair)
    for bar in drawn.bars:
        assert 2 <= bar.height <= HEIGHT
        assert bar.y >= 0
        assert bar.x + bar.width <= drawn.width


def test_the_highest_bar_fills_the_frame() -> None:
    """What was bad stands on what was good, in proportion."""
    good, bad, half = sparkline([6, 6], [6, 0]).bars
    assert (good.kind, good.y, good.height) == ("good", HEIGHT / 2, HEIGHT / 2)
    assert (bad.kind, bad.y, bad.height) == ("bad", 0, HEIGHT / 2)
    assert half.height == HEIGHT / 2

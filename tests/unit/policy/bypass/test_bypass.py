"""How long a bypass may last, and that no clock makes it longer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain_secure.policy.bypass.bypass import (
    Account,
    Bypass,
    Reading,
    Wish,
    begun,
    counted,
    ended,
    is_over,
    noted,
)
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

NOW = datetime(2026, 11, 27, 20, tzinfo=UTC)
START = Reading(NOW, "one", 1000.0)
WOODGROVE, FABRIKAM = Entry("woodgrovebank.test"), Entry("fabrikam.test")
HOUR = timedelta(hours=1)


def later(
    hours: float, *, clock: float | None = None, boot: str = "one", seconds: float | None = None
) -> Reading:
    """Return the clocks so many *hours* after the start; *clock* is what the one says that people set."""
    shown = NOW + timedelta(hours=hours if clock is None else clock)
    return Reading(shown, boot, 1000.0 + hours * 3600 if seconds is None else seconds)


def wish(hours: float = 4, **changes: object) -> Wish:
    """Return a wish for a bypass of so many hours."""
    plain = Wish(WOODGROVE, (), timedelta(hours=hours), "anna", "their certificate has ended")
    return replace(plain, **changes)  # type: ignore[arg-type]


def begin(asked: Wish | None = None, at: Reading = START, present: tuple[Bypass, ...] = ()) -> Bypass:
    """Return the bypass that meets a wish."""
    return begun(asked or wish(), present, (), None, at)[-1]


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param(later(4), id="by every clock"),
        pytest.param(later(4, clock=-10), id="a clock set back"),
        pytest.param(later(1, clock=4), id="a clock set forward"),
        pytest.param(later(0, clock=-10, boot="two", seconds=4 * 3600), id="back, and started again"),
    ],
)
def test_it_is_over_by_whichever_clock_says_more(reading: Reading) -> None:
    """After its time, and whatever was done to a clock, it is over."""
    assert is_over(begin(), None, reading)


@pytest.mark.parametrize("reading", [later(3.9), later(3.9, clock=-10), later(0, clock=-10)])
def test_it_goes_on_within_its_time(reading: Reading) -> None:
    """A clock that was set back does not end it either."""
    assert not is_over(begin(), None, reading)


def test_no_restart_gives_time_back() -> None:
    """What was noted before a restart counts, although the clock is hours behind since."""
    bypass = begin()
    account = noted([bypass], None, later(3))
    behind = later(0, clock=-10, boot="two", seconds=1800.0)
    assert not is_over(bypass, account, behind)
    account = noted([bypass], account, behind)
    assert is_over(bypass, account, later(0, clock=-9.5, boot="two", seconds=3600.0))
    assert is_over(bypass, account, later(0, clock=-9.9, boot="three", seconds=1800.0))


def test_a_time_once_seen_stays() -> None:
    """A clock that went past the end and back again has ended it."""
    bypass = begin()
    account = noted([bypass], None, later(0.1, clock=5))
    assert is_over(bypass, account, later(0.2))


def test_an_account_of_others_says_nothing() -> None:
    """What was noted before a bypass began is not counted for it."""
    assert not is_over(begin(), Account("one", 0.0, {}), later(3))


def test_a_clock_that_was_wrong_before_it_began_does_not_end_it() -> None:
    """A clock that was years ahead during another bypass, and was set right, ends that one alone."""
    other = begin(wish(entry=FABRIKAM))
    account = noted([other], None, later(0.1, clock=24 * 1000))
    new = begin(at=later(0.2))
    account = noted([other, new], account, later(0.3))
    assert is_over(other, account, later(0.4))
    assert not is_over(new, account, later(0.4))


def test_a_start_that_the_machine_has_not_come_to_is_over() -> None:
    """Nobody began what is said to have begun later in this very start of the machine."""
    assert is_over(replace(begin(), seconds=START.seconds + 60), None, START)


def test_no_more_than_a_day() -> None:
    """Longer than 24 hours is refused, at once and in parts."""
    with pytest.raises(Problem, match="24 h at most"):
        begin(wish(25))
    running = begin(wish(20))
    with pytest.raises(Problem, match="give --for 1200m or less"):
        begin(wish(20.1), later(4), (running,))
    with pytest.raises(Problem, match="give --for 1200m or less"):
        begin(wish(20.1), later(4, clock=-10), (running,))
    assert begin(wish(20), later(4), (running,)).duration == 24 * HOUR


def test_an_extension_keeps_start_and_first_reason() -> None:
    """An extended bypass is one, with both reasons and both persons."""
    running = begin()
    longer = begin(wish(4, by="bert", reason="they sleep"), later(1), (running,))
    assert (longer.start, longer.duration) == (NOW, 5 * HOUR)
    assert (longer.by, longer.reason) == ("anna, bert", "their certificate has ended; they sleep")
    assert begin(wish(4), later(1), (longer,)).reason == longer.reason


def test_others_stay() -> None:
    """A second partner's bypass leaves the first one alone."""
    first = begin(wish(entry=FABRIKAM))
    assert begun(wish(), (first,), (), None, START)[0] == first


def test_not_one_after_another() -> None:
    """Within 24 hours after one another one must be asked for by --again, so that 24 hours are not 48."""
    former = ended(begin(), "anna", later(2))
    with pytest.raises(Problem, match="less than 24 h ago"):
        begun(wish(), (), (former,), None, later(25.9))
    assert begun(wish(again=True), (), (former,), None, later(3))
    assert begun(wish(), (), (former,), None, later(26))
    assert begun(wish(entry=FABRIKAM), (), (former,), None, later(3))


def test_a_reason_is_needed() -> None:
    """Blanks are no reason."""
    with pytest.raises(Problem, match="needs a reason"):
        begin(wish(reason="  "))


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param("tonight\ndomain_secure: all is well", id="two lines"),
        pytest.param("\x1b[2Jtonight", id="what moves the cursor"),
        pytest.param("\u202etonight", id="what turns the line round"),
        pytest.param("\udce4 night", id="no letter"),
        pytest.param("n" * 201, id="too long"),
    ],
)
def test_a_reason_is_one_line(reason: str) -> None:
    """It is shown in status, report and log, where it must not pass for something else."""
    with pytest.raises(Problem, match="single lines"):
        begin(wish(reason=reason))


def test_ended_before_its_time() -> None:
    """Who ended it is kept, and it is over by every clock, also by one that was set back."""
    for reading in (later(1), later(1, clock=-10)):
        bypass = ended(begin(), "bert", reading)
        assert bypass.ended_by == "bert"
        assert is_over(bypass, None, reading)
        assert not bypass.covers(WOODGROVE, Direction.RECEIVE, NOW + HOUR)


def test_directions() -> None:
    """It covers the directions asked for, its own list entry, and its own time."""
    bypass = begin(wish(directions=(Direction.SEND,)))
    assert bypass.covers(WOODGROVE, Direction.SEND, NOW)
    assert not bypass.covers(WOODGROVE, Direction.RECEIVE, NOW)
    assert not bypass.covers(FABRIKAM, Direction.SEND, NOW)
    assert not bypass.covers(WOODGROVE, Direction.SEND, NOW + 4 * HOUR)
    assert not bypass.covers(WOODGROVE, Direction.SEND, NOW - HOUR)
    assert begin().direction == "both"


def test_counted_for_thirty_days() -> None:
    """Those of the last 30 days are counted, of this partner alone."""
    old, new = begin(), begin(at=later(24 * 40))
    of_others = begin(wish(entry=FABRIKAM), later(24 * 40))
    assert counted(WOODGROVE, [old, new, of_others], new.start) == 1

"""A time that has been, whatever the clock says."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain_secure.policy.files import known_time
from domain_secure.policy.files.known_time import KnownTime

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_newest_file_of_the_state(tmp_path: Path) -> None:
    """The state folder's newest file has been written, so its time has been."""
    for name, days in (("history.sqlite", 400), ("certificates.sqlite", 30)):
        (tmp_path / name).touch()
        moment = (datetime.now(UTC) + timedelta(days=days)).timestamp()
        os.utime(tmp_path / name, (moment, moment))
    known = KnownTime.of_state(tmp_path).after(NOW)
    assert timedelta(days=399) < known - datetime.now(UTC) < timedelta(days=401)


def test_program_itself_bears_witness(tmp_path: Path) -> None:
    """Without a state folder the program's own age counts."""
    built = datetime.fromtimestamp(Path(known_time.__file__).stat().st_mtime, UTC)
    assert KnownTime.of_state(tmp_path / "none").after(datetime.min.replace(tzinfo=UTC)) == built


def test_a_clock_that_went_back_is_noticed() -> None:
    """The latest time of a message stays known when the clock is set back."""
    known = KnownTime(NOW - timedelta(days=1))
    assert known.after(NOW) == NOW
    assert known.after(NOW - timedelta(days=365)) == NOW


class Clocks:
    """The clock that nobody sets, and the other one, which is *ahead* of it."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.ahead = timedelta(0)
        self.known = KnownTime(NOW - timedelta(days=1), lambda: self.seconds)
        self.look()

    @property
    def passed(self) -> datetime:
        """Return the time it is."""
        return NOW + timedelta(seconds=self.seconds - 1000)

    def look(self) -> datetime:
        """Return the time known."""
        return self.known.after(self.passed + self.ahead)


def test_a_clock_that_leaps_ahead_is_not_believed() -> None:
    """What it says is no time that has been; it is doubted until it comes back, and nothing is left of it."""
    clocks = Clocks()
    for hours in (1, 5):
        clocks.seconds += hours * 3600
        clocks.ahead = timedelta(days=365)
        assert clocks.look() == clocks.passed
        assert clocks.known.is_clock_ahead
    clocks.ahead = timedelta(0)
    assert clocks.look() == clocks.passed
    assert not clocks.known.is_clock_ahead


def test_a_clock_that_was_put_right_is_believed_after_a_day() -> None:
    """A machine that was paused has a clock that leaps ahead, and rightly."""
    clocks = Clocks()
    clocks.ahead = timedelta(days=30)
    clocks.look()
    clocks.seconds += 86_400
    assert clocks.look() == clocks.passed + clocks.ahead
    assert not clocks.known.is_clock_ahead


def test_a_clock_that_is_put_right_by_minutes_is_believed_at_once() -> None:
    """Forth and back, again and again, as it happens to a machine whose clock runs a little wrong."""
    clocks = Clocks()
    for minutes in (9, 17, 9, 0):
        clocks.seconds += 3600
        clocks.ahead = timedelta(minutes=minutes)
        clocks.look()
        assert not clocks.known.is_clock_ahead
    assert clocks.look() >= clocks.passed


def test_what_passed_while_the_clock_was_behind_counts() -> None:
    """A clock that is put right after days has not leapt ahead."""
    clocks = Clocks()
    clocks.ahead = timedelta(days=-365)
    assert clocks.look() == NOW
    clocks.seconds += 10 * 86_400
    assert clocks.look() == NOW
    clocks.ahead = timedelta(0)
    assert clocks.look() == clocks.passed
    assert not clocks.known.is_clock_ahead

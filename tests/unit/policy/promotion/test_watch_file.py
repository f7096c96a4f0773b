"""When the daemon ran: never longer than it did."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain_secure.policy.promotion.watch_file import FILE, note, read, with_now

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_restart_is_one_stretch_and_a_night_is_two() -> None:
    """Notes that follow each other join; after a longer time a new stretch begins."""
    ran = with_now(with_now((), NOW), NOW + MINUTE)
    assert ran == ((NOW, NOW + MINUTE),)
    later = NOW + timedelta(hours=8)
    assert with_now(ran, later) == (*ran, (later, later))


def test_a_clock_that_was_set_back_counts_nothing_twice() -> None:
    """Until the time that was told last has come again nothing is added."""
    ran = ((NOW, NOW + MINUTE),)
    assert with_now(ran, NOW - timedelta(hours=5)) == ran


def test_what_is_old_goes(tmp_path: Path) -> None:
    """After 120 days a stretch is forgotten, and what is kept comes back as it was."""
    note(tmp_path, NOW - timedelta(days=121))
    note(tmp_path, NOW)
    assert read(tmp_path) == ((NOW, NOW),)


def test_a_damaged_file_says_nothing(tmp_path: Path) -> None:
    """Then nobody has watched, as far as is known, and the next note begins anew."""
    (tmp_path / FILE).write_text("[")
    assert read(tmp_path) == ()
    note(tmp_path, NOW)
    assert read(tmp_path) == ((NOW, NOW),)

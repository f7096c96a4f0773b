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

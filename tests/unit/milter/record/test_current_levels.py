"""The levels in force follow the configuration and the file of temporary levels."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain_secure.milter.record.current_levels import CurrentLevels
from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.record.log_levels import FILE_NAME, TemporaryLevel, set_temporary_levels
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.event import Event

from unit.policy.builders import WOODGROVE, configuration


def test_a_temporary_level_is_noticed_and_survives_a_restart(tmp_path: Path) -> None:
    """What another process writes holds after the next look, and for a daemon that starts later too."""
    now = datetime.now(UTC)
    logged: list[Event] = []
    levels = CurrentLevels(lambda: configuration(state=tmp_path), logged.append)
    assert levels.level(Direction.RECEIVE, [WOODGROVE]) is LogLevel.NORMAL
    wanted = TemporaryLevel(Direction.RECEIVE, LogLevel.VERBOSE, (WOODGROVE,), now + timedelta(hours=1))
    set_temporary_levels(tmp_path, [wanted], now)
    levels.refresh()
    assert levels.level(Direction.RECEIVE, [WOODGROVE]) is LogLevel.VERBOSE
    assert levels.level(Direction.SEND, [WOODGROVE]) is LogLevel.NORMAL
    later = CurrentLevels(lambda: configuration(state=tmp_path), logged.append)
    assert later.level(Direction.RECEIVE, [WOODGROVE]) is LogLevel.VERBOSE
    assert [event.word for event in logged] == ["log-levels-changed"] * 2


def test_a_damaged_file_changes_nothing(tmp_path: Path) -> None:
    """What cannot be read is said once, and the former level stays."""
    logged: list[Event] = []
    levels = CurrentLevels(lambda: configuration(state=tmp_path, log_receive=LogLevel.OFF), logged.append)
    (tmp_path / FILE_NAME).write_text("{")
    levels.refresh()
    levels.refresh()
    assert levels.level(Direction.RECEIVE, [WOODGROVE]) is LogLevel.OFF
    assert [event.word for event in logged] == ["log-levels-rejected"]

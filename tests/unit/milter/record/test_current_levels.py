"""The levels in force follow the configuration and the file of temporary levels."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain_secure.milter.record.current_levels import CurrentLevels
from domain_secure.policy.configuration.configuration import Configuration, LogLevel
from domain_secure.policy.record.log_levels import FILE_NAME, TemporaryLevel, set_temporary_levels
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.smtp_listener import SmtpListener

from unit.policy.builders import WOODGROVE, configuration
from unit.policy.history_items import record


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


def test_each_service_has_its_own_level(tmp_path: Path) -> None:
    """What comes in by a service has that one's level; where it cannot be told, the direction's."""
    services = {"smtp/inet": LogLevel.VERBOSE, "submission/inet": LogLevel.OFF}
    present = configuration(state=tmp_path, log_services=services)
    there = SmtpListener("smtp/inet", "", 25), SmtpListener("submission/inet", "", 587)
    levels = CurrentLevels(lambda: present, lambda _: None, lambda _: there)
    found = [
        levels.of(replace(record(), server_address="192.0.2.1", server_port=port))
        for port in ("25", "587", "2525", "")
    ]
    assert found == [LogLevel.VERBOSE, LogLevel.OFF, LogLevel.NORMAL, LogLevel.NORMAL]


def test_postfix_is_asked_where_somebody_wants_to_know(tmp_path: Path) -> None:
    """Once where levels of services are configured, again when its files change; a failure is told once."""
    asked: list[Configuration] = []
    logged: list[Event] = []
    present = [configuration(state=tmp_path, config_directory=tmp_path)]

    def ask(current: Configuration) -> tuple[SmtpListener, ...]:
        asked.append(current)
        raise Problem("it does not answer", "postconf", "look")

    levels = CurrentLevels(lambda: present[0], logged.append, ask)
    assert not asked
    present[0] = replace(present[0], log_services={"smtp/inet": LogLevel.OFF})
    levels.refresh()
    levels.refresh()
    assert len(asked) == 1
    (tmp_path / "master.cf").touch()
    levels.refresh()
    assert len(asked) == 2
    assert [event.word for event in logged] == ["log-services-unknown"] * 2
    assert levels.of(replace(record(), server_address="192.0.2.1", server_port="25")) is LogLevel.NORMAL

"""Log levels: which one holds for whom, and until when."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.record.log_levels import (
    FILE_NAME,
    LogLevels,
    TemporaryLevel,
    set_temporary_levels,
    temporary_levels,
    told,
    without,
)
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

from unit.policy.builders import NOW, WOODGROVE

FABRIKAM = Entry("*.fabrikam.test")
LATER = NOW + timedelta(hours=1)
OFF, NORMAL, VERBOSE = LogLevel.OFF, LogLevel.NORMAL, LogLevel.VERBOSE
RECEIVE, SEND = Direction.RECEIVE, Direction.SEND


def temporary(level: LogLevel, *entries: Entry, direction: Direction = RECEIVE) -> TemporaryLevel:
    """Return a level that holds for an hour."""
    return TemporaryLevel(direction, level, entries, LATER)


@pytest.mark.parametrize(
    ("levels", "entries", "expected"),
    [
        ([], [WOODGROVE], NORMAL),
        ([temporary(VERBOSE)], [WOODGROVE], VERBOSE),
        ([temporary(VERBOSE, direction=SEND)], [WOODGROVE], NORMAL),
        ([temporary(VERBOSE, WOODGROVE)], [WOODGROVE], VERBOSE),
        ([temporary(VERBOSE, WOODGROVE)], [FABRIKAM], NORMAL),
        ([temporary(VERBOSE, WOODGROVE)], [FABRIKAM, WOODGROVE], VERBOSE),
        ([temporary(OFF), temporary(VERBOSE, WOODGROVE)], [WOODGROVE], VERBOSE),
        ([temporary(VERBOSE), temporary(OFF, WOODGROVE)], [WOODGROVE], OFF),
        ([temporary(OFF), temporary(VERBOSE)], [WOODGROVE], VERBOSE),
    ],
)
def test_which_level_holds(levels: list[TemporaryLevel], entries: list[Entry], expected: LogLevel) -> None:
    """One for this partner beats one for everybody, which beats the configured one; of equals the wordier."""
    found = LogLevels({RECEIVE: NORMAL, SEND: NORMAL}, tuple(levels)).level(RECEIVE, entries, NOW)
    assert found is expected


def test_a_temporary_level_ends_by_itself() -> None:
    """At its end the configured level holds again, with nobody doing anything."""
    levels = LogLevels({RECEIVE: OFF, SEND: NORMAL}, (temporary(VERBOSE),))
    assert levels.level(RECEIVE, [WOODGROVE], LATER - timedelta(seconds=1)) is VERBOSE
    assert levels.level(RECEIVE, [WOODGROVE], LATER) is OFF


def test_file_keeps_what_has_not_ended(tmp_path: Path) -> None:
    """What is written comes back, without the levels that have ended."""
    kept = temporary(VERBOSE, WOODGROVE, FABRIKAM)
    ended = TemporaryLevel(SEND, OFF, (), NOW)
    set_temporary_levels(tmp_path, [kept, ended], NOW)
    assert temporary_levels(tmp_path) == (kept,)


def test_nothing_is_written_for_nothing(tmp_path: Path) -> None:
    """Where nothing was set no file appears."""
    set_temporary_levels(tmp_path, [], NOW)
    assert temporary_levels(tmp_path) == ()
    assert not list(tmp_path.iterdir())


def rows(**changes: object) -> str:
    """Return a file with one level, changed."""
    row = {"direction": "send", "level": "off", "domains": [], "until": "2026-11-24T10:00:00+00:00"}
    return json.dumps({"format": 1, "levels": [row | changes]})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        '{"format": 2, "levels": []}',
        '{"format": 1}',
        '{"format": 1, "levels": {"a": 1}}',
        rows(level="loud"),
        rows(direction="both"),
        rows(domains=["."]),
        rows(until="2026-11-24T10:00:00"),
    ],
)
def test_a_file_that_is_not_ours(tmp_path: Path, content: str) -> None:
    """A damaged file is a Problem that says what to do."""
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(Problem, match="remove the file"):
        temporary_levels(tmp_path)


def test_taking_levels_back() -> None:
    """Ending names a direction, and partners or everybody."""
    both, general = temporary(VERBOSE, WOODGROVE, FABRIKAM), temporary(VERBOSE)
    sending = temporary(VERBOSE, direction=SEND)
    levels = (both, general, sending)
    assert without(levels, RECEIVE, []) == (sending,)
    assert without(levels, RECEIVE, [WOODGROVE]) == (temporary(VERBOSE, FABRIKAM), general, sending)


def test_told_in_one_line() -> None:
    """The log names level, partner and end."""
    assert told([temporary(VERBOSE, WOODGROVE)], NOW) == (
        "receive=verbose for woodgrovebank.test until 2026-11-24T13:00:00+00:00"
    )
    assert told([temporary(VERBOSE)], LATER) == "none"

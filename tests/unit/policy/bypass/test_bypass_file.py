"""What is kept of bypasses, over kills and restarts."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain_secure.policy.bypass.bypass import Bypass, Reading, noted
from domain_secure.policy.bypass.bypass_file import BypassFile, document_of, reading
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

NOW = datetime(2026, 11, 27, 20, tzinfo=UTC)
BYPASS = Bypass(
    Entry("woodgrovebank.test"),
    (Direction.SEND,),
    NOW,
    NOW + timedelta(hours=4),
    "anna",
    "their certificate has ended",
    "one",
    10.0,
)


class Clock:
    """What the clocks say, by hand."""

    def __init__(self) -> None:
        self.hours = 0.0

    def __call__(self) -> Reading:
        """Read them."""
        return Reading(NOW + timedelta(hours=self.hours), "one", 10.0 + self.hours * 3600)


def files(state: Path, clock: Clock | None = None) -> BypassFile:
    """Return the files with one bypass in them."""
    found = BypassFile(state, clock or Clock())
    with found.edited() as edit:
        edit.put([BYPASS])
    return found


def test_nothing_is_in_force_without_files(tmp_path: Path) -> None:
    """Where nobody began one there is none, and nothing is written to find that out."""
    found = BypassFile(tmp_path / "state", Clock())
    assert (found.in_force(), found.former(), found.account()) == ((), (), None)
    assert not (tmp_path / "state").exists()


def test_back_as_it_went_in(tmp_path: Path) -> None:
    """All of a bypass is kept."""
    assert files(tmp_path).present() == (BYPASS,)
    assert document_of(BYPASS)["direction"] == "send"


def test_over_by_the_clock(tmp_path: Path) -> None:
    """One whose time is over is not in force, although nobody has put it away."""
    clock = Clock()
    found = files(tmp_path, clock)
    assert found.in_force() == (BYPASS,)
    clock.hours = 4
    assert found.in_force() == ()
    assert found.present() == (BYPASS,)


def test_over_by_what_was_noted(tmp_path: Path) -> None:
    """A later time that was seen once ends it, whatever the clock says now."""
    clock = Clock()
    found = files(tmp_path, clock)
    clock.hours = 5
    with found.edited() as edit:
        edit.note(noted([BYPASS], found.account(), clock()))
    clock.hours = 1
    assert found.in_force() == ()


def test_put_away_once(tmp_path: Path) -> None:
    """Put away it stands among the former ones once, also where a kill came in between."""
    found = files(tmp_path)
    for _ in range(2):
        with found.edited() as edit:
            edit.put([BYPASS])
            edit.put_away([BYPASS])
    assert (found.present(), found.former(), found.ever()) == ((), (BYPASS,), (BYPASS,))
    assert not found.path.exists()


@pytest.mark.parametrize("text", ["", "{}", '{"bypasses": [{}]}', "[1", '{"bypasses": 1}'])
def test_what_cannot_be_read_puts_nothing_in_force(tmp_path: Path, text: str) -> None:
    """A damaged file is a fault that is told, and no bypass."""
    found = files(tmp_path)
    found.path.write_text(text)
    with pytest.raises(Problem, match="none is in force"):
        found.in_force()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"end": "2026-11-28T20:00:01+00:00"}, id="longer than a day"),
        pytest.param({"end": "2026-11-27T19:00:00+00:00"}, id="over before it began"),
        pytest.param({"end": "2026-11-27T23:00:00"}, id="a time without a zone"),
        pytest.param({"boot": ""}, id="no start of the machine"),
        pytest.param({"seconds": float("nan")}, id="no number"),
        pytest.param({"domain": "not a domain"}, id="no domain"),
        pytest.param({"direction": "all"}, id="no direction"),
    ],
)
def test_what_nobody_could_have_begun_puts_nothing_in_force(
    tmp_path: Path, change: dict[str, object]
) -> None:
    """The file is no way round what the command refuses."""
    found = files(tmp_path)
    found.path.write_text(json.dumps({"bypasses": [document_of(BYPASS) | change]}))
    with pytest.raises(Problem, match="none is in force"):
        found.in_force()


def test_a_damaged_account_is_none(tmp_path: Path) -> None:
    """Without it the start of the bypass itself still counts."""
    found = files(tmp_path)
    (tmp_path / "bypass" / "account.json").write_text("{")
    assert found.account() is None
    assert found.in_force() == (BYPASS,)


def test_the_clocks_are_read() -> None:
    """The real clocks tell an aware time, a start of the machine, and seconds that grow."""
    first, second = reading(), reading()
    assert first.now.tzinfo is UTC
    assert (first.boot, first.seconds <= second.seconds) == (second.boot, True)

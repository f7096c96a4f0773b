"""The process that ends a bypass: after its time, after a kill, and whatever is faulty by then."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain_secure.commands.bypass.keeper import configuration_at, end_over, keep
from domain_secure.policy.bypass.bypass import Bypass, Reading
from domain_secure.policy.bypass.bypass_file import BypassFile
from domain_secure.policy.bypass.keeper_lock import is_kept, kept
from domain_secure.policy.configuration.lists_in_force import InForce, ListsInForce
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

NOW = datetime(2026, 11, 27, 20, tzinfo=UTC)
TEXT = b'paths.state = "state"\n[receive]\ndomains = ["woodgrovebank.test"]\n'


class Place:
    """A configuration with a bypass of four hours, and clocks that go on with each pause."""

    def __init__(self, folder: Path) -> None:
        self.path, self.state = folder / "domain-secure.toml", folder / "state"
        self.path.write_bytes(TEXT)
        self.hours = 0.0
        self.files = BypassFile(self.state, self.read)
        self.bypass = Bypass(
            Entry("woodgrovebank.test"),
            (Direction.RECEIVE,),
            NOW,
            NOW + timedelta(hours=4),
            "anna",
            "tonight",
            "one",
            0.0,
        )
        with self.files.edited() as edit:
            edit.put([self.bypass])

    def read(self) -> Reading:
        """Read the clocks."""
        return Reading(NOW + timedelta(hours=self.hours), "one", self.hours * 3600)

    def pause(self, seconds: float) -> None:
        """Let an hour pass, in which the process holds the lock."""
        del seconds
        assert is_kept(self.state)
        self.hours += 1


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return one."""
    return Place(tmp_path)


def test_waits_and_ends(place: Place) -> None:
    """It is ended once its time is over, not before, and the time is noted meanwhile."""
    assert end_over(place.path, place.state, place.read) == ()
    assert keep(place.path, place.state, place.read, place.pause) == 1
    assert (place.hours, place.files.present(), place.files.former()) == (4, (), (place.bypass,))
    assert not is_kept(place.state)


def test_a_second_process_waits_for_the_first(place: Place) -> None:
    """It does not end while somebody else keeps the bypass: systemd would start it again and again."""
    with kept(place.state) as is_ours:
        assert is_ours

        def pause(seconds: float) -> None:
            del seconds
            with place.files.edited() as edit:
                edit.put_away([place.bypass])

        assert keep(place.path, place.state, place.read, pause) == 0


def test_a_faulty_configuration_ends_it_no_later(place: Place) -> None:
    """The configuration last in force stands for one that is faulty by now."""
    ListsInForce(place.state).write(InForce(place.path, {place.path: TEXT}))
    place.path.write_text("nonsense")
    place.hours = 4
    assert len(end_over(place.path, place.state, place.read)) == 1
    assert list(configuration_at(place.path, place.state).receive) == ["woodgrovebank.test"]


def test_without_any_configuration_it_stands(place: Place) -> None:
    """Where nobody can say how Postfix's tables are made, nothing is said to be ended."""
    place.path.write_text("nonsense")
    place.hours = 4
    with pytest.raises(Problem):
        end_over(place.path, place.state, place.read)
    assert place.files.present() == (place.bypass,)


def test_what_cannot_be_read_is_told(place: Place) -> None:
    """A damaged file is no end that was kept."""
    place.files.path.write_text("[")
    with pytest.raises(Problem, match="none is in force"):
        end_over(place.path, place.state, place.read)

"""The daemon notices a bypass, and its end by any clock."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain_secure.milter.knowledge.bypass_upkeep import BypassUpkeep, bypasses_document
from domain_secure.milter.knowledge.live_configuration import LiveConfiguration
from domain_secure.policy.bypass.bypass import Bypass, Reading
from domain_secure.policy.bypass.bypass_file import BypassFile
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.files.known_time import KnownTime
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.event import Event

HOURS = timedelta(hours=4)


class Edge:
    """A live configuration beside its state folder, with clocks that are set by hand."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "domain-secure.toml"
        self.path.write_text('paths.state = "."\n[receive]\ndomains = ["woodgrovebank.test"]\n')
        self.now, self.seconds = datetime.now(UTC), 50.0
        self.logged: list[Event] = []
        self.shown: list[Bypass] = []
        self.files = BypassFile(folder, self.read)
        self.live = LiveConfiguration(load, self.path, self.logged.append, lambda *_: None)
        self.upkeep = self.started()

    def started(self) -> BypassUpkeep:
        """Return the upkeep of a daemon that has just started."""
        state = self.files.path.parent.parent
        return BypassUpkeep(state, self.show, self.logged.append, self.read, lambda: self.seconds)

    def show(self, bypasses: Iterable[Bypass]) -> None:
        """Take what is shown."""
        self.shown = list(bypasses)

    def read(self) -> Reading:
        """Read the clocks."""
        return Reading(self.now, "one", self.seconds)

    def begin(self) -> None:
        """Begin a bypass of four hours."""
        both = tuple(Direction)
        start = self.now
        one = Bypass(
            Entry("woodgrovebank.test"), both, start, start + HOURS, "anna", "tonight", "one", self.seconds
        )
        with self.files.edited() as edit:
            edit.put([one])

    def attend(self) -> tuple[Bypass, ...]:
        """Let the daemon look, and return what it goes by."""
        self.upkeep.attend(self.live)
        return self.live.current.configuration.bypasses

    @property
    def words(self) -> list[str]:
        """Return the words of what was logged."""
        return [one.word for one in self.logged]


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    """Return an edge without a bypass."""
    return Edge(tmp_path)


def test_begun_and_over(edge: Edge) -> None:
    """It is told once when it begins, and once when it is over."""
    assert edge.attend() == ()
    edge.begin()
    assert len(edge.attend()) == 1
    assert bypasses_document(edge.live)[0]["by"] == "anna"
    edge.attend()
    edge.now += HOURS
    edge.seconds += HOURS.total_seconds()
    assert edge.attend() == ()
    edge.attend()
    assert (edge.words, edge.shown) == (["bypass-in-force", "bypass-over"], [])


@pytest.mark.parametrize("set_back", [0, 3, 300])
def test_over_whatever_the_clock_says(edge: Edge, set_back: int) -> None:
    """After four hours it is over, also where somebody has set the clock back."""
    edge.begin()
    edge.attend()
    edge.now += HOURS - timedelta(hours=set_back)
    edge.seconds += HOURS.total_seconds()
    assert edge.attend() == ()


def test_what_lets_nothing_in_is_not_told_as_in_force(edge: Edge) -> None:
    """Messages are judged by the latest time that the daemon knows of, and so is what it answers."""
    edge.begin()
    edge.live.known_time = KnownTime(edge.now + 2 * HOURS)
    assert len(edge.attend()) == 1
    assert bypasses_document(edge.live) == []


def test_over_although_the_configuration_is_faulty(edge: Edge) -> None:
    """The last good configuration stays in force, and the bypass in it does not."""
    edge.begin()
    edge.attend()
    edge.path.write_text("nonsense")
    assert not edge.live.reload()
    with edge.files.edited() as edit:
        edit.put([])
    assert edge.attend() == ()


def test_a_killed_daemon_gives_no_time_back(edge: Edge) -> None:
    """What had passed before a kill counts, though the clock is set back and the machine started again."""
    edge.begin()
    edge.attend()
    edge.now += 3 * HOURS / 4
    edge.seconds += 3 * HOURS.total_seconds() / 4
    edge.attend()
    edge.now -= 10 * HOURS
    edge.seconds = HOURS.total_seconds() / 4
    edge.read = lambda: Reading(edge.now, "two", edge.seconds)  # type: ignore[method-assign]
    edge.files = BypassFile(edge.files.path.parent.parent, edge.read)
    edge.upkeep = edge.started()
    assert edge.attend() == ()


def test_what_cannot_be_read_is_over(edge: Edge) -> None:
    """A damaged file ends what was in force, and is told once."""
    edge.begin()
    edge.attend()
    edge.files.path.write_text("[")
    assert (edge.attend(), edge.attend()) == ((), ())
    assert edge.words == ["bypass-in-force", "bypasses-unknown", "bypass-over"]

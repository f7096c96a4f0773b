"""Reloading: a good file replaces everything, a bad one nothing."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain_secure.milter.knowledge.live_configuration import (
    SETTLING_SECONDS,
    Live,
    LiveConfiguration,
    read_live,
)
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.list_losses import ListVanishedError
from domain_secure.policy.configuration.lists_in_force import CONFIRMED, IN_FORCE
from domain_secure.policy.configuration.reading import ReadFile, load
from domain_secure.policy.editing.editing import ListName, confirm, remove, set_entries
from domain_secure.policy.editing.policy_store import FileStore
from domain_secure.policy.files.known_time import KnownTime
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from lab.certificates import Authority


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a configuration file that lists one domain."""
    path = tmp_path / "domain-secure.toml"
    path.write_text(listing("woodgrovebank.test") + 'domains_file = "more"\n')
    (tmp_path / "more").write_text("# none yet\n")
    return path


def listing(*domains: str) -> str:
    """Return a configuration whose receive list is this."""
    written = ", ".join(f'"{domain}"' for domain in domains)
    return f'paths.state = "."\n[receive]\ndomains = [{written}]\n'


def watched(path: Path) -> tuple[LiveConfiguration, list[Event], list[tuple[Live, Live]]]:
    """Return a live configuration with what it logs and reports."""
    logged: list[Event] = []
    changes: list[tuple[Live, Live]] = []
    return (
        LiveConfiguration(load, path, logged.append, lambda old, new: changes.append((old, new))),
        logged,
        changes,
    )


def test_a_change_is_noticed_and_applied_whole(file: Path) -> None:
    """A replaced file takes effect, and the former one stays what it was for messages under way."""
    live, logged, changes = watched(file)
    former = live.current
    assert not live.reload_if_changed()
    file.write_text(listing("fabrikam.test"))
    assert live.reload()
    assert list(live.current.configuration.receive) == ["fabrikam.test"]
    assert list(former.configuration.receive) == ["woodgrovebank.test"]
    assert [event.word for event in logged] == ["configuration-loaded"]
    assert changes == [(former, live.current)]


def test_a_change_of_the_domains_file_is_noticed(file: Path) -> None:
    """Every file the configuration is made of is watched."""
    live, _, _ = watched(file)
    (file.parent / "more").write_text("fabrikam.test\n")
    assert live.reload_if_changed()
    assert "fabrikam.test" in live.current.configuration.receive


def test_a_bad_file_keeps_the_last_good_state(file: Path) -> None:
    """A fault is named, nothing of the bad file is applied, and a mended file is taken up again."""
    live, logged, changes = watched(file)
    former = live.current
    file.write_text(listing("fabrikam.test", "co.uk"))
    assert live.reload_if_changed()
    assert live.current is former
    assert live.problem is not None
    assert "co.uk" in str(live.problem)
    assert [event.word for event in logged] == ["configuration-rejected"]
    assert not changes
    assert not live.reload_if_changed(), "a bad file is reported once, not with every look at it"
    file.write_text(listing("woodgrovebank.test", "fabrikam.test"))
    assert live.reload_if_changed()
    assert live.problem is None


@pytest.mark.parametrize("changed", ["domain-secure.toml", "more", "other"])
@pytest.mark.parametrize("is_started", [False, True])
def test_a_change_while_it_is_read_is_not_overlooked(file: Path, changed: str, *, is_started: bool) -> None:
    """What is written just after it was read is read again, also in a file that was never named before."""
    late: list[str] = []

    def load_and_change(path: Path, read: ReadFile) -> Configuration:
        configuration = load(path, read)
        while late:
            with (path.parent / changed).open("a") as stream:
                stream.write(late.pop())
        return configuration

    def write() -> None:
        (file.parent / "other").write_text("# none yet\n")
        file.write_text(file.read_text().replace("more", "other" if changed == "other" else "more") + "\n")
        late.append('[send]\ndomains = ["fabrikam.test"]\n' if changed == file.name else "fabrikam.test\n")

    if not is_started:
        write()
    live = LiveConfiguration(load_and_change, file, lambda _: None, lambda *_: None)
    if is_started:
        write()
        assert live.reload_if_changed()
    live.reload_if_changed()
    configuration = live.current.configuration
    assert "fabrikam.test" in (*configuration.receive, *configuration.send)
    assert not live.reload_if_changed()


def test_a_deleted_file_keeps_the_last_good_state(file: Path) -> None:
    """Deleting the configuration empties no list."""
    live, _, _ = watched(file)
    file.unlink()
    assert live.reload_if_changed()
    assert live.problem is not None
    assert "woodgrovebank.test" in live.current.configuration.receive


def test_the_first_reading_must_succeed(tmp_path: Path) -> None:
    """There is no last good state at the start."""
    with pytest.raises(Problem):
        watched(tmp_path / "missing.toml")


def test_a_missing_authority_file_that_was_named_is_a_problem(file: Path) -> None:
    """``trust.ca_file`` must exist when it was named."""
    live, _, _ = watched(file)
    file.write_text(f'{listing("woodgrovebank.test")}[trust]\nca_file = "{file.parent}/none.pem"\n')
    assert live.reload_if_changed()
    assert live.problem is not None
    assert "ca_file" in str(live.problem)


def test_unchanged_authorities_are_kept_and_other_rules_make_them_anew(tmp_path: Path) -> None:
    """The same authorities are read once; another rule of trust never meets what was judged before."""
    path = tmp_path / "domain-secure.toml"
    (tmp_path / "ca.pem").write_bytes(Authority.create("CA").certificate_pem)
    path.write_text('[trust]\nca_file = "ca.pem"\n')
    first = read_live(load, path).anchors
    path.write_text('mode = "observe"\n[trust]\nca_file = "ca.pem"\n')
    assert read_live(load, path).anchors is first
    path.write_text('[trust]\nca_file = "ca.pem"\nclient_purpose = "require"\n')
    assert read_live(load, path).anchors is not first


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


DOMAINS = tuple(f"d{number}.test" for number in range(20))


def started(path: Path, clock: Clock | None = None) -> tuple[LiveConfiguration, list[Event]]:
    """Return a live configuration with what it logs."""
    logged: list[Event] = []
    return LiveConfiguration(load, path, logged.append, lambda *_: None, clock or Clock()), logged


def words(logged: list[Event]) -> list[str]:
    """Return the words of what was logged, and forget it."""
    found = [event.word for event in logged]
    logged.clear()
    return found


@pytest.mark.parametrize(
    "emptied",
    [
        lambda path: path.write_text(""),
        lambda path: path.write_text("# nothing\n"),
        lambda path: path.write_text(listing()),
        lambda path: path.write_text(listing(*DOMAINS[:9])),
        lambda path: path.write_text(listing("other.test")),
        lambda path: path.write_text(path.read_text().replace("[receive]", "[send]")),
    ],
    ids=["no letter", "a comment", "an empty list", "more than half", "all others", "under another name"],
)
@pytest.mark.parametrize("is_asked", [False, True])
def test_a_list_that_vanishes_is_held_back(tmp_path: Path, emptied: object, *, is_asked: bool) -> None:
    """However the entries went, and whoever asks: the last good list stays, and it is said."""
    path = tmp_path / "domain-secure.toml"
    path.write_text(listing(*DOMAINS))
    live, logged = started(path)
    former = live.current
    emptied(path)  # type: ignore[operator]
    if is_asked:
        live.reload()
    else:
        assert live.reload_if_changed()
    assert live.current is former
    assert isinstance(live.problem, ListVanishedError)
    assert words(logged) == ["list-vanished", "configuration-rejected"]
    path.write_text(listing(*DOMAINS, "new.test"))
    assert live.reload_if_changed()
    assert live.problem is None
    assert "new.test" in live.current.configuration.receive


def test_a_restart_knows_what_was_in_force(tmp_path: Path) -> None:
    """A daemon that starts on an emptied file has the lists and rules of the one before it."""
    path = tmp_path / "domain-secure.toml"
    path.write_text(listing(*DOMAINS[:2]) + 'domains_file = "more"\n[partner."d0.test"]\nmode = "observe"\n')
    (tmp_path / "more").write_text("\n".join(DOMAINS[2:]))
    started(path)
    path.write_text(listing())
    live, logged = started(path)
    assert set(live.current.configuration.receive) == set(DOMAINS)
    assert live.current.configuration.partner("d0.test").mode == "observe"  # type: ignore[arg-type]
    assert isinstance(live.problem, ListVanishedError)
    assert words(logged) == ["list-vanished", "configuration-rejected"]
    path.write_text(listing(*DOMAINS))
    assert live.reload_if_changed()
    assert live.problem is None


def test_a_unit_knows_its_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was truncated to nothing does not name the state folder; the service manager does."""
    path, state = tmp_path / "domain-secure.toml", tmp_path / "state"
    state.mkdir()
    path.write_text(listing(*DOMAINS).replace('"."', '"state"'))
    started(path)
    path.write_text("# paths.state is away\n")
    monkeypatch.setenv("STATE_DIRECTORY", str(state))
    live, _ = started(path)
    assert set(live.current.configuration.receive) == set(DOMAINS)


def test_a_file_without_a_letter_is_no_configuration(tmp_path: Path) -> None:
    """Where nobody knows what was in force, a truncated file does not start a daemon that checks nothing."""
    path = tmp_path / "domain-secure.toml"
    path.write_text("\n")
    with pytest.raises(Problem, match="empty"):
        started(path)


def test_a_damaged_memory_is_told_and_does_not_keep_the_daemon_down(tmp_path: Path) -> None:
    """What was in force is unknown then, which is logged; the files on disk count."""
    path = tmp_path / "domain-secure.toml"
    path.write_text(listing(*DOMAINS))
    started(path)
    (tmp_path / IN_FORCE).write_bytes(b"\0" * 100)
    live, logged = started(path)
    assert words(logged) == ["in-force-unknown"]
    assert len(live.current.configuration.receive) == len(DOMAINS)


def test_a_long_list_is_kept_beside_what_was_in_force(tmp_path: Path) -> None:
    """Its text has a file of its own: a restart knows what it lost, and one stays."""
    path, more = tmp_path / "domain-secure.toml", tmp_path / "more"
    names = [f"partner-{number}.test" for number in range(6000)]
    path.write_text(listing() + 'domains_file = "more"\n')
    more.write_text("\n".join(names))
    started(path)
    more.write_text("\n".join([*names, "one-more.test"]))
    live, _ = started(path)
    assert len(live.current.configuration.receive) == len(names) + 1
    assert len(list((tmp_path / "in-force").iterdir())) == 1
    assert (tmp_path / IN_FORCE).stat().st_size < 2000
    more.write_text("\n".join(names[:10]))
    live, logged = started(path)
    assert len(live.current.configuration.receive) == len(names) + 1
    assert words(logged) == ["list-vanished", "configuration-rejected"]


def test_a_long_list_that_was_tampered_with_is_not_believed(tmp_path: Path) -> None:
    """Its digest tells; what was in force is unknown then, and kept anew."""
    path, more = tmp_path / "domain-secure.toml", tmp_path / "more"
    path.write_text(listing() + 'domains_file = "more"\n')
    more.write_text("\n".join(f"partner-{number}.test" for number in range(6000)))
    started(path)
    (kept,) = (tmp_path / "in-force").iterdir()
    kept.write_bytes(kept.read_bytes().replace(b"partner-1.test", b"partner-x.test"))
    live, logged = started(path)
    assert words(logged) == ["in-force-unknown"]
    assert started(path)[1] == []
    kept.unlink()
    live.reload_if_changed()
    assert kept.exists()


def test_a_list_that_is_being_written_counts_once_it_is_whole(tmp_path: Path) -> None:
    """Entries that are gone are gone once the files have been quiet for a while; new ones count at once."""
    path, clock = tmp_path / "domain-secure.toml", Clock()
    path.write_text(listing() + 'domains_file = "more"\n')
    more = tmp_path / "more"
    more.write_text("\n".join(DOMAINS))
    live, logged = started(path, clock)
    for length in (11, 15, 18):  # as a generator gets along
        more.write_text("\n".join(DOMAINS[:length]))
        clock.now += SETTLING_SECONDS - 0.1
        live.reload_if_changed()
        live.reload_if_changed()
        assert len(live.current.configuration.receive) == 20
    assert words(logged) == []
    clock.now += SETTLING_SECONDS
    assert live.reload_if_changed()
    assert len(live.current.configuration.receive) == 18
    more.write_text("\n".join(DOMAINS))
    assert live.reload_if_changed()
    assert len(live.current.configuration.receive) == 20


def test_what_a_command_takes_off_counts_at_once(tmp_path: Path) -> None:
    """Removals and a set list are confirmed by whoever gave the command: an empty list, too, and in a row."""
    path = tmp_path / "domain-secure.toml"
    path.write_text(listing(*DOMAINS))
    live, _ = started(path)
    store = FileStore(path)
    remove(store, ListName.RECEIVE, DOMAINS[:8])
    remove(store, ListName.RECEIVE, DOMAINS[8:15])
    assert live.reload_if_changed()
    assert list(live.current.configuration.receive) == list(DOMAINS[15:])
    set_entries(store, ListName.RECEIVE, [])
    assert live.reload_if_changed()
    assert live.problem is None
    assert not live.current.configuration.receive


def test_a_confirmation_counts_once(tmp_path: Path) -> None:
    """A list that was emptied by a command, and filled again, is held back when it vanishes."""
    path = tmp_path / "domain-secure.toml"
    path.write_text(listing(*DOMAINS))
    live, _ = started(path)
    set_entries(FileStore(path), ListName.RECEIVE, [])
    assert live.reload_if_changed()
    emptied = path.read_text()
    path.write_text(listing(*DOMAINS))
    assert live.reload_if_changed()
    path.write_text(emptied)
    assert live.reload_if_changed()
    assert isinstance(live.problem, ListVanishedError)
    restarted, _ = started(path)
    assert isinstance(restarted.problem, ListVanishedError)


def test_taking_one_entry_off_does_not_confirm_that_others_vanished(tmp_path: Path) -> None:
    """Who removes a domain from a damaged file means that domain."""
    path = tmp_path / "domain-secure.toml"
    path.write_text(listing(*DOMAINS))
    live, _ = started(path)
    path.write_text(listing(*DOMAINS[:3]))
    remove(FileStore(path), ListName.RECEIVE, DOMAINS[:1])
    live.reload_if_changed()
    assert isinstance(live.problem, ListVanishedError)
    assert len(live.current.configuration.receive) == 20


def test_what_is_held_back_can_be_confirmed(tmp_path: Path) -> None:
    """A confirmation is noticed though no other file changes; an empty list is not confirmed by it."""
    path = tmp_path / "domain-secure.toml"
    path.write_text(listing(*DOMAINS))
    live, _ = started(path)
    path.write_text(listing(*DOMAINS[:3]))
    live.reload_if_changed()
    assert not live.reload_if_changed()
    confirm(FileStore(path), ListName.RECEIVE)
    assert live.reload_if_changed()
    assert live.problem is None
    assert len(live.current.configuration.receive) == 3
    path.write_text(listing())
    with pytest.raises(Problem, match="--none"):
        confirm(FileStore(path), ListName.RECEIVE)


def test_who_asks_again_means_what_is_left(tmp_path: Path) -> None:
    """A second SIGHUP over the same files confirms what is left of a list, and never an empty one."""
    path = tmp_path / "domain-secure.toml"
    path.write_text(listing(*DOMAINS))
    live, _ = started(path)
    path.write_text(listing(*DOMAINS[:4]))
    assert not live.reload()
    path.write_text(listing(*DOMAINS[:3]))
    assert not live.reload()
    assert live.reload()
    assert len(live.current.configuration.receive) == 3
    path.write_text(listing())
    assert not any(live.reload() for _ in range(3))


def test_the_administrator_sets_how_much_may_go(tmp_path: Path) -> None:
    """``hold_back`` counts as it was in force; at 1 only an empty list is held back."""
    path = tmp_path / "domain-secure.toml"
    path.write_text(listing(*DOMAINS) + "hold_back = 1\n")
    live, _ = started(path)
    path.write_text(listing(*DOMAINS[:1]) + "hold_back = 0\n")
    assert live.reload()
    path.write_text(listing())
    assert not live.reload()
    path.write_text(listing(*DOMAINS) + "hold_back = 0.1\n")
    assert live.reload()
    path.write_text(listing(*DOMAINS[:17]))
    assert not live.reload()


def test_nobody_is_led_elsewhere_by_links_in_the_state_folder(tmp_path: Path) -> None:
    """What the daemon's user put there in place of our files is not followed by root."""
    path, victim = tmp_path / "domain-secure.toml", tmp_path / "victim"
    victim.write_text("precious")
    path.write_text(listing(*DOMAINS))
    for name in (CONFIRMED, IN_FORCE):
        (tmp_path / name).symlink_to(victim)
    live, logged = started(path)
    assert words(logged)[0] == "in-force-unknown"
    remove(FileStore(path), ListName.RECEIVE, DOMAINS[:1])
    live.reload()
    assert victim.read_text() == "precious"


OLD, NEXT = (f"spki-sha256:{digits * 32}" for digits in ("aa", "bb"))


def rolling(file: Path) -> None:
    """Let the partner change its key on two days of 2090."""
    file.write_text(
        listing("woodgrovebank.test")
        + '[partner."woodgrovebank.test"]\n'
        + f'timed_pins = ["{OLD} until 2090-01-20", "{NEXT} from 2090-01-10"]\n'
    )


def pins_of(live: LiveConfiguration) -> set[str]:
    """Return the pins by which the partner is judged."""
    return set(map(str, live.current.configuration.partner(Entry("woodgrovebank.test")).pins))


def test_pins_begin_and_end_as_time_passes(file: Path) -> None:
    """Without a change of a file, and with a line for each; a faulty file does not hinder it."""
    rolling(file)
    moment = [datetime(2090, 1, 1, tzinfo=UTC)]
    logged: list[Event] = []
    changes: list[tuple[Live, Live]] = []
    live = LiveConfiguration(
        load,
        file,
        logged.append,
        lambda old, new: changes.append((old, new)),
        clock=lambda: moment[0],
    )
    began = moment[0]

    def steady() -> float:
        return (moment[0] - began).total_seconds()

    live.known_time = KnownTime(began, steady)
    assert pins_of(live) == {OLD}
    assert not live.reload_if_changed()
    assert not changes
    moment[0] = datetime(2090, 1, 10, tzinfo=UTC)
    live.reload_if_changed()
    assert pins_of(live) == {OLD, NEXT}
    assert changes[-1][1] is live.current
    file.write_text("[receive")
    moment[0] = datetime(2090, 1, 20, tzinfo=UTC)
    live.reload_if_changed()
    assert live.problem is not None
    assert pins_of(live) == {NEXT}
    assert [str(event) for event in logged if event.word == "pins-changed"] == [
        f"pins-changed partner=woodgrovebank.test begun={NEXT} ended=-",
        f"pins-changed partner=woodgrovebank.test begun=- ended={OLD}",
    ]


def test_a_clock_that_leaps_ahead_ends_no_pin(file: Path) -> None:
    """Nor begins one; a line tells of it, and another one when it is right again."""
    rolling(file)
    moment = [datetime(2090, 1, 1, tzinfo=UTC)]
    logged: list[Event] = []
    live = LiveConfiguration(load, file, logged.append, lambda *_: None, clock=lambda: moment[0])
    for year in (2091, 2091, 2090):
        moment[0] = datetime(year, 1, 1, tzinfo=UTC)
        live.reload_if_changed()
        assert pins_of(live) == {OLD}
    assert [event.word for event in logged] == ["clock-ahead", "clock-believed"]
    assert "clock=2091-01-01T00:00:00+00:00 known=2090-01-01T" in str(logged[0])


def test_a_clock_that_goes_back_brings_no_pin_back(file: Path) -> None:
    """What has ended stays so while the daemon runs, over reloads too."""
    rolling(file)
    moment = [datetime(2090, 1, 20, tzinfo=UTC)]
    live = LiveConfiguration(load, file, lambda _: None, lambda *_: None, clock=lambda: moment[0])
    moment[0] = datetime(2026, 1, 1, tzinfo=UTC)
    live.reload_if_changed()
    assert live.reload()
    assert pins_of(live) == {NEXT}


def test_a_start_with_a_clock_that_is_behind_goes_by_the_newest_file(file: Path) -> None:
    """The state folder bears witness of a later time."""
    rolling(file)
    witness = file.parent / "history.db"
    witness.write_bytes(b"")
    os.utime(witness, (datetime(2090, 2, 1, tzinfo=UTC).timestamp(),) * 2)
    live = LiveConfiguration(
        load, file, lambda _: None, lambda *_: None, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert pins_of(live) == {NEXT}

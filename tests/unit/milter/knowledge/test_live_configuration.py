"""Reloading: a good file replaces everything, a bad one nothing."""

from pathlib import Path

import pytest

from domain_secure.milter.knowledge.live_configuration import Live, LiveConfiguration, read_live
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from lab.certificates import Authority


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a configuration file that lists one domain."""
    path = tmp_path / "domain-secure.toml"
    path.write_text('[receive]\ndomains = ["woodgrovebank.test"]\ndomains_file = "more"\n')
    (tmp_path / "more").write_text("# none yet\n")
    return path


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
    file.write_text('[receive]\ndomains = ["fabrikam.test"]\n')
    assert live.reload_if_changed()
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
    file.write_text('[receive]\ndomains = ["fabrikam.test", "co.uk"]\n')
    assert live.reload_if_changed()
    assert live.current is former
    assert live.problem is not None
    assert "co.uk" in str(live.problem)
    assert [event.word for event in logged] == ["configuration-rejected"]
    assert not changes
    assert not live.reload_if_changed(), "a bad file is reported once, not with every look at it"
    file.write_text('[receive]\ndomains = ["fabrikam.test"]\n')
    assert live.reload_if_changed()
    assert live.problem is None


@pytest.mark.parametrize("changed", ["domain-secure.toml", "more", "other"])
@pytest.mark.parametrize("is_started", [False, True])
def test_a_change_while_it_is_read_is_not_overlooked(file: Path, changed: str, *, is_started: bool) -> None:
    """What is written just after it was read is read again, also in a file that was never named before."""
    late: list[str] = []

    def load_and_change(path: Path) -> Configuration:
        configuration = load(path)
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
    file.write_text(f'[trust]\nca_file = "{file.parent}/none.pem"\n')
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

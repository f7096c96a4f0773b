"""``fleet`` where there is no fleet, and where its store is nowhere."""

from pathlib import Path

import pytest

from domain_secure.commands.fleet.fleet_membership import _unused
from domain_secure.commands.main import main

NOWHERE = '[store]\nendpoints = ["http://127.0.0.1:1"]\nnode = "edge1"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration file."""
    file = tmp_path / "domain-secure.toml"
    file.write_text(f'[receive]\ndomains = ["a.test"]\n[paths]\nstate = "{tmp_path}/state"\n')
    return file


@pytest.mark.parametrize(
    "words",
    [
        ("fleet", "status"),
        ("fleet", "log"),
        ("fleet", "leave"),
        ("fleet", "revert", "1"),
        ("fleet", "set", "mode=observe"),
        ("status", "--fleet"),
        ("partner", "set", "a.test", "mode=observe", "--nodes=edge1"),
        ("receive", "set", "b.test", "--shown", "3"),
        ("fleet", "init"),
        ("fleet", "join"),
    ],
)
def test_a_machine_that_stands_alone(
    path: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told so, with what makes it part of a fleet, and its file stays as it is."""
    before = path.read_bytes()
    assert main(["--config", str(path), *words]) == 2
    assert capsys.readouterr().err.startswith("domain-secure: ")
    assert path.read_bytes() == before


def test_faulty_file_is_not_taken_for_no_fleet(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether a machine is part of a fleet cannot be told of a faulty file: the fault is what is told."""
    path.write_text(path.read_text() + "[store\n")
    assert main(["--config", str(path), "fleet", "status"]) == 2
    error = capsys.readouterr().err
    assert "not valid TOML" in error
    assert "not part of a fleet" not in error


def test_waiting_without_a_fleet(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file has nobody to wait for: that is said before anything is changed."""
    assert main(["--config", str(path), "receive", "add", "b.test", "--wait"]) == 2
    assert "there is no fleet to wait for" in capsys.readouterr().err
    assert "b.test" not in path.read_text()


@pytest.mark.parametrize("action", ["init", "join"])
def test_store_that_is_nowhere(path: Path, action: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without an answer of the store nothing changes, and the status is 3."""
    path.write_text(path.read_text() + NOWHERE)
    before = path.read_bytes()
    assert main(["--config", str(path), "fleet", action]) == 3
    assert "the store does not answer" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize("value", ["mode=on", "receive.domains=a.test", "trust.ca_file=/x", "mode"])
def test_set_takes_shared_keys_alone(path: Path, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A bad value, a list, a path of one machine and no value are refused before the store is asked."""
    path.write_text('[paths]\nstate = "state"\n' + NOWHERE + 'type = "etcd"\n')
    assert main(["--config", str(path), "fleet", "set", value]) == 2
    assert capsys.readouterr().err.count(value.partition("=")[0])


def test_key_and_trust(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key is made, and trusted once; from then on its signature can be required."""
    assert main(["fleet", "key", str(tmp_path / "key")]) == 0
    public = capsys.readouterr().out.split()[-1]
    for expected in ("written:", "already so: "):
        assert main(["--config", str(path), "fleet", "trust", "--require", public]) == 0
        assert expected in capsys.readouterr().out
    assert path.read_text().count(public) == 1
    assert "require_signature = true" in path.read_text()
    assert main(["--config", str(path), "fleet", "trust", "rsa:x"]) == 2


def test_what_was_kept_is_not_overwritten(tmp_path: Path) -> None:
    """Each time a machine joins, its file as it was gets a name of its own."""
    kept = tmp_path / "domain-secure.toml.before-fleet"
    for expected in (kept, Path(f"{kept}.2"), Path(f"{kept}.3")):
        assert _unused(kept) == expected
        expected.touch()

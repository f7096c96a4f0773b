"""``status DOMAIN`` as a person uses it; beside a daemon it is tried in tests/real."""

import json
from pathlib import Path

import pytest

from domain_secure.commands.main import main


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration of which no daemon runs."""
    file = tmp_path / "x.toml"
    file.write_text(
        '[receive]\ndomains = ["a.test", "*.fabrikam.test"]\n[send]\ndomains = ["b.test"]\n'
        '[partner."a.test"]\nmode = "observe"\n'
        f'[paths]\nstate = "{tmp_path}"\n[metrics]\nlisten = "127.0.0.1:9"\n'
    )
    return file


def test_both_directions_are_told(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The entry that speaks for the domain and its rule; what only the daemon knows is not said to be 0."""
    assert main(["--config", str(path), "status", "A.test"]) == 3
    shown = capsys.readouterr().out
    assert (
        'receive         as a.test: mode observe, proved by pin, pkix, dane; rule: partner."a.test"' in shown
    )
    assert "send            not on this list" in shown
    assert "last received   never, as far as is known" in shown
    assert "counted         not known" in shown
    assert main(["--config", str(path), "status", "www.fabrikam.test"]) == 3
    assert "as *.fabrikam.test: mode enforce" in capsys.readouterr().out
    assert main(["--config", str(path), "status", "b.test"]) == 3
    assert "held            not known" in capsys.readouterr().out


def test_the_document_has_that_partner_alone(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its keys are those of `status --json`."""
    main(["--config", str(path), "status", "--json"])
    whole = json.loads(capsys.readouterr().out)
    main(["--config", str(path), "status", "a.test", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document.keys() == whole.keys()
    assert [one["domain"] for one in document["domains"]] == ["a.test"]


def test_a_typing_error_is_told(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A domain on no list has no status."""
    assert main(["--config", str(path), "status", "fabrikm.test"]) == 1
    assert "fabrikm.test is on no list" in capsys.readouterr().err
    assert main(["--config", str(path), "status", "a.test", "--fleet"]) == 2

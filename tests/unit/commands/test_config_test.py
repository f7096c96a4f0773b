"""``domain-secure config test`` as a person uses it before a configuration is put in force."""

import json
from pathlib import Path

import pytest

from domain_secure.commands.main import main


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file to be tested."""
    return tmp_path / "new.toml"


def test_every_error_is_told_with_its_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not the first one alone, and in the order of the file; the status is 1."""
    path.write_text(
        'mod = "observe"\n[receive]\ndomains = ["a.test", "co.uk"]\n[inbound]\nprobe_timeout = 900\n'
    )
    assert main(["config", "test", str(path)]) == 1
    first, second, third, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"error: {path}:1: mod: unknown key: write mode")
    assert second.startswith(f"error: {path}:3: receive.domains[1]: 'co.uk' is a public suffix")
    assert third.startswith(f"error: {path}:5: inbound.probe_timeout: ")
    assert last == f"{path}: 3 errors, no warnings"


def test_bad_syntax_is_one_error(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is behind it cannot be told."""
    path.write_text("[receive\n")
    assert main(["config", "test", str(path)]) == 1
    shown = capsys.readouterr().out
    assert f"error: {path}:1: the file is not valid TOML" in shown
    assert "1 error, no warnings" in shown


def test_warnings_have_lines_and_are_no_errors(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A doubtful setting is told where it stands; who wants a failure for it says so."""
    path.write_text(
        '[receive]\ndomains = ["a.test"]\n[partner."B.test"]\nmode = "observe"\n'
        '[inbound]\nwhen_down = "defer-listed"\n'
    )
    assert main(["config", "test", str(path)]) == 0
    unused, down, last = capsys.readouterr().out.splitlines()
    assert unused.startswith(f'warning: {path}:3: partner."B.test": there is a rule for b.test')
    assert down.startswith(f'warning: {path}:6: inbound.when_down = "defer-listed": ')
    assert last == f"{path}: no errors, 2 warnings"
    assert main(["config", "test", str(path), "--strict"]) == 1


def test_what_nobody_can_prove_is_an_error(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As `check` has it."""
    path.write_text('[receive]\ndomains = ["a.test"]\n[partner."a.test"]\nmethods = ["pin"]\n')
    assert main(["config", "test", str(path)]) == 1
    assert f'error: {path}:4: partner."a.test".methods: nobody can prove' in capsys.readouterr().out


def test_the_configuration_is_the_default(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without FILE it is that of --config; the document has every finding."""
    path.write_text('[receive]\ndomains = ["a.test"]\n')
    assert main(["--config", str(path), "config", "test"]) == 0
    assert capsys.readouterr().out == f"{path}: no errors, no warnings\n"
    assert main(["--config", str(path), "config", "test", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["path"], document["findings"]) == (str(path), [])


def test_a_file_that_is_not_there_is_wrong_use(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing was tested then."""
    assert main(["config", "test", str(path)]) == 2
    assert str(path) in capsys.readouterr().err

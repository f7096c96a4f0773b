"""``receive`` and ``send`` as a person uses them."""

from pathlib import Path

import pytest
from documents import body

from domain_secure.commands.main import main


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration file that does not exist yet."""
    return tmp_path / "domain-secure.toml"


def test_first_domain_creates_the_file(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Adding says what it did and where it wrote."""
    assert main(["--config", str(path), "receive", "add", "Woodgrovebank.test", "*.fabrikam.test"]) == 0
    assert capsys.readouterr().out == (
        "woodgrovebank.test: added to the receive list\n"
        "*.fabrikam.test: added to the receive list\n"
        f"written: {path}\n"
    )


def test_adding_again_is_done_already(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is on the list already is said so, with status 0."""
    main(["--config", str(path), "send", "add", "a.test"])
    capsys.readouterr()
    assert main(["--config", str(path), "send", "add", "A.test"]) == 0
    assert capsys.readouterr().out == "already so: a.test is on the send list\n"


def test_removing_what_is_not_there_is_no_fault(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The others are removed all the same, and what may be a typing error is asked about."""
    main(["--config", str(path), "receive", "add", "a.test", "contoso.test"])
    capsys.readouterr()
    removal = ["--config", str(path), "receive", "remove"]
    assert main([*removal, "b.example", "a.test", "--no-wait"]) == 0
    captured = capsys.readouterr()
    assert captured.out == (
        "a.test: removed from the receive list\n"
        "already so: b.example is not on the receive list\n"
        f"written: {path}\n"
    )
    assert captured.err == ""
    assert main([*removal, "contosso.test", "--no-wait"]) == 0
    assert "not on the receive list; did you mean contoso.test?" in capsys.readouterr().err


def test_without_a_daemon_a_change_has_no_effect_yet(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That is said, and is no fault; who does not want to wait is not told."""
    path.write_text('[metrics]\nlisten = "127.0.0.1:9"\n')
    assert main(["--config", str(path), "receive", "add", "a.test"]) == 0
    assert "no effect on mail that comes in yet: the daemon does not run" in capsys.readouterr().err
    assert main(["--config", str(path), "receive", "add", "b.test", "--no-wait"]) == 0
    assert capsys.readouterr().err == ""


def test_set_prints_what_it_dropped(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Replacing a list names the entries that left it."""
    main(["--config", str(path), "receive", "add", "a.test", "b.test"])
    capsys.readouterr()
    assert main(["--config", str(path), "receive", "set", "b.test", "c.test"]) == 0
    out = capsys.readouterr().out
    assert "a.test: removed from the receive list" in out
    assert "c.test: added to the receive list" in out


def test_list_is_one_a_line_or_json(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The order is the file's; the JSON document has stable keys."""
    main(["--config", str(path), "receive", "add", "b.test", "a.test"])
    capsys.readouterr()
    assert main(["--config", str(path), "receive", "list"]) == 0
    assert capsys.readouterr().out == "b.test\na.test\n"
    assert main(["--config", str(path), "receive", "list", "--json"]) == 0
    assert body(capsys.readouterr().out) == {
        "list": "receive",
        "domains": ["b.test", "a.test"],
        "revision": None,
    }
    assert main(["--config", str(path), "send", "list"]) == 0
    assert capsys.readouterr().out == ""


def test_list_without_a_file_is_wrong_use(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a configuration the command that makes one is named."""
    assert main(["--config", str(path), "receive", "list"]) == 2
    assert "receive add" in capsys.readouterr().err

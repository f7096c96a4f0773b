"""``domain-secure import`` as a person uses it."""

import tomllib
from pathlib import Path

import pytest
from documents import body

from domain_secure.commands.main import main

DATA = Path(__file__).parents[3] / "data" / "importing"
EXCHANGE = [str(DATA / name) for name in ("transport-config.txt", "connectors.txt", "certificates.txt")]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a configuration."""
    monkeypatch.setenv("DOMAIN_SECURE_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.chdir(tmp_path)


def test_what_is_printed_is_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what has no equivalent as comments; config test accepts it, and no file was written."""
    assert main(["import", "exchange", *EXCHANGE]) == 0
    text = capsys.readouterr().out
    assert tomllib.loads(text)["send"]["domains"] == ["woodgrovebank.com", "fabrikam.com"]
    assert "FutureSetting" in text
    assert not list(tmp_path.iterdir())
    (tmp_path / "new.toml").write_text(text)
    assert main(["config", "test", "new.toml"]) == 0


def test_it_is_written_where_it_is_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a file that was not there; one that is there stays as it is."""
    command = ["import", "exchange", *EXCHANGE, "--observe", "--out", "new.toml"]
    assert main(command) == 0
    assert capsys.readouterr().out.startswith("written: new.toml\n2 domains to receive from")
    text = (tmp_path / "new.toml").read_text()
    assert tomllib.loads(text)["mode"] == "observe"
    assert main(command) == 2
    assert ": new.toml: name another file" in capsys.readouterr().err
    assert (tmp_path / "new.toml").read_text() == text


def test_the_document_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Each thing with its file and line."""
    assert main(["import", "exchange", *EXCHANGE, "--json"]) == 0
    document = body(capsys.readouterr().out)
    assert document["receive"] == ["woodgrovebank.com", "fabrikam.com"]
    assert {"file", "line", "what", "reason"} == document["left_out"][0].keys()
    assert tomllib.loads(document["configuration"])["log"] == {"send": "verbose"}


def test_what_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With file and line, and nothing on standard output."""
    (tmp_path / "table.txt").write_text("Identity Enabled\n-------- -------\n")
    assert main(["import", "exchange", "table.txt"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "table.txt:1: print it with" in captured.err
    assert main(["import", "exchange", "missing.txt"]) == 2


def test_a_file_cannot_get_out_of_its_comment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever controls stand in a name or a value."""
    name = 'x\r[receive]\rdomains = ["evil.test"]'
    (tmp_path / name).write_text("TLSSendDomainSecureList : {a.test}\nOddName : \x1b[2J\u2028x\n")
    assert main(["import", "exchange", name]) == 0
    text = capsys.readouterr().out
    assert tomllib.loads(text) == {"send": {"domains": ["a.test"]}}
    assert "\x1b" not in text

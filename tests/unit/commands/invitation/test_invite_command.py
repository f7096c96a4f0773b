"""``domain-secure partner invite`` as a person uses it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from documents import body
from scratch_postfix import Scratch, make_scratch

from domain_secure.commands.main import main

PROGRAM = Path(sys.executable).parent / "domain-secure"


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """A machine with a Postfix that does not run, and nothing listed."""
    made = make_scratch(tmp_path)
    made.configure("")
    return made


def test_it_is_written_as_utf8(scratch: Scratch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into the file that was named; the document has the same facts."""
    out = tmp_path / "invite.html"
    command = ["--config", str(scratch.configuration), "partner", "invite", "woodgrovebank.test"]
    assert main([*command, "--format", "html", "--language", "ja", "--out", str(out)]) == 0
    assert "相互 TLS 認証" in out.read_text(encoding="utf-8")
    capsys.readouterr()
    assert main([*command, "--json"]) == 0
    facts = body(capsys.readouterr().out)
    assert facts["our_domains"] == ["contoso.test"]
    assert facts["receive"] is None


def test_a_locale_that_lacks_its_letters_gets_no_question_marks(scratch: Scratch) -> None:
    """One line says so, with what to do; English needs no more than ASCII."""
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    for language, status in (("ja", 2), ("de", 2), ("en", 0)):
        done = subprocess.run(
            [
                *(PROGRAM, "--config", scratch.configuration, "partner", "invite", "woodgrovebank.test"),
                *("--language", language),
            ],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
            timeout=60,
        )
        assert done.returncode == status, done.stderr
        assert "?" not in done.stdout
        assert ("--out FILE" in done.stderr) == (status != 0)


def test_a_domain_that_is_none_is_told(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line."""
    assert main(["--config", str(scratch.configuration), "partner", "invite", "co.uk"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_nobody_invites_himself(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """A sheet of ours for ourselves is a slip; where mail for the partner is taken in, ours can be named."""
    command = ["--config", str(scratch.configuration), "partner", "invite"]
    for name in ("Contoso.test", "*.contoso.test"):
        assert main([*command, name]) == 2
        assert "this domain is ours" in capsys.readouterr().err
    assert main([*command, "contoso.test", "--our-domain", "fabrikam.test"]) == 0

"""``partner list``, ``reset``, ``unpin`` and ``remove`` as a person uses them."""

import json
import tomllib
from pathlib import Path

import pytest

from domain_secure.commands.main import main

DIGESTS = ["ab" * 32, "cd" * 32]
PINS = [f"sha256:{DIGESTS[0]}", f"spki-sha256:{DIGESTS[1]}"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration with two partners on lists, and a rule that nobody follows."""
    file = tmp_path / "domain-secure.toml"
    file.write_text(f"""\
[receive]
domains = ["a.test", "*.fabrikam.test"]
[send]
domains = ["a.test", "b.test"]
[partner."A.test"]  # ours
mode = "observe"
pins = ["sha256:{DIGESTS[0].upper()}", "{PINS[1]}"]
[partner."left.test"]
mode = "observe"
[paths]
state = "state"
[metrics]
listen = "127.0.0.1:9"
""")
    return file


def run(path: Path, *arguments: str) -> int:
    """Run an action of ``partner``."""
    return main(["--config", str(path), "partner", *arguments])


def test_list_has_every_partner(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each list entry has a row, and each rule that no entry follows."""
    assert run(path, "list", "--json") == 0
    partners = json.loads(capsys.readouterr().out)["partners"]
    assert [(one["domain"], one["receive"], one["send"], one["rule"]) for one in partners] == [
        ("a.test", True, True, "a.test"),
        ("*.fabrikam.test", True, False, "defaults"),
        ("b.test", False, True, "defaults"),
        ("left.test", False, False, "left.test"),
    ]
    assert run(path, "list") == 0
    table = capsys.readouterr().out.splitlines()
    assert len(table) == 5
    assert table[1].split()[:4] == ["a.test", "yes", "yes", "observe"]


def test_list_of_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without partners the commands that make some are named."""
    file = tmp_path / "x.toml"
    file.write_text("")
    assert run(file, "list") == 0
    assert "receive add" in capsys.readouterr().out


def test_reset_goes_back_to_the_default(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys leave the table; those that are not in it change nothing."""
    assert run(path, "reset", "a.test", "mode", "names", "--no-wait") == 0
    assert capsys.readouterr().out == f"written: {path}\n"
    assert set(tomllib.loads(path.read_text())["partner"]["A.test"]) == {"pins"}
    assert run(path, "reset", "a.test", "mode", "--no-wait") == 0
    assert capsys.readouterr().out == "already so: a.test has mode by default\n"


def test_unpin_takes_a_pin_in_any_spelling(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The other one stays; the last one takes the key with it."""
    spelled = "SHA256:" + ":".join(DIGESTS[0][place : place + 2] for place in range(0, 64, 2))
    assert run(path, "unpin", "a.test", spelled, "--no-wait") == 0
    assert capsys.readouterr().out == f"written: {path}\n"
    table = tomllib.loads(path.read_text())["partner"]["A.test"]
    assert table == {"mode": "observe", "pins": [PINS[1]]}
    assert run(path, "unpin", "a.test", PINS[0], "--no-wait") == 0
    assert capsys.readouterr().out == f"already so: not pinned for a.test: {PINS[0]}\n"
    assert run(path, "unpin", "a.test", PINS[1], "--no-wait") == 0
    assert tomllib.loads(path.read_text())["partner"]["A.test"] == {"mode": "observe"}


def test_unpin_says_when_nothing_passes_any_more(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where pins alone are to decide, the last one is missed."""
    assert run(path, "set", "a.test", "methods=pin", "--no-wait") == 0
    assert run(path, "unpin", "a.test", *PINS, "--no-wait") == 0
    assert "its methods are pin alone: nothing passes" in capsys.readouterr().err


def test_remove_takes_all_that_is_said_of_a_partner(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both lists and the rule; the others are left alone, and doing it again is no fault."""
    assert run(path, "remove", "A.TEST", "--no-wait") == 0
    captured = capsys.readouterr()
    assert captured.out == (
        "a.test: removed from the receive list\na.test: removed from the send list\n"
        f"a.test: its rule is removed\nwritten: {path}\n"
    )
    assert "partner cert list a.test" in captured.err
    document = tomllib.loads(path.read_text())
    assert document["receive"]["domains"] == ["*.fabrikam.test"]
    assert document["send"]["domains"] == ["b.test"]
    assert list(document["partner"]) == ["left.test"]
    assert run(path, "remove", "a.test", "--no-wait") == 0
    assert capsys.readouterr().out.startswith("already so: a.test is on no list and has no rule")
    assert tomllib.loads(path.read_text()) == document


def test_remove_says_what_still_covers_it(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A host below a wildcard stays listed by that."""
    assert run(path, "set", "www.fabrikam.test", "mode=observe", "--force", "--no-wait") == 0
    capsys.readouterr()
    assert run(path, "remove", "www.fabrikam.test", "--no-wait") == 0
    assert "still on the receive list, as *.fabrikam.test" in capsys.readouterr().err

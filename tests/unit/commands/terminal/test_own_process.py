"""A command of ours in a process of its own."""

import sys
from pathlib import Path

import pytest

from domain_secure.commands.terminal import own_process
from domain_secure.commands.terminal.own_process import document_of
from domain_secure.policy.terms.problems import Problem

from lab.waiting import DEADLINE


def test_its_document_is_returned(tmp_path: Path) -> None:
    """Whatever its exit status: what it found is the answer."""
    document = document_of(tmp_path / "nowhere.toml", ["check"], DEADLINE)
    assert [finding["word"] for finding in document["findings"]] == ["configuration"]


@pytest.mark.parametrize("program", ["print('no document')", "raise SystemExit(3)"])
def test_one_that_tells_nothing_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """And the fix is to run it by hand."""
    monkeypatch.setattr(own_process, "COMMAND", (sys.executable, "-c", program))
    with pytest.raises(Problem, match="by hand"):
        document_of(tmp_path / "nowhere.toml", ["check"], DEADLINE)


def test_one_that_takes_too_long_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits learns how long that was."""
    monkeypatch.setattr(own_process, "COMMAND", (sys.executable, "-c", "import signal; signal.pause()"))
    with pytest.raises(Problem, match=r"check did not end within 0\.2 s"):
        document_of(tmp_path / "nowhere.toml", ["check"], 0.2)


def test_one_that_fails_is_the_problem_it_tells(tmp_path: Path) -> None:
    """What it could not do is not taken for an answer."""
    with pytest.raises(Problem, match=r"nowhere\.toml"):
        document_of(tmp_path / "nowhere.toml", ["receive", "list"], DEADLINE)

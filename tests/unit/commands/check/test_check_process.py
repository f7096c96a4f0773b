"""``check`` in a process of its own."""

import sys
from pathlib import Path

import pytest

from domain_secure.commands.check import check_process
from domain_secure.commands.check.check_process import check_document
from domain_secure.policy.terms.problems import Problem


def test_its_document_is_returned(tmp_path: Path) -> None:
    """Whatever its exit status: what it found is the answer."""
    document = check_document(tmp_path / "nowhere.toml")
    assert [finding["word"] for finding in document["findings"]] == ["configuration"]


@pytest.mark.parametrize("program", ["print('no document')", "raise SystemExit(3)"])
def test_one_that_tells_nothing_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """And the fix is to run it by hand."""
    monkeypatch.setattr(check_process, "_COMMAND", (sys.executable, "-c", program))
    with pytest.raises(Problem, match="by hand"):
        check_document(tmp_path / "nowhere.toml")

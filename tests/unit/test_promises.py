"""What a tool promises: when it turns red, and what is told of it."""

from dataclasses import replace
from pathlib import Path

import pytest

import promises
from promises import Part, Promise, broken, figures_document, record, run_tool

HELD = Promise("join", "sessions mixed up", "0", "0 of 4,000", held=True)
BROKEN = replace(HELD, measured="1 of 4,000", held=False)
SHORT = replace(HELD, measured="0.90", held=False, needed="A reader in C.", known=True)
UNSEEN = replace(HELD, measured="no", held=None, needed="not installed: etcd")


@pytest.mark.parametrize(("one", "red"), [(HELD, False), (BROKEN, True), (SHORT, False), (UNSEEN, True)])
def test_a_tool_turns_red_for_what_breaks_and_for_what_it_could_not_look_at(one: Promise, red: bool) -> None:
    """Only a shortfall that is known leaves it green."""
    assert broken([HELD, one]) is red
    assert run_tool("attack", "", {"join": Part(lambda _: [HELD, one])}, []) == int(red)


def test_a_part_that_cannot_run_here_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """It is not left out in silence, and the reason stands below the table."""
    part = Part(lambda _: [HELD], why_not=lambda: "needs root")
    assert run_tool("attack", "", {"join": part}, ["join"]) == 1
    printed = capsys.readouterr().out
    assert "not looked at" in printed
    assert "needs root" in printed


def test_the_record_keeps_parts_that_did_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each part has the date of its own last run, and what falls short is told first, with its reason."""
    monkeypatch.setattr(promises, "RECORDS", tmp_path / "figures")
    monkeypatch.setattr(promises, "FIGURES", tmp_path / "figures.md")
    record("attack", [HELD], 61.0)
    record("attack", [replace(SHORT, part="flow")], 2.0)
    text = (tmp_path / "figures.md").read_text()
    assert text == figures_document()
    assert "Of 2 promises 1 are held." in text
    assert "- **flow**, sessions mixed up: 0.90, promised 0 (falls short). A reader in C." in text
    assert "### join" in text
    assert text.index("## What falls short") < text.index("### join")


def test_a_short_form_is_not_recorded() -> None:
    """Its figures say too little."""
    with pytest.raises(SystemExit):
        run_tool("attack", "", {"join": Part(lambda _: [HELD])}, ["--quick", "--record"])


def test_the_document_is_as_the_records_say() -> None:
    """It is made by ``./dev figures``, never typed."""
    assert promises.FIGURES.read_text(encoding="utf-8") == figures_document()

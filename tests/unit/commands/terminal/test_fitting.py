"""Text at the width of a terminal: nothing is lost, and nothing is wider that need not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.commands.terminal.fitting import fitted, hanging, labelled, paragraphs

WORDS = st.lists(st.text("abcäß-.:", min_size=1, max_size=30), min_size=1, max_size=8).map(" ".join)
DIGEST = "sha256:" + "ab" * 32


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=4), st.integers(40, 120))
def test_a_row_as_a_paragraph_fits(rows: list[tuple[str, str, str]], width: int) -> None:
    """Below the first cell, whatever the width; every word is there."""
    lines = list(paragraphs(("domain", "one", "two"), rows, width))
    shown = " ".join(lines).split()
    for row in rows:
        assert all(word in shown for cell in row for word in cell.split())
    below = [line for line in lines if line.startswith("    ")]
    assert all(len(line) <= width for line in below)


def test_what_belongs_together_stays_so() -> None:
    """A header and its cell are not parted where there is room for both in one line."""
    row = ("a.test", "0", "not known")
    assert list(paragraphs(("domain", "messages received", "held"), [row], 30)) == [
        "a.test",
        "    messages received: 0",
        "    held: not known",
    ]


def test_a_label_and_its_text() -> None:
    """The text is beside it, or below where a word of it is too wide."""
    rows = [("mode", "enforce"), ("methods", "pin, pkix, dane"), ("pins", f"{DIGEST}, none")]
    assert list(labelled(rows, 20)) == [
        "mode     enforce",
        "methods  pin, pkix,",
        "         dane",
        "pins",
        f"    {DIGEST},",
        "    none",
    ]
    assert list(labelled([], 20)) == []


def test_a_line_hangs() -> None:
    """What follows is indented; a line that fits is left as it is."""
    assert list(hanging("daemon    one two three four", 20, 10)) == [
        "daemon    one two",
        "          three four",
    ]
    assert list(hanging("daemon    one", 20, 10)) == ["daemon    one"]


def test_elsewhere_than_on_a_terminal_nothing_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that reads it finds each line whole."""
    with fitted(4):
        print("word " * 100)
    assert capsys.readouterr().out == "word " * 100 + "\n"

"""The sabotages fit the product as it is: what none of them breaks any more, no tool is tried on."""

import ast
from pathlib import Path

import pytest
from sabotage.broken_copy import Replacement
from sabotage.sabotages import SABOTAGES, Sabotage

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda one: one.name)
def test_each_sabotage_fits(sabotage: Sabotage) -> None:
    """The old text stands once, what it becomes is another program, and the test that sees it is there."""
    for one in sabotage.replacements:
        text = (ROOT / one.file).read_text()
        assert ast.dump(ast.parse(one.applied(text))) != ast.dump(ast.parse(text))
    if sabotage.caught_by.is_test:
        file, _, name = sabotage.caught_by.called.partition("::")
        assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text()


def test_a_text_that_is_gone_is_told() -> None:
    """So is one that stands in two places, of which one would be left as it is."""
    replacement = Replacement("a.py", "old", "new")
    assert replacement.applied("an old text") == "an new text"
    for text in ("a text", "old and old"):
        with pytest.raises(ValueError, match=r"a\.py has [02] times"):
            replacement.applied(text)

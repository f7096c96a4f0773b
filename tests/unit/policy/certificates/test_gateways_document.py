"""docs/gateways.md against the table of gateways: the recipes, and the facts with their sources."""

from pathlib import Path

import pytest

from domain_secure.policy.certificates.gateways import GATEWAYS, RECIPES

PAGE = (Path(__file__).parents[4] / "docs" / "gateways.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", RECIPES)
def test_recipes(word: str) -> None:
    """Each recipe is told as it is applied."""
    names = RECIPES[word]
    row = f"| `{word}` | {', '.join(names.receive_names)} | {', '.join(names.send_names)} | dkim |"
    assert row in PAGE


def test_facts() -> None:
    """The facts on the page are those of the table, each with its source and its date."""
    rows = [
        f"| {gateway.service} | {source.says} | <{source.url}> | {source.date or 'undated'} |"
        for gateway in GATEWAYS
        if gateway.presented
        for source in gateway.sources
    ]
    told = PAGE[PAGE.index("## Facts") :]
    assert [line for line in told.splitlines() if line.startswith("| ") and "<http" in line] == rows

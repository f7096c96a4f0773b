"""Texts for people that are kept in a file: blocks of lines, each under its name."""

from pathlib import Path

_DATA = Path(__file__).parents[2] / "data"


def kept_words(file: str) -> dict[str, list[str]]:
    """Return the blocks of a file in ``tests/data`` by name."""
    blocks = (block.splitlines() for block in (_DATA / file).read_text().strip().split("\n\n"))
    return {name.removeprefix("# "): lines for name, *lines in blocks}

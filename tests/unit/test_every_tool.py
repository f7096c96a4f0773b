"""All tools, one after another: what is told of them, and when it is red."""

from pathlib import Path

import pytest

import promises
from every_tool import SHARES, Ended, main
from promises import TOGETHER, TOOLS, figures_document

TABLE = "PART  PROMISE  STATE\njoin  mixed up  held\nflow  ratio  falls short\n"


def ended(tool: str, status: int | None = 0, seconds: float = 60.0, printed: str = TABLE) -> Ended:
    """Return how a tool ended."""
    return Ended(tool, status, seconds, printed)


def test_every_tool_has_its_share_of_the_hour() -> None:
    """None is left out, and the shares are the whole."""
    assert {*SHARES, TOGETHER} == set(TOOLS)
    assert sum(SHARES.values()) == 60


@pytest.mark.parametrize(
    ("of_bench", "red"),
    [
        ({}, False),
        ({"status": 1}, True),
        ({"status": None}, True),
        ({"seconds": 30 * 60.0}, False),  # beyond its share, and all of them within the hour
        ({"seconds": 56 * 60.0}, True),
    ],
)
def test_it_is_red_where_one_tool_is_or_the_hour_is_over(
    of_bench: dict[str, float | None], red: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others have run, and are told of, nevertheless."""

    def run(tool: str, arguments: list[str]) -> Ended:
        assert arguments == []
        return Ended(
            tool, **{"status": 0, "seconds": 60.0, "printed": TABLE} | (of_bench if tool == "bench" else {})
        )

    assert main([], run) == int(red)
    printed = capsys.readouterr().out
    for tool in SHARES:
        assert f"{tool}, elapsed" in printed
    assert "1 held, 1 falls short; ended with 0" in printed
    assert "all tools together, elapsed" in printed


def test_what_broke_is_told_again_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """An hour of tables is not to be searched for one line."""
    printed = "join  mixed up   0   3   BROKEN\n"
    assert main(["static"], lambda tool, _: ended(tool, 1, printed=printed)) == 1
    assert "promises: static: join mixed up 0 3 BROKEN" in capsys.readouterr().out


def test_the_time_is_kept_where_all_have_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And each tool is asked to keep its own figures."""
    monkeypatch.setattr(promises, "RECORDS", tmp_path / "figures")
    monkeypatch.setattr(promises, "FIGURES", tmp_path / "figures.md")
    asked = []

    def run(tool: str, arguments: list[str]) -> Ended:
        asked.append((tool, *arguments))
        return ended(tool)

    main(["static", "--record"], run)
    assert not (tmp_path / "figures.md").exists()
    main(["--record"], run)
    assert asked[1:] == [(tool, "--record") for tool in SHARES]
    text = (tmp_path / "figures.md").read_text()
    assert text == figures_document()
    assert "| all tools together, elapsed | <= 60 min on 2 processors | 6 min 0 s | held |" in text

"""``top``: order, rates, and the small history."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain_secure.commands.main import main
from domain_secure.commands.status import top
from domain_secure.policy.history.history_file import FILE_NAME
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.record.history_item import Count, HistoryItem
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """Return a configuration with two partners, one of whom was refused just now."""
    path = tmp_path / "domain-secure.toml"
    path.write_text(
        '[receive]\ndomains = ["a.test", "b.test"]\n[metrics]\nlisten = "127.0.0.1:1"\n'
        f'[paths]\nstate = "{tmp_path}"\n'
    )
    writer = HistoryWriter(tmp_path / FILE_NAME)
    counted = Count(Entry("b.test"), "expired", "reject", is_success=False)
    now = datetime.now(UTC)
    writer.write([HistoryItem(now, Direction.RECEIVE, "decision", "Q1", "expired", (counted,), None)])
    writer.close()
    return path


def test_what_fails_comes_before_what_is_quiet(
    configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One document, with the state and the last failure of each."""
    assert main(["--config", str(configuration), "top", "--json"]) == 3
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    first, second = document["partners"]
    assert (first["domain"], first["state"], first["last_failure"]["outcome"]) == (
        "b.test",
        "failing",
        "expired",
    )
    assert (second["domain"], second["state"], second["last_failure"]) == ("a.test", "quiet", None)
    assert first["per_minute"] is None


def test_the_last_two_days_are_drawn(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As blocks, with the sum."""
    main(["--config", str(configuration), "top", "--count", "1"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("refused")]
    assert line.startswith("refused  48 h ")
    assert line.endswith(" █ 1")


def test_rates_are_differences(configuration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the counters between two looks, a minute; a daemon that started anew has none below zero."""
    clock = [100.0]
    monkeypatch.setattr(top.time, "monotonic", lambda: clock[0])
    watched = top._Top(configuration)
    assert watched._rates({"a.test": 5}) == {}
    watched._former = {"a.test": 5, "b.test": 9}
    clock[0] += 30
    assert watched._rates({"a.test": 8, "b.test": 1, "new.test": 4}) == {
        "a.test": 6,
        "b.test": 0,
        "new.test": 0,
    }


def test_blocks() -> None:
    """Nothing is a space, the most is the highest block."""
    assert top._blocks([0, 1, 4, 8]) == " ▁▄█"
    assert top._blocks([0, 0]) == "  "

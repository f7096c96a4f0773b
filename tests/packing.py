"""In which order the files of the suite are handed out: no long one starts when the others have ended.

Owns: the seconds that each file took when ``./dev test --keep-seconds`` was last run, and the estimate for
those that were not there then.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

SECONDS = Path(__file__).parent / "data" / "seconds.json"
_ROOT = Path(__file__).parents[1]
_OF_A_MACHINE, _OF_A_REAL_TEST, _OF_A_LABORATORY, _OF_A_UNIT_TEST = 60.0, 3.0, 5.0, 0.05


def longest_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests with those of the longest file in front; within a file they stay as they were."""
    seconds = seconds_of(items, kept())
    return sorted(items, key=lambda item: -seconds[file_of(item.nodeid)])


def seconds_of(items: list[pytest.Item], known: Mapping[str, float]) -> dict[str, float]:
    """Return how long each file is thought to take."""
    estimate: Counter[str] = Counter()
    for item in items:
        estimate[file_of(item.nodeid)] += _estimate(item)
    return {file: known.get(file, seconds) for file, seconds in estimate.items()}


def kept() -> dict[str, float]:
    """Return the seconds that were kept; none where nothing was."""
    if not SECONDS.exists():
        return {}
    seconds: dict[str, float] = json.loads(SECONDS.read_text())
    return seconds


def keep(reports: list[pytest.TestReport]) -> None:
    """Keep how long each file took, and forget files that are gone."""
    took: Counter[str] = Counter()
    for report in reports:
        took[file_of(report.nodeid)] += report.duration
    seconds = {file: round(took.get(file, former), 1) for file, former in (kept() | took).items()}
    there = {file: seconds[file] for file in sorted(seconds) if (_ROOT / file).exists()}
    SECONDS.write_text(json.dumps(there, indent=1) + "\n")


def file_of(node: str) -> str:
    """Return the file of a test, as pytest names it."""
    return node.partition("::")[0]


def _estimate(item: pytest.Item) -> float:
    if item.get_closest_marker("machine"):
        return _OF_A_MACHINE
    if not item.get_closest_marker("real"):
        return _OF_A_UNIT_TEST
    names = getattr(item, "fixturenames", ())
    return _OF_A_REAL_TEST + _OF_A_LABORATORY * sum(name in names for name in ("own_lab", "own_product"))

"""The files of the suite are handed out with the longest in front."""

import json
from itertools import groupby
from pathlib import Path

import packing
import pytest


def test_the_longest_file_comes_first(request: pytest.FixtureRequest) -> None:
    """Each file in one piece, by what it took when that was kept, else by an estimate."""
    items = request.session.items
    seconds = packing.seconds_of(items, packing.kept())
    files = [file for file, _ in groupby(packing.file_of(item.nodeid) for item in items)]
    assert len(files) == len(set(files))
    assert [seconds[file] for file in files] == sorted(seconds.values(), reverse=True)


def test_what_was_kept_goes_before_the_estimate(request: pytest.FixtureRequest) -> None:
    """A file that takes long comes first however few its tests are."""
    own = packing.file_of(request.node.nodeid)
    assert packing.seconds_of([request.node], {})[own] < 1
    assert packing.seconds_of([request.node], {own: 1000.0})[own] == 1000.0


def test_seconds_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Those of files that did not run stay, those of files that are gone do not; setup counts as well."""
    monkeypatch.setattr(packing, "SECONDS", tmp_path / "seconds.json")
    former = {"tests/unit/test_docs.py": 7.0, "tests/unit/test_packing.py": 9.0, "tests/gone.py": 3.0}
    packing.SECONDS.write_text(json.dumps(former))
    reports = [
        pytest.TestReport(
            "tests/unit/test_packing.py::a", ("", 0, ""), {}, "passed", None, when, duration=2.0
        )
        for when in ("setup", "call")
    ]
    packing.keep(reports)
    assert packing.kept() == {"tests/unit/test_docs.py": 7.0, "tests/unit/test_packing.py": 4.0}

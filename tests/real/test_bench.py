"""``./dev bench`` works; what it measures is not judged here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

TESTS = Path(__file__).parents[1]
PARTS = {"mail", "flood", "decision", "records", "scrape", "daemon", "tables", "fleet", "log"}


def test_every_part_is_measured_beside_its_reference(tmp_path: Path) -> None:
    """The quick run ends well, and each part has ratios, in the table as in the document."""
    document = tmp_path / "bench.json"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bench.run", "--quick", "--json", document],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    measurements = json.loads(document.read_text())
    assert {one["part"] for one in measurements if one["ratios"]} == PARTS
    assert {one["part"] for one in measurements} >= PARTS | {"cost", "capacity", "latency"}
    for one in measurements:
        assert one["what"] in done.stdout
    assert ">= 1.05 × C milter" in done.stdout

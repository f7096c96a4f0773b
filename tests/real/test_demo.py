"""The demonstration that the README begins with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

TESTS = Path(__file__).parents[1]


def test_everything_is_as_expected() -> None:
    """Each scene and every counter comes out as the story says, and the protocol log tells it too."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "lab.demo"],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "everything as expected" in done.stdout
    assert "→ in  woodgrovebank.test" in done.stdout
    assert "← out woodgrovebank.test" in done.stdout

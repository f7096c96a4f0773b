"""What the tests about attach share."""

from pathlib import Path

import pytest
from attach_place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a stock configuration with a certificate."""
    return Place(tmp_path)

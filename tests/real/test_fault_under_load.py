"""The short form of ``./dev fault``: two faults under load that no other test puts in."""

import pytest

from fault import clock, disks
from promises import Part

pytestmark = pytest.mark.real


@pytest.mark.parametrize("part", [clock.PARTS["clock"], disks.PARTS["disk"]], ids=["clock", "disk"])
def test_every_message_is_accounted_for(part: Part) -> None:
    """None lost, wrong or refused for good, and mail flows again by itself; how soon is for the long form."""
    promises = part.measure(True)
    for one in promises:
        if one.what.endswith("every message"):
            assert one.held, f"{one.what}: {one.measured}: {one.needed}"
        assert one.measured != "never", one.what
    assert promises

"""Sessions that could be taken for each other, as ``./dev attack`` holds them by the thousand."""

import pytest

from attack import mix_ups

pytestmark = pytest.mark.real


def test_no_session_has_the_evidence_of_another() -> None:
    """Reused ports, proxies, chunks, messages broken off, restarts: each keeps its own certificate."""
    for promise in mix_ups.measure(quick=True):
        assert promise.held, f"{promise.what}: {promise.measured}\n{promise.needed}"

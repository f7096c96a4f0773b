"""Forged messages of every family through a real Postfix, as ``./dev attack`` sends them by the thousand."""

import pytest

from attack import strangers

pytestmark = pytest.mark.real


def test_nothing_forged_passes_and_nothing_true_is_lost() -> None:
    """Each message of strangers and of the partner is accounted for at both ends."""
    for promise in strangers.measure(quick=True):
        assert promise.held, f"{promise.what}: {promise.measured}\n{promise.needed}"

"""Pauses between attempts."""

from domain_secure.fleet.store.backoff import Backoff


def test_pauses_grow_to_a_bound_and_differ() -> None:
    """No pause is longer than the bound, none is nothing, they grow, and success begins anew."""
    backoff = Backoff(0.5, 30.0)
    pauses = [backoff.pause() for _ in range(2000)]
    assert pauses[0] <= 0.5
    assert max(pauses) <= 30.0
    assert min(pauses) > 0
    assert len(set(pauses[10:])) > 1900
    assert sum(pauses[10:]) / len(pauses[10:]) > 10
    backoff.succeeded()
    assert backoff.pause() <= 0.5

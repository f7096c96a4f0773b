"""The gauges of a node of a fleet."""

from domain_secure.milter.metrics.metrics import Metrics


def test_alone_there_are_none_and_unknown_values_stay() -> None:
    """A machine that stands alone shows no fleet; on a node, what a round could not learn keeps its value."""
    metrics = Metrics()
    assert b"domain_secure_fleet" not in metrics.exposition()
    metrics.fleet.set(5, 6, 1000.0, reachable=True)
    metrics.fleet.set(5, None, None, reachable=False)
    shown = metrics.exposition().decode()
    for line in (
        "domain_secure_fleet_applied_revision 5.0",
        "domain_secure_fleet_head_revision 6.0",
        "domain_secure_fleet_last_contact_timestamp_seconds 1000.0",
        "domain_secure_fleet_store_reachable 0.0",
    ):
        assert f"\n{line}\n" in shown

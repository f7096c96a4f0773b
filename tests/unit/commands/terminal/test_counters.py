"""What a daemon has counted, as it reports it to the fleet."""

from domain_secure.commands.terminal.counters import COUNTERS, counted
from domain_secure.milter.metrics.metrics import Metrics


def test_the_three_counters_by_entry() -> None:
    """Each of the three is there under its title, summed over its other labels; the rest is left out."""
    metrics = Metrics()
    assert counted(metrics) == {title: {} for title in COUNTERS}
    for counter in metrics.by_entry:
        others = ("x",) * (len(counter.labels) - 1)
        counter.inc("a.test", *others, amount=2)
        counter.inc("b.test", *others)
        if others:
            counter.inc("a.test", *("y" for _ in others))
    found = counted(metrics)
    assert found["Domain Secure Messages Received"] == {"a.test": 2, "b.test": 1}
    assert found["Domain Secure Messages Sent"] == {"a.test": 2, "b.test": 1}
    assert found["Domain Secure Outbound Session Failures"] == {"a.test": 3, "b.test": 1}

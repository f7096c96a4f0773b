"""The metric of the bypasses in force."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge

from domain_secure.policy.bypass.bypass import Bypass


class BypassMetrics:
    """One series for each partner and direction, while a bypass is in force."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ends = Gauge(
            "domain_secure_bypass_end_timestamp_seconds",
            "When a bypass ends at the latest, by partner and direction; until then mail goes through "
            "unproved. No series while none is in force.",
            ("domain", "direction"),
            registry=registry,
        )

    def show(self, bypasses: Iterable[Bypass]) -> None:
        """Take those in force in place of the former ones."""
        self._ends.clear()
        for one in bypasses:
            for direction in one.directions:
                self._ends.labels(one.entry, direction).set(one.end.timestamp())

"""The metric of partners that are to be enforced by themselves."""

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge

from domain_secure.policy.promotion.waiting import Waiting


class PromotionMetrics:
    """One series for each partner that waits."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._since = Gauge(
            "domain_secure_promotion_waiting_since_timestamp_seconds",
            "Since when a partner waits to be enforced, once its days are clean; no series once it is.",
            ("domain",),
            registry=registry,
        )

    def show(self, waiting: Iterable[Waiting]) -> None:
        """Take those that wait in place of the former ones."""
        self._since.clear()
        for one in waiting:
            self._since.labels(one.domain).set(datetime.fromisoformat(one.asked).timestamp())

"""The metrics of a node of a fleet (DESIGN section 6)."""

from prometheus_client import CollectorRegistry, Gauge


class FleetGauges:
    """What this node enforces, what the store holds, and when it was last heard of."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._applied = Gauge(
            "domain_secure_fleet_applied_revision",
            "The revision of the fleet's policy that decides about mail on this node.",
            registry=registry,
        )
        self._head = Gauge(
            "domain_secure_fleet_head_revision",
            "The newest revision in the store, as this node last saw it.",
            registry=registry,
        )
        self._contact = Gauge(
            "domain_secure_fleet_last_contact_timestamp_seconds",
            "When the store last answered this node.",
            registry=registry,
        )
        self._reachable = Gauge(
            "domain_secure_fleet_store_reachable",
            "1 while the store answers, 0 while this node goes on with what it has on disk.",
            registry=registry,
        )

    def set(self, applied: int | None, head: int | None, contact: float | None, *, reachable: bool) -> None:
        """Take what the last round found; what is not known keeps its value."""
        self._reachable.set(reachable)
        for gauge, value in ((self._applied, applied), (self._head, head), (self._contact, contact)):
            if value is not None:
                gauge.set(value)

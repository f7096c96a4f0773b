"""The metrics of Postfix's tables (DESIGN section 6): when they were made, and whether that still works."""

from prometheus_client import CollectorRegistry, Gauge


class TableMetrics:
    """How the last attempt to bring the tables up to date ended."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.problem: str | None = None  #: of the last attempt
        self._generated = Gauge(
            "domain_secure_maps_generated_timestamp_seconds",
            "When the Postfix tables of the send list were last found or made up to date.",
            registry=registry,
        )
        self._successful = Gauge(
            "domain_secure_maps_last_generation_successful",
            "1 when the Postfix tables of the send list were up to date at the last attempt, 0 when they "
            "could not be made: Postfix then goes on with the former ones.",
            registry=registry,
        )
        self._successful.set(1)

    def attempted(self, problem: str | None) -> None:
        """Take how an attempt ended; *problem* is None where the tables are up to date."""
        self.problem = problem
        self._successful.set(0 if problem else 1)
        if problem is None:
            self._generated.set_to_current_time()

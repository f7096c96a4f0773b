"""The metrics of the configuration (DESIGN section 6): whether what is on disk is in force."""

from prometheus_client import CollectorRegistry, Gauge

from domain_secure.policy.configuration.list_losses import LISTS


class ConfigurationMetrics:
    """How the last reading ended."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._successful = Gauge(
            "domain_secure_config_last_reload_successful",
            "1 when the configuration in force is the one on disk, 0 after a reload that failed.",
            registry=registry,
        )
        self._vanished = Gauge(
            "domain_secure_list_vanished",
            "1 while entries that nobody confirmed are gone from the files of a list; the last good one is "
            "in force then.",
            ["list"],
            registry=registry,
        )
        for name in LISTS:
            self._vanished.labels(name).set(0)

    def read(self, *, is_in_force: bool, vanished: str | None) -> None:
        """Take how a reading ended; *vanished* is the name of a list that is held back, or None."""
        self._successful.set(1 if is_in_force else 0)
        for name in LISTS:
            self._vanished.labels(name).set(1 if name == vanished else 0)

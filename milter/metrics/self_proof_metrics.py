"""The metric of the self-proof, and what it rests on."""

import math

from prometheus_client import CollectorRegistry, Gauge


class SelfProofMetrics:
    """The last finding; NaN in the metric while nothing is known."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.standing: str | None = None  #: None: it is off
        self.detail = ""
        self._gauge = Gauge(
            "domain_secure_selfproof",
            "1 when a canary message with a right certificate passed and wrong ones did not, at the last "
            "trial on our own port 25; 0 when Postfix lets in what it should not, or the reverse; NaN when "
            "it could not be tried, is off, or Postfix is not attached.",
            registry=registry,
        )
        self.clear()

    @property
    def fault(self) -> str | None:
        """Return what the last trial found wrong, or None."""
        return self.detail if self.standing == "failed" else None

    def clear(self) -> None:
        """Nothing is tried."""
        self.standing, self.detail = None, ""
        self._gauge.set(math.nan)

    def found(self, standing: str, detail: str) -> None:
        """Take the outcome of a trial: ``proved``, ``failed``, ``unknown``, ``not-attached``."""
        self.standing, self.detail = standing, detail
        self._gauge.set({"proved": 1, "failed": 0}.get(standing, math.nan))

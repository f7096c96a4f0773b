"""When certificates end, and how near that is.

Label values are roles, names of our own certificates, and list entries.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge

from domain_secure.policy.certificates.expiry import CertificateDate

_LABELS = ("role", "name")


class CertificateMetrics:
    """Two gauges of each certificate."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ends = Gauge(
            "domain_secure_certificate_not_after_timestamp_seconds",
            "When a certificate ends: our own by role and name, a partner's by list entry, the first in use.",
            _LABELS,
            registry=registry,
        )
        self._expiry = Gauge(
            "domain_secure_certificate_expiry",
            "0 while that is far off, by [trust] expiry_warning; 1 ends soon, 2 very soon, 3 has ended.",
            _LABELS,
            registry=registry,
        )

    def set_dates(self, found: Iterable[CertificateDate]) -> None:
        """Take these in place of what was known; of several of one name the first to end counts."""
        dates = sorted(found, key=lambda one: one.ends, reverse=True)
        self._ends.clear()
        self._expiry.clear()
        for one in dates:
            self._ends.labels(one.role, one.name).set(one.ends.timestamp())
            self._expiry.labels(one.role, one.name).set(int(one.expiry))

"""The metrics of the daemon (DESIGN section 6), in one place.

Label values come from the configured lists and from enumerations, never from the network.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import generate_latest

from domain_secure.policy.claims.budget import Unreadable
from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.decision.decision import Decision
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry

from .bypass_metrics import BypassMetrics
from .certificate_metrics import CertificateMetrics
from .configuration_metrics import ConfigurationMetrics
from .entry_counter import EntryCounter
from .fleet_gauges import FleetGauges
from .inbound_metrics import InboundMetrics
from .outbound_metrics import OutboundMetrics
from .promotion_metrics import PromotionMetrics
from .reflector_metrics import ReflectorMetrics
from .self_proof_metrics import SelfProofMetrics
from .table_metrics import TableMetrics

# Twice the series, for a time that every scraper knows by itself.
disable_created_metrics()  # type: ignore[no-untyped-call]

COUNTED_SINCE = "domain_secure_counted_since_timestamp_seconds"
_MOST_ISSUERS = 500
_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0)


class Metrics:
    """Counters that read the same Decision as the log does."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.inbound = InboundMetrics()
        self._seconds = Histogram(
            "domain_secure_decision_seconds",
            "Time from the end of a message that claims a listed domain to its decision, waiting included.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.configuration = ConfigurationMetrics(self.registry)
        self.healthy = self._gauge(
            "domain_secure_healthy", "1 while a part of the daemon works, as /healthz says, 0 else.", "part"
        )
        self.bypasses = BypassMetrics(self.registry)
        self.promotions = PromotionMetrics(self.registry)
        self.tables = TableMetrics(self.registry)
        self.self_proof = SelfProofMetrics(self.registry)
        self.reflector = ReflectorMetrics(self.registry)
        self.certificates = CertificateMetrics(self.registry)
        self._crl_next_update = self._gauge(
            "domain_secure_crl_next_update_timestamp_seconds",
            "When the revocation list of an issuer in use must be replaced, the earliest of several.",
            "issuer",
        )
        self.outbound = OutboundMetrics(self.registry)
        self.by_entry = (*self.inbound.by_entry, *self.outbound.by_entry)
        self._counted_since = self._gauge(
            COUNTED_SINCE,
            "Since when messages are counted, by direction; a restart of the daemon changes nothing.",
            "direction",
        )
        build = self._gauge(
            "domain_secure_build_info", "Always 1; the version of the running daemon is the label.", "version"
        )
        build.labels(version("postfix-domain-secure")).set(1)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(name, documentation, labels, registry=self.registry)

    def observe(
        self,
        decision: Decision,
        seconds: float,
        whose: Mapping[Entry, Attribution] = MappingProxyType({}),
        *,
        is_accepted: bool = True,
    ) -> None:
        """Count one message at its end.

        *seconds* is how long the decision took, *whose* says whose message it was that did not get in.  One
        that passed may be refused for another reason: *is_accepted* is False then.
        """
        self.inbound.observe(decision, whose, is_accepted=is_accepted)
        # Nearly all mail claims nothing, and waits for nothing.
        if decision.verdict is not Verdict.NONE:
            self._seconds.observe(seconds)

    def count_unreadable(self, reason: Unreadable) -> None:
        """Count one message that was refused before anything was judged."""
        self.inbound.unreadable.inc(reason)

    def count_lost(self, where: str, number: int) -> None:
        """Count records that could not be written down; *where* is one of ``LOST_WHERE``."""
        self.inbound.lost.inc(where, amount=number)

    def set_crl_next_updates(self, found: Mapping[str, datetime]) -> None:
        """Take the next update of the revocation lists in use, by issuer, in place of what was known.

        The issuers are those of configured files and of partners' trusted chains.
        """
        self._crl_next_update.clear()
        for issuer in sorted(found)[:_MOST_ISSUERS]:
            self._crl_next_update.labels(issuer).set(found[issuer].timestamp())

    @cached_property
    def fleet(self) -> FleetGauges:
        """Return the gauges of a node of a fleet; a machine that stands alone never asks, and has none."""
        return FleetGauges(self.registry)

    def exposition(self) -> bytes:
        """Return the text exposition format."""
        self.outbound.refresh()
        self._counted_since.labels(Direction.RECEIVE).set(self.inbound.since.timestamp())
        since = self.outbound.since
        self._counted_since.labels(Direction.SEND).set(since.timestamp() if since else math.nan)
        return generate_latest(self.registry) + b"".join(one.exposition() for one in self.counters)

    @property
    def counters(self) -> tuple[EntryCounter, ...]:
        """Return what goes on over a restart: all counters of messages and sessions."""
        return (*self.inbound.counters, *self.outbound.by_entry)

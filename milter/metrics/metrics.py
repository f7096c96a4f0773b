"""The metrics of the daemon (DESIGN section 6), in one place.

Label values come from the configured lists and from enumerations, never from the network.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import generate_latest

from domain_secure.policy.claims.budget import Unreadable
from domain_secure.policy.decision.decision import Decision
from domain_secure.policy.decision.verdict import Effect, Verdict

from .configuration_metrics import ConfigurationMetrics
from .entry_counter import EntryCounter
from .fleet_gauges import FleetGauges
from .outbound_metrics import OutboundMetrics
from .self_proof_metrics import SelfProofMetrics
from .table_metrics import TableMetrics

# Twice the series, for a time that every scraper knows by itself.
disable_created_metrics()  # type: ignore[no-untyped-call]

_MOST_ISSUERS = 500
LOST_WHERE = (LOST_QUEUE, LOST_HISTORY) = "queue", "history"
_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0)


class Metrics:
    """Counters that read the same Decision as the log does."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._received = EntryCounter(
            "domain_secure_messages_received",
            "Messages from a listed domain that were accepted with every claimed domain authenticated.",
            ("domain",),
        )
        self._refusals = EntryCounter(
            "domain_secure_inbound_refusals",
            "Messages from a listed domain that were refused or deferred, by the reason in the reply.",
            ("domain", "reason"),
        )
        self._decisions = Counter(
            "domain_secure_decisions",
            "Decisions about messages, by verdict and by the method that passed.",
            ["verdict", "method"],
            registry=self.registry,
        )
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
        self.tables = TableMetrics(self.registry)
        self.self_proof = SelfProofMetrics(self.registry)
        self._certificate_ends = self._gauge(
            "domain_secure_certificate_not_after_timestamp_seconds",
            "When a certificate ends: our own by role and name, a partner's by list entry.",
            "role",
            "name",
        )
        self._crl_next_update = self._gauge(
            "domain_secure_crl_next_update_timestamp_seconds",
            "When the revocation list of an issuer in use must be replaced, the earliest of several.",
            "issuer",
        )
        self._lost = _lost_counter(self.registry)
        self._unreadable = Counter(
            "domain_secure_unreadable_messages_refused",
            "Messages refused whoever they are from, because what they claim to be cannot be told.",
            ["reason"],
            registry=self.registry,
        )
        for reason in Unreadable:
            self._unreadable.labels(reason)
        self.outbound = OutboundMetrics(self.registry)
        self.by_entry = (self._received, self._refusals, *self.outbound.by_entry)
        build = self._gauge(
            "domain_secure_build_info", "Always 1; the version of the running daemon is the label.", "version"
        )
        build.labels(version("postfix-domain-secure")).set(1)
        # Looking a child up costs more than counting, and nearly all mail ends here.
        self._not_listed = self._decisions.labels(Verdict.NONE.word, "none")

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(name, documentation, labels, registry=self.registry)

    def observe(self, decision: Decision, seconds: float) -> None:
        """Count one message at its end; *seconds* is how long the decision took."""
        if decision.verdict is Verdict.NONE:
            self._not_listed.inc()
            return
        self._decisions.labels(decision.verdict.word, decision.method or "none").inc()
        self._seconds.observe(seconds)
        if decision.verdict is Verdict.PASS:
            for entry in {finding.claim.entry for finding in decision.findings}:
                self._received.inc(entry)
        elif decision.effect in {Effect.DEFER, Effect.REJECT} and (deciding := decision.deciding):
            self._refusals.inc(deciding.claim.entry, deciding.verdict.word)

    def count_unreadable(self, reason: Unreadable) -> None:
        """Count one message that was refused before anything was judged."""
        self._unreadable.labels(reason).inc()

    def count_lost(self, where: str, number: int) -> None:
        """Count records that could not be written down; *where* is one of ``LOST_WHERE``."""
        self._lost.labels(where).inc(number)

    def forget_unlisted(self, former: frozenset[str], present: frozenset[str]) -> None:
        """Drop the series of entries that are no longer listed."""
        if gone := former - present:
            for counter in (self._received, self._refusals):
                counter.forget(gone)

    def set_certificate_dates(self, found: Iterable[tuple[str, str, datetime]]) -> None:
        """Take the ends of all certificates, as role, name and time, in place of what was known."""
        dates = tuple(found)
        self._certificate_ends.clear()
        for role, name, end in dates:
            self._certificate_ends.labels(role, name).set(end.timestamp())

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
        return generate_latest(self.registry) + b"".join(counter.exposition() for counter in self.by_entry)


def _lost_counter(registry: CollectorRegistry) -> Counter:
    lost = Counter(
        "domain_secure_records_lost",
        "Decisions missing from the log and history (queue: came faster than they could be written) or "
        "from the history alone (history: its file could not be used).",
        ["where"],
        registry=registry,
    )
    for where in LOST_WHERE:
        lost.labels(where)
    return lost

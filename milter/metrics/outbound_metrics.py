"""The metrics of outbound mail, as what was committed last tells them.

Must not know: Postfix's log.  Label values come from the send list and from enumerations.
"""

import math
import time
from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from domain_secure.policy.sending.delivery_counts import LogStanding, OutboundCounter, OutboundProgress

from .entry_counter import EntryCounter

# Reading goes in steps: within this time after the last look nothing is late.
_STEP_SECONDS = 2.0

_UNDERSTOOD = {LogStanding.FOLLOWED: 1.0, LogStanding.UNKNOWN: math.nan}

_BY_DOMAIN = {
    OutboundCounter.SENT: (
        "domain_secure_messages_sent",
        "Messages to a listed domain that its server took over verified TLS, once each.",
    ),
    OutboundCounter.MUTUAL: (
        "domain_secure_messages_sent_mutual",
        "Of these, those for which the log proves that the server asked for our certificate and got it.",
    ),
    OutboundCounter.NOT_ASKED: (
        "domain_secure_messages_sent_certificate_not_asked",
        "Of the messages sent, those for which the log proves that the server asked for no certificate.",
    ),
    OutboundCounter.UNVERIFIED: (
        "domain_secure_messages_sent_unverified",
        "Messages to a listed domain that left without verified TLS, past the policy: always look into it.",
    ),
    OutboundCounter.BYPASS: (
        "domain_secure_bypass_messages_sent",
        "Of these, messages that left while a bypass let them, whatever the server proved.",
    ),
}
_BY_REASON = {
    OutboundCounter.FAILURE: (
        "domain_secure_outbound_session_failures",
        "Sessions with a listed domain's server that failed for a reason of security, by reason.",
    ),
    OutboundCounter.PROBLEM: (
        "domain_secure_outbound_connection_problems",
        "Sessions with a listed domain's server that failed for a reason that is none of security.",
    ),
}


NAMES = {counter: name for table in (_BY_DOMAIN, _BY_REASON) for counter, (name, _) in table.items()}


class OutboundMetrics(Collector):
    """Shows the progress that was taken last."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counters = {
            counter: EntryCounter(name, text, labels)
            for counters, labels in ((_BY_DOMAIN, ("domain",)), (_BY_REASON, ("domain", "reason")))
            for counter, (name, text) in counters.items()
        }
        self._progress = OutboundProgress()
        self._shown: object = None
        self._at_end = time.monotonic()
        registry.register(self)

    def update(self, progress: OutboundProgress) -> None:
        """Take where the reading of the log stands."""
        self._progress = progress
        if progress.at_end:
            self._at_end = time.monotonic()

    @property
    def standing(self) -> tuple[LogStanding, str]:
        """Return how Postfix's log stands, and what is wrong with it."""
        return self._progress.standing, self._progress.detail

    @property
    def since(self) -> datetime | None:
        """Return since when deliveries are counted; None where that is not known."""
        return self._progress.since

    @property
    def by_entry(self) -> tuple[EntryCounter, ...]:
        """Return the counters by list entry, up to date after refresh()."""
        return tuple(self._counters.values())

    def refresh(self) -> None:
        """Bring the counters by list entry up to date."""
        sums = self._progress.sums
        if sums is self._shown:
            return
        self._shown = sums
        found: dict[OutboundCounter, dict[tuple[str, ...], int]] = {one: {} for one in self._counters}
        for (one, entry, reason), number in sums.items():
            found[one][(entry, reason) if reason else (entry,)] = number
        for one, counter in self._counters.items():
            counter.replace(found[one])

    def collect(self) -> Iterator[Metric]:
        """Return the families that are not by list entry."""
        progress = self._progress
        waiting = GaugeMetricFamily(
            "domain_secure_messages_waiting",
            "Messages to a listed domain that wait in the queue, as Postfix's log tells.",
            labels=("domain",),
        )
        for entry, count in progress.waiting.items():
            waiting.add_metric((entry,), count)
        yield waiting
        yield CounterMetricFamily(
            "domain_secure_log_lines",
            "Lines of Postfix's log that were read since the start.",
            progress.lines,
        )
        yield CounterMetricFamily(
            "domain_secure_log_lines_unknown",
            "Of these, lines of Postfix's SMTP client that this version does not understand.",
            progress.unknown_lines,
        )
        yield CounterMetricFamily(
            "domain_secure_log_lines_understood",
            "Lines of this Postfix, of those whose form was looked at: all new ones, a sample of a backlog.",
            progress.known,
        )
        yield CounterMetricFamily(
            "domain_secure_log_lines_not_understood",
            "Of the same, lines that name a program of Postfix in a form that is not known.",
            progress.strange,
        )
        yield GaugeMetricFamily(
            "domain_secure_log_understood",
            "1 while Postfix's log tells what is counted; 0 when it is in an unknown form, when mail moves "
            "and nothing is logged, or when it cannot be read; NaN until the first line.",
            _UNDERSTOOD.get(progress.standing, 0.0),
        )
        lag = time.monotonic() - self._at_end
        silent = math.nan if progress.standing is not LogStanding.FOLLOWED else 0.0
        yield GaugeMetricFamily(
            "domain_secure_log_lag_seconds",
            "For how long the end of Postfix's log was not reached; 0 while it is followed, NaN while it is "
            "read and tells nothing.",
            lag if lag > _STEP_SECONDS else silent,
        )

"""The three counters of the system this one follows, by the names they have there."""

from collections.abc import Iterable

from ..milter.metrics import Metrics

COUNTERS = {
    "Domain Secure Messages Received": "domain_secure_messages_received_total",
    "Domain Secure Messages Sent": "domain_secure_messages_sent_total",
    "Domain Secure Outbound Session Failures": "domain_secure_outbound_session_failures_total",
}


def counted(metrics: Metrics) -> dict[str, dict[str, int]]:
    """Return what a running daemon has counted, by title and list entry; no count is left out."""
    found: dict[str, dict[str, int]] = {}
    for title, entry, value in _samples(metrics):
        row = found.setdefault(title, {})
        row[entry] = row.get(entry, 0) + int(value)
    return {title: {entry: count for entry, count in row.items() if count} for title, row in found.items()}


def _samples(metrics: Metrics) -> Iterable[tuple[str, str, float]]:
    titles = {name: title for title, name in COUNTERS.items()}
    for family in metrics.registry.collect():
        for sample in family.samples:
            if sample.name in titles and "domain" in sample.labels:
                yield titles[sample.name], sample.labels["domain"], sample.value

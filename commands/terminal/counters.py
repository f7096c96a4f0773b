"""The three counters of the system this one follows, by the names they have there."""

from domain_secure.milter.metrics.metrics import Metrics

COUNTERS = {
    "Domain Secure Messages Received": "domain_secure_messages_received_total",
    "Domain Secure Messages Sent": "domain_secure_messages_sent_total",
    "Domain Secure Outbound Session Failures": "domain_secure_outbound_session_failures_total",
}


def counted(metrics: Metrics) -> dict[str, dict[str, int]]:
    """Return what a running daemon has counted, by title and list entry; no count is left out."""
    titles = {name: title for title, name in COUNTERS.items()}
    found: dict[str, dict[str, int]] = {}
    for counter in metrics.by_entry:
        if title := titles.get(f"{counter.name}_total"):
            row = found.setdefault(title, {})
            for values, number in counter.counts().items():
                row[values[0]] = row.get(values[0], 0) + number
    return {title: {entry: count for entry, count in row.items() if count} for title, row in found.items()}

"""One scrape of the metrics of a large edge, over HTTP, beside the client library's own exposition.

Owns: what an edge with so many partners has counted.
"""

import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.exposition import generate_latest

from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.milter.page.http_server import HttpServer, Pages
from domain_secure.policy.configuration.configuration import WebAccess
from domain_secure.policy.sending.delivery_counts import CountKey, OutboundCounter, OutboundProgress
from domain_secure.policy.terms.domain import Entry

from .measurement import Measurement

PART = "scrape"
GOAL = "<= 20 ms"

_ROUNDS = 9


def measure(domains: int) -> list[Measurement]:
    """Return milliseconds for a scrape with *domains* listed, and for the library with the same series."""
    entries = [Entry(f"partner-{number:05d}.test") for number in range(domains)]
    metrics = _busy(entries)
    registry = CollectorRegistry()
    for counter in metrics.by_entry[:5]:
        library = Counter(counter.name, "The same.", counter.labels, registry=registry)
        for entry in entries if counter.labels == ("domain",) else entries[::10]:
            library.labels(entry, *("no-tls" for _ in counter.labels[1:])).inc()
    pages = Pages(metrics.exposition, lambda: {"healthy": True}, lambda _: ({}, b""))
    server = HttpServer(("127.0.0.1", 0), pages, WebAccess())
    server.start()
    try:
        rounds = [(_milliseconds(lambda: generate_latest(registry)), _scrape(server)) for _ in range(_ROUNDS)]
    finally:
        server.stop()
    plain, scraped = (tuple(values) for values in zip(*rounds, strict=True))
    reference = Measurement(PART, f"prometheus-client, {domains:,} domains", "ms", plain)
    measured = Measurement(PART, f"/metrics, {domains:,} domains", "ms", scraped, goal=GOAL)
    return [reference, measured.against(reference, called="prometheus-client")]


def _busy(entries: Sequence[Entry]) -> Metrics:
    """Return the metrics of an edge that hears from every partner, and has trouble with one in ten."""
    metrics = Metrics()
    received, refused, partners_own, bypassed = metrics.inbound.by_entry
    sums: dict[CountKey, int] = {}
    for entry in entries:
        received.inc(entry)
        for counter in (OutboundCounter.SENT, OutboundCounter.MUTUAL):
            sums[CountKey(counter, entry, "")] = 1
    for entry in entries[::10]:
        refused.inc(entry, "no-tls")
        partners_own.inc(entry, "no-tls")
        bypassed.inc(entry)
        sums[CountKey(OutboundCounter.FAILURE, entry, "no-tls")] = 1
    metrics.outbound.update(OutboundProgress(sums, at_end=True))
    return metrics


def _scrape(server: HttpServer) -> float:
    def get() -> None:
        connection = HTTPConnection(server.address, timeout=30)
        connection.request("GET", "/metrics")
        connection.getresponse().read()
        connection.close()

    return _milliseconds(get)


def _milliseconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000

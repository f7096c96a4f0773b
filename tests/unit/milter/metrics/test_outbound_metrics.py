"""The metrics of outbound mail."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from domain_secure.milter.metrics import outbound_metrics
from domain_secure.milter.metrics.outbound_metrics import OutboundMetrics
from domain_secure.policy.sending.delivery_counts import (
    CountKey,
    LogStanding,
    OutboundCounter,
    OutboundProgress,
)
from domain_secure.policy.terms.domain import Entry

WOODGROVE = Entry("woodgrovebank.test")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Hold the clock."""
    now = [100.0]
    monkeypatch.setattr(outbound_metrics.time, "monotonic", lambda: now[0])
    return now


def exposed(registry: CollectorRegistry, metrics: OutboundMetrics) -> set[str]:
    """Return the samples."""
    metrics.refresh()
    text = generate_latest(registry) + b"".join(counter.exposition() for counter in metrics.by_entry)
    return {line for line in text.decode().splitlines() if not line.startswith("#")}


def test_every_counter_has_its_metric() -> None:
    """By domain, failures by reason too, in the names that dashboards use."""
    registry = CollectorRegistry()
    metrics = OutboundMetrics(registry)
    sums = {
        CountKey(counter, WOODGROVE, reason): number
        for number, (counter, reason) in enumerate(
            [
                (OutboundCounter.SENT, ""),
                (OutboundCounter.MUTUAL, ""),
                (OutboundCounter.NOT_ASKED, ""),
                (OutboundCounter.UNVERIFIED, ""),
                (OutboundCounter.FAILURE, "no-tls"),
                (OutboundCounter.PROBLEM, "unreachable"),
            ],
            1,
        )
    }
    metrics.update(
        OutboundProgress(
            sums, lines=70, unknown_lines=7, at_end=True, known=60, strange=2, standing=LogStanding.FOLLOWED
        )
    )
    label = f'domain="{WOODGROVE}"'
    assert exposed(registry, metrics) == {
        f"domain_secure_messages_sent_total{{{label}}} 1",
        f"domain_secure_messages_sent_mutual_total{{{label}}} 2",
        f"domain_secure_messages_sent_certificate_not_asked_total{{{label}}} 3",
        f"domain_secure_messages_sent_unverified_total{{{label}}} 4",
        f'domain_secure_outbound_session_failures_total{{{label},reason="no-tls"}} 5',
        f'domain_secure_outbound_connection_problems_total{{{label},reason="unreachable"}} 6',
        "domain_secure_log_lines_total 70.0",
        "domain_secure_log_lines_unknown_total 7.0",
        "domain_secure_log_lines_understood_total 60.0",
        "domain_secure_log_lines_not_understood_total 2.0",
        "domain_secure_log_understood 1.0",
        "domain_secure_log_lag_seconds 0.0",
    }


def test_what_is_no_longer_listed_disappears() -> None:
    """The series of an entry that the sums do not have any more is dropped."""
    registry = CollectorRegistry()
    metrics = OutboundMetrics(registry)
    key = CountKey(OutboundCounter.SENT, WOODGROVE, "")
    metrics.update(OutboundProgress({key: 1}))
    assert any(WOODGROVE in line for line in exposed(registry, metrics))
    metrics.update(OutboundProgress({}))
    assert not any(WOODGROVE in line for line in exposed(registry, metrics))


def test_every_counter_is_shown() -> None:
    """None is kept that nobody sees."""
    assert set(OutboundCounter) == {*outbound_metrics._BY_DOMAIN, *outbound_metrics._BY_REASON}


def test_lag(clock: list[float]) -> None:
    """It grows for as long as the end is not reached, whatever the cause, and ends with it."""
    registry = CollectorRegistry()
    metrics = OutboundMetrics(registry)
    clock[0] += 60
    assert "domain_secure_log_lag_seconds 60.0" in exposed(registry, metrics)
    metrics.update(OutboundProgress(lines=9))
    assert "domain_secure_log_lag_seconds 60.0" in exposed(registry, metrics)
    metrics.update(OutboundProgress(lines=9, at_end=True, standing=LogStanding.FOLLOWED))
    assert "domain_secure_log_lag_seconds 0.0" in exposed(registry, metrics)


@pytest.mark.parametrize(
    ("standing", "understood"),
    [
        (LogStanding.UNKNOWN, "NaN"),
        (LogStanding.NOT_UNDERSTOOD, "0.0"),
        (LogStanding.SILENT, "0.0"),
        (LogStanding.UNREADABLE, "0.0"),
    ],
)
def test_a_log_that_tells_nothing_is_not_in_time(standing: LogStanding, understood: str) -> None:
    """Its end was reached, and yet no lag of 0 is claimed."""
    registry = CollectorRegistry()
    metrics = OutboundMetrics(registry)
    metrics.update(OutboundProgress(lines=9, at_end=True, standing=standing, detail="x"))
    found = exposed(registry, metrics)
    assert "domain_secure_log_lag_seconds NaN" in found
    assert f"domain_secure_log_understood {understood}" in found
    assert metrics.standing == (standing, "x")

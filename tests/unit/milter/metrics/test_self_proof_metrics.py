"""What was proved is proved for a while, and until something changes; the metric says the same."""

import math

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from domain_secure.milter.metrics.self_proof_metrics import SelfProofMetrics


class Proof:
    """The metrics with a clock of their own."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.registry = CollectorRegistry()
        self.metrics = SelfProofMetrics(self.registry, lambda: self.now)

    def sample(self, name: str = "domain_secure_selfproof") -> float:
        """Return what a scraper reads."""
        text = generate_latest(self.registry).decode()
        return next(
            one.value
            for each in text_string_to_metric_families(text)
            for one in each.samples
            if one.name == name
        )

    def standing(self) -> tuple[str | None, bool]:
        """Return the word, and whether it is a fault."""
        present = self.metrics.present
        return present.standing, present.fault is not None


@pytest.fixture
def proof() -> Proof:
    """Return one that is off."""
    return Proof()


def test_it_grows_old(proof: Proof) -> None:
    """Proved within its time, stale and a fault past it, proved again by another trial."""
    assert proof.standing() == (None, False)
    proof.metrics.found("proved", "smtp/inet: all is well", 60.0)
    assert proof.standing() == ("proved", False)
    assert proof.sample() == 1
    assert proof.sample("domain_secure_selfproof_timestamp_seconds") > 0
    proof.now += 61
    assert proof.standing() == ("stale", True)
    assert math.isnan(proof.sample())
    assert "then it was proved: smtp/inet: all is well" in proof.metrics.present.detail
    proof.metrics.found("proved", "", 60.0)
    assert proof.standing() == ("proved", False)


def test_a_change_ends_it(proof: Proof) -> None:
    """Stale at once, and a fault when no trial follows in time, whatever changes again meanwhile."""
    proof.metrics.found("proved", "", 3600.0)
    proof.metrics.outdated(60.0)
    assert proof.standing() == ("stale", False)
    assert math.isnan(proof.sample())
    proof.now += 40
    proof.metrics.outdated(60.0)
    proof.now += 21
    assert proof.standing() == ("stale", True)


def test_a_failure_stays_one(proof: Proof) -> None:
    """Old or outdated, what failed is a fault until it is tried again."""
    proof.metrics.found("failed", "smtpd takes a message without asking us", 60.0)
    assert proof.standing() == ("failed", True)
    proof.metrics.outdated(60.0)
    assert proof.standing() == ("stale", True)


def test_the_first_trial(proof: Proof) -> None:
    """Before it nothing is known, and a fault is that it does not come; switched off there is nothing."""
    proof.metrics.expect(60.0)
    assert proof.standing() == ("not-tried", False)
    assert math.isnan(proof.sample("domain_secure_selfproof_timestamp_seconds"))
    proof.now += 61
    assert proof.standing() == ("not-tried", True)
    proof.metrics.clear()
    assert proof.standing() == (None, False)
    proof.metrics.found("unknown", "", 60.0)
    proof.metrics.expect(5.0)
    assert proof.standing() == ("unknown", False)

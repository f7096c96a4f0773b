"""The counters of decisions."""

from prometheus_client.parser import text_string_to_metric_families

from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.decision.decision import decide
from domain_secure.policy.decision.evidence import Evidence

from unit.policy.builders import NOW, WOODGROVE, claim, configuration, session


def test_forgeries_are_refusals_and_no_partners() -> None:
    """All refusals are counted as before; those of the partner's own mail once more."""
    metrics = Metrics()
    refused = decide([claim()], Evidence(session(tls_version=None), None), configuration(), NOW)
    metrics.observe(refused, 0.001, {WOODGROVE: Attribution.STRANGER})
    metrics.observe(refused, 0.001, {WOODGROVE: Attribution.PARTNER})
    counted = {
        sample.name: sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
        if sample.labels == {"domain": WOODGROVE, "reason": "no-tls"}
    }
    assert counted == {
        "domain_secure_inbound_refusals_total": 2,
        "domain_secure_inbound_partner_refusals_total": 1,
    }
    metrics.inbound.list_changed(frozenset({WOODGROVE}), frozenset())
    assert f'partner_refusals_total{{domain="{WOODGROVE}"' not in metrics.exposition().decode()

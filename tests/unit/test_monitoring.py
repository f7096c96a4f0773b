"""Alert rules and dashboard speak of metrics that exist, and of labels that they have."""

import re
from pathlib import Path

import pytest
from dashboard import FILE, PANELS, dashboard

from domain_secure.milter.metrics.metrics import Metrics

from lab.alert_cases import CASES

RULES = Path(__file__).parents[2] / "docs" / "prometheus" / "rules.yml"
OPERATION = Path(__file__).parents[2] / "docs" / "operation.md"
SELECTOR = re.compile(r"\b(domain_secure_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"\bby \(([^)]*)\)|\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
SCRAPED = {"job", "instance", "alertname", "le", "humanizeDuration"}


def existing() -> dict[str, set[str]]:
    """Return the labels of each metric, by every name under which it is exposed."""
    metrics = Metrics()
    assert metrics.fleet  # made for a node of a fleet alone
    found = {f"{counter.name}_total": set(counter.labels) for counter in metrics.counters}
    for collector in metrics.registry._collector_to_names:
        for family in collector.collect():
            for suffix in SUFFIXES[family.type]:
                labels = getattr(collector, "_labelnames", getattr(family, "_labelnames", ()))
                found[f"{family.name}{suffix}"] = set(labels)
    return found


EXISTING = existing()
EVERY_LABEL = set[str]().union(*EXISTING.values(), SCRAPED)


def check(text: str) -> None:
    """Assert that what *text* selects and groups by is there."""
    for name, matchers in SELECTOR.findall(text):
        assert name in EXISTING
        assert set(LABEL.findall(matchers)) <= EXISTING[name] | SCRAPED, name
    for listed, single in GROUPING.findall(text):
        assert {label.strip() for label in (listed or single).split(",")} <= EVERY_LABEL, text


def test_rules() -> None:
    """Every metric and label in the alert rules exists."""
    text = RULES.read_text()
    assert len(SELECTOR.findall(text)) > 10
    check(text)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_panels(panel: object) -> None:
    """Every metric and label in a panel exists."""
    check(f"{panel.expression} {panel.legend}")  # type: ignore[attr-defined]


def test_dashboard_is_up_to_date() -> None:
    """The file is what the table makes: otherwise run `.venv/bin/python -P tests/dashboard.py`."""
    assert FILE.read_text() == dashboard()


def test_each_alert_has_a_case() -> None:
    """Every alert is seen to fire in some case."""
    declared = set(re.findall(r"alert: (\w+)", RULES.read_text()))
    assert declared == {name for case in CASES for name in case.alerts}


def test_each_metric_is_documented() -> None:
    """docs/operation.md names every metric with its labels."""
    text = OPERATION.read_text()
    for name, labels in EXISTING.items():
        base = re.sub(r"_(bucket|count|sum)$", "", name)
        documented = re.search(rf"`{base}(?:\{{([^}}]*)\}})?`", text)
        assert documented, name
        assert set(filter(None, (documented[1] or "").split(","))) == labels, name

"""Make the Grafana dashboard from one table of panels.

``python -P tests/dashboard.py`` writes docs/prometheus/dashboard.json anew; a test sees that it is up to date
and that every metric and label in it exists.
"""

import json
import sys
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "docs" / "prometheus" / "dashboard.json"
NODE, DOMAIN = 'instance=~"$node"', 'domain=~"$domain"'
_DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS = 24


@unique
class Shape(Enum):
    """How a panel shows its numbers: Grafana's type of panel, and the height in rows."""

    FIGURE = "stat", 4
    LINES = "timeseries", 8
    BARS = "bargauge", 8

    def __init__(self, kind: str, height: int) -> None:
        self.kind, self.height = kind, height


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; *thresholds* are the values from which it turns amber and red, in either order."""

    title: str
    explanation: str
    shape: Shape
    width: int
    expression: str
    legend: str = ""
    unit: str = "short"
    thresholds: tuple[float, float] | None = None


def _rate(metric: str, by: str, *matchers: str) -> str:
    return f"sum by ({by}) (increase({metric}{{{', '.join(matchers)}}}[$__rate_interval])) > 0"


_CERTIFICATES = "domain_secure_certificate_not_after_timestamp_seconds"
PANELS = (
    Panel("Daemons that answer", "Of those that Prometheus scrapes.", Shape.FIGURE, 4,
          f'sum(up{{job="domain-secure", {NODE}}})', thresholds=(1, 0)),
    Panel("Accepted", "Messages of listed domains that proved who they are.", Shape.FIGURE, 4,
          f"sum(increase(domain_secure_messages_received_total{{{NODE}, {DOMAIN}}}[$__range]))"),
    Panel("Refused or deferred", "Messages that did not prove a listed domain they claim.", Shape.FIGURE, 4,
          f"sum(increase(domain_secure_inbound_refusals_total{{{NODE}, {DOMAIN}}}[$__range]))"),
    Panel("First certificate to end", "Ours or a partner's, whichever ends first.", Shape.FIGURE, 4,
          f'min({_CERTIFICATES}{{{NODE}, role!="unused"}}) - time()', unit="s",
          thresholds=(21 * 86400, 7 * 86400)),
    Panel("Configuration in force", "1 where every node runs what is on its disk.", Shape.FIGURE, 4,
          f"min(domain_secure_config_last_reload_successful{{{NODE}}})", thresholds=(1, 0)),
    Panel("Tables in force", "1 where every node has the tables of its send list.", Shape.FIGURE, 4,
          f"min(domain_secure_maps_last_generation_successful{{{NODE}}})", thresholds=(1, 0)),
    Panel("Accepted, by partner", "", Shape.LINES, 12,
          _rate("domain_secure_messages_received_total", "domain", NODE, DOMAIN), "{{domain}}"),
    Panel("Refused, by partner and reason", "The reason is the word in the reply.", Shape.LINES, 12,
          _rate("domain_secure_inbound_refusals_total", "domain, reason", NODE, DOMAIN),
          "{{domain}} {{reason}}"),
    Panel("Sent over verified TLS, by partner", "Once for each message and partner.", Shape.LINES, 12,
          _rate("domain_secure_messages_sent_total", "domain", NODE, DOMAIN), "{{domain}}"),
    Panel("Outbound sessions that failed", "For a reason of security; the mail waits in the queue.",
          Shape.LINES, 12,
          _rate("domain_secure_outbound_session_failures_total", "domain, reason", NODE, DOMAIN),
          "{{domain}} {{reason}}"),
    Panel("Sent without verified TLS", "Past the policy: must stay empty.", Shape.LINES, 12,
          _rate("domain_secure_messages_sent_unverified_total", "domain", NODE, DOMAIN), "{{domain}}"),
    Panel("Partners that ask for no certificate", "Sent, and the log proves that ours was not asked for.",
          Shape.LINES, 12,
          _rate("domain_secure_messages_sent_certificate_not_asked_total", "domain", NODE, DOMAIN),
          "{{domain}}"),
    Panel("Decisions by verdict", "`none` is mail that claims no listed domain.", Shape.LINES, 12,
          _rate("domain_secure_decisions_total", "verdict, method", NODE), "{{verdict}} {{method}}"),
    Panel("Time to a decision", "19 of 20 messages of listed domains wait less than this.", Shape.LINES, 12,
          "histogram_quantile(0.95, sum by (instance, le) "
          f"(rate(domain_secure_decision_seconds_bucket{{{NODE}}}[$__rate_interval])))", "{{instance}}", "s"),
    Panel("Certificates, time left", "", Shape.BARS, 12,
          f'sort(min by (role, name) ({_CERTIFICATES}{{{NODE}, role!="unused"}}) - time())',
          "{{name}} ({{role}})", "s", (21 * 86400, 7 * 86400)),
    Panel("Revocation lists, time left", "Below zero: it has ended and no newer one was to be had.",
          Shape.BARS, 12,
          f"sort(min by (issuer) (domain_secure_crl_next_update_timestamp_seconds{{{NODE}}}) - time())",
          "{{issuer}}", "s", (86400, 0)),
    Panel("Behind the fleet's policy", "Revisions that a node does not enforce yet.", Shape.LINES, 12,
          f"domain_secure_fleet_head_revision{{{NODE}}} - domain_secure_fleet_applied_revision{{{NODE}}}",
          "{{instance}}"),
    Panel("Behind Postfix's log", "Outbound counters are late by so much.", Shape.LINES, 12,
          f"max by (instance) (domain_secure_log_lag_seconds{{{NODE}}})", "{{instance}}", "s"),
    Panel("Records lost", "Decisions that are missing from log and history.", Shape.LINES, 12,
          _rate("domain_secure_records_lost_total", "instance, where", NODE), "{{instance}} {{where}}"),
    Panel("Version", "", Shape.BARS, 12,
          f"count by (version) (domain_secure_build_info{{{NODE}}})", "{{version}}"),
)  # fmt: skip


def dashboard() -> str:
    """Return the dashboard as Grafana imports it."""
    document = {
        "title": "Postfix Domain Secure",
        "uid": "postfix-domain-secure",
        "tags": ["mail", "postfix"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": _variables()},
        "panels": _placed(),
    }
    return json.dumps(document, indent=1) + "\n"


def _variables() -> list[dict[str, Any]]:
    def of_label(name: str, label: str, metric: str) -> dict[str, Any]:
        return {
            "name": name,
            "label": name.capitalize(),
            "type": "query",
            "datasource": _DATA_SOURCE,
            "query": f"label_values({metric}, {label})",
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        }

    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        of_label("node", "instance", "domain_secure_build_info"),
        of_label("domain", "domain", "domain_secure_messages_received_total"),
    ]


def _placed() -> list[dict[str, Any]]:
    placed, left, top, height = [], 0, 0, 0
    for number, panel in enumerate(PANELS, 1):
        if left + panel.width > _COLUMNS:
            left, top = 0, top + height
        height = panel.shape.height
        place = {"x": left, "y": top, "w": panel.width, "h": height}
        placed.append({"id": number, "gridPos": place} | _panel(panel))
        left += panel.width
    return placed


def _panel(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit}
    if panel.thresholds is not None:
        amber, red = panel.thresholds
        steps = [{"color": "red", "value": None}, {"color": "orange", "value": red}]
        defaults["thresholds"] = {"mode": "absolute", "steps": [*steps, {"color": "green", "value": amber}]}
    target = {
        "refId": "A",
        "expr": panel.expression,
        "legendFormat": panel.legend,
        "datasource": _DATA_SOURCE,
    }
    if panel.shape is not Shape.LINES:
        target["instant"] = True
    return {
        "title": panel.title,
        "description": panel.explanation,
        "type": panel.shape.kind,
        "datasource": _DATA_SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [target],
    }


if __name__ == "__main__":
    FILE.write_text(dashboard())
    sys.exit(0)

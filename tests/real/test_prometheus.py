"""Real Prometheus: it likes our metrics, our rules say what they should, and the right alert fires."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dashboard import PANELS

from lab.alert_cases import rule_tests
from lab.laboratory import ADDRESSES, CONTOSO, FABRIKAM, WOODGROVE
from lab.messages import compose
from lab.product import Product
from lab.prometheus import PROMTOOL, RULES, Prometheus
from lab.waiting import wait_for

pytestmark = pytest.mark.real


def promtool(*arguments: str | Path, text: str = "") -> str:
    """Return what promtool says of *text*; it must end well."""
    done = subprocess.run(
        [PROMTOOL, *arguments], input=text, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_rules_say_what_they_should(tmp_path: Path) -> None:
    """In each situation exactly the right alerts fire."""
    promtool("check", "rules", RULES)
    (tmp_path / "cases.yml").write_text(json.dumps(rule_tests(str(RULES))))
    assert "SUCCESS" in promtool("test", "rules", tmp_path / "cases.yml")


def test_panels_are_sound_queries(tmp_path: Path) -> None:
    """Prometheus can parse what the dashboard asks."""
    rules = [
        {"record": f"panel:{number}", "expr": _without_variables(panel.expression)}
        for number, panel in enumerate(PANELS)
    ]
    (tmp_path / "panels.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(PANELS)} rules found" in promtool("check", "rules", tmp_path / "panels.yml")


def _without_variables(expression: str) -> str:
    return expression.replace("$__rate_interval", "5m").replace("$__range", "1d").replace("$", "")


def test_the_right_alert_fires(product: Product) -> None:
    """A partner's certificate that ends, and then a partner that is refused, are told by name."""
    lab = product.lab
    soon = lab.authority.issue(
        FABRIKAM, dns_names=(FABRIKAM,), not_after=datetime.now(UTC) + timedelta(days=5)
    )
    product.stop()
    product.command("receive", "add", FABRIKAM)
    product.command("partner", "cert", "add", FABRIKAM, lab.certificate_file(soon, "soon"))
    product.serve()
    send(product, with_certificate=True)
    prometheus = Prometheus(lab)
    ending = {"DomainSecurePartnerCertificateEndsNow": {FABRIKAM}}
    wait_for(lambda: prometheus.firing() == ending, "the first alert", context=lambda: told(prometheus))
    passed = f'domain_secure_messages_received_total{{domain="{WOODGROVE}"}}'
    assert prometheus.query(passed)
    for _ in range(2):
        send(product, with_certificate=False)
    wait_for(
        lambda: prometheus.firing() == ending | {"DomainSecurePartnerRefused": {WOODGROVE}},
        "the second alert",
        context=lambda: told(prometheus),
    )


def test_metrics_are_well_formed(product: Product) -> None:
    """``promtool check metrics`` has nothing to say about what a busy daemon exposes."""
    assert promtool("check", "metrics", text=product.exposition()) == ""


def send(product: Product, *, with_certificate: bool) -> None:
    """Hand in a message of Woodgrove's."""
    lab, sender, recipient = product.lab, f"admin@{WOODGROVE}", f"user@{CONTOSO}"
    lab.send(
        lab.contoso,
        compose(sender, recipient),
        source=ADDRESSES[WOODGROVE],
        sender=sender,
        recipient=recipient,
        tls=lab.client_context(lab.identities[WOODGROVE] if with_certificate else None),
    )


def told(prometheus: Prometheus) -> str:
    """Return what helps when an alert does not fire."""
    return f"{prometheus.firing()}\n{prometheus.log()}"

"""``status`` as the administrator sees it, beside a running daemon."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from plugin_format import read

from lab.laboratory import ADDRESSES, CONTOSO, WOODGROVE
from lab.messages import compose
from lab.product import Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

SENDER = f"admin@{WOODGROVE}"
RECIPIENT = f"user@{CONTOSO}"


def test_counters_connectors_and_lists(product: Product) -> None:
    """A message that passed and one that did not are counted; connectors say where security is on."""
    lab = product.lab
    for tls in (None, lab.client_context(lab.identities[WOODGROVE])):
        message = compose(SENDER, RECIPIENT)
        lab.send(
            lab.contoso,
            message,
            source=ADDRESSES[WOODGROVE],
            sender=SENDER,
            recipient=RECIPIENT,
            tls=tls,
        )
    document = json.loads(product.command("status", "--json").stdout)
    (domain,) = document["domains"]
    assert domain["counters"] == {
        "Domain Secure Messages Received": 1,
        "Refused or deferred on receipt": 1,
        "Domain Secure Messages Sent": 0,
        "Domain Secure Outbound Session Failures": 0,
        "Sent without verified TLS": 0,
    }
    assert domain["asks_for_our_certificate"] == "unknown"
    secured = {one["name"] for one in document["connectors"] if one["domain_secure"]}
    assert secured == {"smtp/inet", "domain-secure/unix"}
    shown = product.command("status").stdout
    assert "runs the configuration as on disk" in shown
    assert WOODGROVE in shown
    shown = product.command("status", WOODGROVE).stdout
    assert "1 Domain Secure Messages Received\n" in shown
    for label, outcome in (("last received", "pass"), ("last refused", "no-tls")):
        assert re.search(rf"^{label} +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \w+, {outcome}", shown, re.MULTILINE), (
            shown
        )


def test_certificate_that_ends_soon_is_named(own_product: Product) -> None:
    """A partner's certificate with a few days left is shown, with the days."""
    product, lab = own_product, own_product.lab
    soon = lab.authority.issue(
        WOODGROVE, dns_names=(WOODGROVE,), not_after=datetime.now(UTC) + timedelta(days=5, hours=1)
    )
    product.stop()
    lab.namespaces.outside("/run/lab/domain-secure/certificates.sqlite").unlink()
    product.command("partner", "set", WOODGROVE, "methods=pin,pkix")
    product.command("partner", "cert", "add", WOODGROVE, lab.certificate_file(soon, "soon"))
    lab.present(lab.woodgrove, soon)
    product.serve()
    wait_for(
        lambda: (
            f"renew now      certificate of {WOODGROVE} (partner): 5 days left"
            in product.command("status").stdout
        ),
        "the certificate to be named",
        context=lambda: product.command("status").stdout,
    )


def test_no_daemon(own_product: Product) -> None:
    """Without a daemon the status is 3, and the lists are shown all the same."""
    own_product.stop()
    done = own_product.command("status", check=False)
    assert done.returncode == 3
    assert "the daemon does not answer" in done.stdout
    assert WOODGROVE in done.stdout


def test_counters_go_on_over_a_restart(own_product: Product) -> None:
    """Killed and started again, or not there at all: terminal and metrics show the same numbers as before."""
    product, lab = own_product, own_product.lab
    for tls in (None, lab.client_context(lab.identities[WOODGROVE])):
        lab.send(
            lab.contoso,
            compose(SENDER, RECIPIENT),
            source=ADDRESSES[WOODGROVE],
            sender=SENDER,
            recipient=RECIPIENT,
            tls=tls,
        )
    before = _numbers(product)
    since = json.loads(product.command("status", "--json").stdout)["counted_since"]
    assert before["domain_secure_messages_received_total"] == 1
    assert before["domain_secure_inbound_refusals_total"] == 1
    product.kill()
    away = json.loads(product.command("status", "--json", check=False).stdout)
    (domain,) = away["domains"]
    assert domain["counters"]["Domain Secure Messages Received"] == 1
    assert domain["counters"]["Refused or deferred on receipt"] == 1
    assert away["counted_since"] == since
    product.serve()
    assert _numbers(product) == before
    assert json.loads(product.command("status", "--json").stdout)["counted_since"] == since
    assert "a restart changes nothing" in product.command("status").stdout


def _numbers(product: Product) -> dict[str, float]:
    """Return what the metrics count of messages, by name."""
    found: dict[str, float] = {}
    for key, value in product.metrics().items():
        name = key.partition("{")[0]
        if name.endswith("_total") and "log_lines" not in name:
            found[name] = found.get(name, 0) + value
    return found


def test_a_monitoring_system_is_told(own_product: Product) -> None:
    """By both plugins: numbers of the daemon that runs, a partner that is refused, and that none runs."""
    product, lab = own_product, own_product.lab
    done = product.command("status", "--nagios", check=False)
    found = read(done.stdout, done.returncode)
    assert found.numbers["received"][:2] == ("0", "c")
    assert found.numbers["partners"][0] == "1"
    lab.send(
        lab.contoso,
        compose(SENDER, RECIPIENT),
        source=ADDRESSES[WOODGROVE],
        sender=SENDER,
        recipient=RECIPIENT,
        tls=lab.client_context(lab.identities[WOODGROVE]),
    )
    done = product.command("status", "--nagios", check=False)
    assert read(done.stdout, done.returncode).numbers["received"][0] == "1"

    document = json.loads(product.command("check", "--json", check=False).stdout)
    done = product.command("check", "--nagios", check=False)
    found = read(done.stdout, done.returncode)
    counts = {name: int(found.numbers[name][0]) for name in ("errors", "warnings", "notes", "not_looked_at")}
    assert list(counts.values()) == [
        document["counts"][name] for name in ("error", "warning", "note", "not-looked-at")
    ]

    product.stop()
    for command in ("check", "status"):
        done = product.command(command, "--nagios", check=False)
        found = read(done.stdout, done.returncode)
        assert found.state == "CRITICAL"
        assert any("the daemon does not answer" in line for line in (found.text, *found.more))

"""Forgeries and partners that do not get through, told apart by a real Postfix; certificates in use."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.certificates import DAY, Issued
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE
from lab.messages import compose
from lab.product import Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

RECIPIENT = f"user@{CONTOSO}"
PARTNER_REFUSALS = f'domain_secure_inbound_partner_refusals_total{{domain="{WOODGROVE}"'


def send(product: Product, source: str, issued: Issued | None, *, is_tls: bool = True) -> None:
    """Send a message in Woodgrove's name from somebody's address."""
    lab = product.lab
    with lab.connect(lab.contoso, ADDRESSES[source]) as dialogue:
        if is_tls:
            dialogue.starttls(lab.client_context(issued))
        dialogue.message(f"a@{WOODGROVE}", RECIPIENT, compose(f"a@{WOODGROVE}", RECIPIENT).content)


def outcomes(product: Product) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Return the last of each category of what Woodgrove sent."""
    (domain,) = json.loads(product.command("status", "--json").stdout)["domains"]
    return {(one["category"], one["attribution"]): one for one in domain["latest"]["receive"]["outcomes"]}


def state(product: Product) -> str:
    """Return how the partner fares."""
    (row,) = json.loads(product.command("top", "--json", check=False).stdout)["partners"]
    return str(row["state"])


def test_a_forgery_is_no_partner_refused(own_product: Product) -> None:
    """A stranger leaves the partner good; the partner's own server without its certificate does not."""
    product = own_product
    send(product, WOODGROVE, product.lab.identities[WOODGROVE])
    wait_for(lambda: ("passed", None) in outcomes(product), "the pass", context=product.log)
    send(product, EVIL, None, is_tls=False)
    send(product, EVIL, None)
    wait_for(lambda: ("refused", "stranger") in outcomes(product), "the forgery", context=product.log)
    assert state(product) == "good"
    assert PARTNER_REFUSALS not in product.exposition()
    product.stop()
    product.serve()  # what the partner is known by outlives the daemon
    send(product, WOODGROVE, None)
    wait_for(lambda: ("refused", "partner") in outcomes(product), "the refusal", context=product.log)
    assert state(product) == "failing"
    (domain,) = json.loads(product.command("status", "--json").stdout)["domains"]
    assert domain["partner_refusals"] == 1
    assert PARTNER_REFUSALS in product.exposition()


def test_the_certificate_in_use_counts(own_product: Product) -> None:
    """One that passes mail ends in two days, another one that was imported has 999: check and page say so."""
    product, lab = own_product, own_product.lab
    now = datetime.now(UTC)
    used, other = (
        lab.authority.issue(
            WOODGROVE, dns_names=(WOODGROVE,), not_before=now - 80 * DAY, not_after=now + timedelta(days=days)
        )
        for days in (2, 999)
    )
    for name, issued in (("used", used), ("other", other)):
        product.command("partner", "cert", "add", WOODGROVE, lab.certificate_file(issued, name))
    send(product, WOODGROVE, used)
    found = wait_for(lambda: expiring(product), "check to name it", context=product.log)
    assert found["what"] == f"a certificate in use by {WOODGROVE} ends in 1 day"
    assert used.fingerprint in found["proof"]
    product.stop()
    product.serve()
    words = f"renew now      certificate of {WOODGROVE} (partner): 1 day left"
    wait_for(
        lambda: words in product.command("status").stdout,
        "status to name it",
        context=lambda: product.command("status").stdout,
    )


def expiring(product: Product) -> dict[str, str] | None:
    """Return the finding about a partner's certificate that is in use, once there is one."""
    findings = json.loads(product.command("check", "--json", check=False).stdout)["findings"]
    those = [one for one in findings if one["word"] == "partner-certificate-expires"]
    return those[0] if those and "in use" in those[0]["what"] else None

"""The daemon tests its own port 25: a stock set-up is proved, a broken one is found, and nobody gets mail."""

import math
import re
from datetime import datetime

import pytest

from lab.files import put
from lab.laboratory import WOODGROVE, Lab
from lab.product import Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

LISTED = f'[receive]\ndomains = ["{WOODGROVE}"]\n[selfproof]\nenabled = true\n'


def gauge(product: Product) -> float:
    """Return the metric."""
    return product.metrics()["domain_secure_selfproof"]


def restarted(product: Product) -> None:
    """Start the daemon anew, and wait for its first trial."""
    product.stop()
    before = len(product.log())
    product.serve()
    product.wait_for_log("self-proof standing=", after=before)


def test_proof_and_its_loss(own_lab: Lab) -> None:
    """Proved; not asked any more; nobody is asked for a certificate; tested by nobody."""
    lab, product = own_lab, Product(own_lab)
    product.configure(LISTED)
    product.attach()
    product.serve()
    product.wait_for_log("self-proof standing=proved")
    assert gauge(product) == 1
    assert "self-proof" not in product.command("check", check=False).stdout
    (line,) = [line for line in product.command("status").stdout.splitlines() if "self-proof" in line]
    assert re.match(
        r"self-proof     proved at \d{4}-\d\d-\d\d \d\d:\d\d: smtp/inet at 127\.0\.0\.1:25: a right ", line
    )
    told = product.health()["self_proof"]
    assert product.metrics()["domain_secure_selfproof_timestamp_seconds"] == pytest.approx(
        datetime.fromisoformat(told["tried"]).timestamp(), abs=1
    )
    assert not lab.contoso.mailbox()
    assert not any(
        name.startswith("domain_secure_decisions") for name in product.metrics() if "canary" in name
    )

    master = lab.namespaces.outside(lab.contoso.layout.configuration / "master.cf")
    good = master.read_text()
    put(master, good.replace("smtpd_tls_ask_ccert=yes", "smtpd_tls_ask_ccert=no").encode())
    lab.contoso.reload()
    restarted(product)
    assert gauge(product) == 0
    told = product.command("check", check=False).stdout
    assert "[self-proof-failed]" in told
    assert "with the right certificate would not be let in" in told
    (line,) = [line for line in product.command("status").stdout.splitlines() if "self-proof" in line]
    assert "FAILED" in line
    assert "with the right certificate would not be let in" in line

    kept = [line for line in good.splitlines(keepends=True) if "smtpd_milters" not in line]
    put(master, "".join(kept).encode())
    lab.contoso.reload()
    restarted(product)
    assert gauge(product) == 0
    assert "smtpd takes a message without asking us" in product.command("check", check=False).stdout
    assert not lab.contoso.mailbox()
    assert not lab.contoso.queue()

    put(master, good.encode())
    lab.contoso.reload()
    product.configure(LISTED.replace("true", "false"))
    product.stop()
    product.serve()
    assert math.isnan(gauge(product))
    assert "self-proof" not in product.command("check", check=False).stdout

    product.configure(LISTED)
    lab.contoso.stop()
    restarted(product)
    assert math.isnan(gauge(product))
    wait_for(
        lambda: "[self-proof-unknown]" in product.command("check", check=False).stdout,
        "the note",
        context=product.log,
    )


def test_nothing_is_sent_through_a_postfix_that_is_not_attached(own_lab: Lab) -> None:
    """Before attach and after detach, also of receiving alone: `status` says so, and no canary is sent."""
    lab, product = own_lab, Product(own_lab)
    product.configure(LISTED)
    product.serve()
    product.wait_for_log("self-proof standing=not-attached")
    assert math.isnan(gauge(product))
    assert "self-proof     not attached: " in product.command("status").stdout
    told = product.command("check", check=False).stdout
    assert "self-proof" not in told
    assert "[inbound-not-attached]" in told
    assert "canary" not in lab.contoso.log()

    product.attach()
    product.wait_for_log("self-proof standing=proved")
    before = len(product.log())
    product.detach("--no-send")
    product.wait_for_log("self-proof standing=not-attached", after=before)
    before = len(product.log())
    product.attach()
    product.wait_for_log("self-proof standing=proved", after=before)
    product.detach()
    wait_for(lambda: product.health()["self_proof"]["standing"] == "not-attached", "detach to be noticed")
    assert not lab.contoso.mailbox()
    assert not lab.contoso.queue()
    assert "standing=failed" not in product.log()


@pytest.mark.parametrize("program", ["smtpd", "postscreen"])
def test_behind_a_proxy(own_lab: Lab, program: str) -> None:
    """A listener that waits for the PROXY protocol hears it, and is proved; one that did before is stale."""
    lab, product = own_lab, Product(own_lab)
    master = lab.namespaces.outside(lab.contoso.layout.configuration / "master.cf")
    text = master.read_text()
    if program == "postscreen":
        text = re.sub(r"(?m)^(smtp +inet\s+n\s+-\s+y\s+-\s+)-(\s+)smtpd$", r"\g<1>1\2postscreen", text)
        text += (
            "smtpd pass - - y - - smtpd\ntlsproxy unix - - y - 0 tlsproxy\ndnsblog unix - - y - 0 dnsblog\n"
        )
        put(master, text.encode())
    lab.contoso.configure(**{f"{program}_upstream_proxy_protocol": "haproxy"})
    lab.contoso.reload()
    product.configure(LISTED)
    product.attach()
    product.serve()
    product.wait_for_log("self-proof standing=proved")
    told = product.health()["self_proof"]
    assert (told["standing"], gauge(product)) == ("proved", 1)
    assert "smtp/inet at 127.0.0.1:25 by the PROXY protocol: a right certificate passes" in told["detail"]
    assert "self-proof" not in product.command("check", check=False).stdout
    assert not lab.contoso.mailbox()
    assert not lab.contoso.queue()

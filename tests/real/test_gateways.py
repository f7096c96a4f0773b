"""A partner behind a gateway that shows other names as a server than as a client, in both directions."""

import json
import re
from collections.abc import Iterator

import pytest

from lab.dkim_signing import Signer
from lab.laboratory import ADDRESSES, CERTIFICATES, CONTOSO, WOODGROVE
from lab.messages import Message, compose, header_lines
from lab.product import Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

SENDER, RECIPIENT = f"admin@{WOODGROVE}", f"user@{CONTOSO}"
MX = "aspmx.l.google.com"
AS_SERVER, AS_CLIENT = ("mx.google.com", MX), ("smtp.gmail.com",)
SIGNER = Signer(WOODGROVE)


@pytest.fixture(scope="module")
def gateway(product: Product) -> Iterator[Product]:
    """The product; Woodgrove's Postfix stands in for a gateway, and the partner's key is published."""
    lab = product.lab
    server = lab.authority.issue(None, dns_names=AS_SERVER)
    client = lab.authority.issue(None, dns_names=AS_CLIENT)
    lab.woodgrove.configure(
        smtpd_tls_chain_files=str(lab.certificate_file(server, "gateway-server")),
        smtp_tls_chain_files=str(lab.certificate_file(client, "gateway-client")),
    )
    lab.woodgrove.reload()
    lab.dns.replace(f"{WOODGROVE}.", f"{WOODGROVE}. MX 10 {MX}.")
    lab.dns.add(f"{MX}. A {ADDRESSES[WOODGROVE]}", SIGNER.zone_line())
    product.command("partner", "cert", "remove", WOODGROVE, lab.identities[WOODGROVE].fingerprint)
    product.command("partner", "cert", "add", WOODGROVE, CERTIFICATES / "gateway-client.pem")
    return product


def findings(product: Product) -> dict[str, str]:
    """Return what `check` finds about the partner: word and fix."""
    document = json.loads(product.command("check", WOODGROVE, "--json", check=False).stdout)
    return {one["word"]: f"{one['what']}: {one['fix']}" for one in document["findings"]}


def signed(message: Message) -> Message:
    """Return a message with the partner's signature."""
    return Message(SIGNER.sign(message.content), message.mark)


def test_check_knows_the_gateway(gateway: Product) -> None:
    """Before anything is set both directions stand still, and `check` says why, and what helps."""
    found = findings(gateway)
    assert "its servers are Google Workspace's" in found["partner-server-refused"]
    assert "gateway=google-workspace" in found["partner-server-refused"]
    assert "gateway=google-workspace" in found["partner-certificate-refused"]
    assert "gateway=google-workspace" in gateway.command("probe", WOODGROVE, check=False).stdout


def test_one_list_of_names_fits_one_direction(gateway: Product) -> None:
    """With the names of the client alone mail to the partner waits, and `check` says so."""
    lab = gateway.lab
    gateway.change("partner", "set", WOODGROVE, "names=smtp.gmail.com", "require=dkim")
    message = compose(RECIPIENT, SENDER)
    assert lab.submit(lab.contoso, message, sender=RECIPIENT, recipient=SENDER).code == 250
    (entry,) = wait_for(lab.contoso.queue, "the message to wait", context=lab.contoso.log)
    lab.contoso.wait_for_log(r"status=deferred \(Server certificate not verified\)")
    assert {"gateway-names", "partner-server-refused"} <= findings(gateway).keys()
    gateway.change("partner", "set", WOODGROVE, "names=", "gateway=google-workspace")
    found = findings(gateway)
    assert not {"gateway-names", "partner-server-refused", "partner-certificate-refused"} & found.keys()
    assert "shared-gateway" not in found
    assert entry["queue_id"]
    lab.contoso.flush()
    lab.woodgrove.wait_for_delivery(message.mark)


def test_mail_from_the_partner(gateway: Product) -> None:
    """Its own message, which it signed, passes with the gateway's certificate."""
    lab = gateway.lab
    message = signed(compose(SENDER, RECIPIENT))
    assert lab.submit(lab.woodgrove, message, sender=SENDER, recipient=RECIPIENT).code == 250
    (mark,) = header_lines(lab.contoso.wait_for_delivery(message.mark), "X-Domain-Secure")
    assert mark.startswith(f"pass ({WOODGROVE}; pkix; ")


def test_mail_from_another_customer(gateway: Product) -> None:
    """Who shares the gateway has its certificate, and not the partner's signature."""
    lab = gateway.lab
    message = compose(SENDER, RECIPIENT)
    assert lab.submit(lab.woodgrove, message, sender=SENDER, recipient=RECIPIENT).code == 250
    lab.woodgrove.wait_for_log(rf"to=<{RECIPIENT}>.*status=bounced .*no-signature")
    assert lab.contoso.delivered(message.mark) is None


def test_what_is_told_of_the_certificates(gateway: Product) -> None:
    """`explain` and `partner show` tell by which name it passed, where it is from, and what came with it."""
    lab = gateway.lab
    names = (*(f"host{number}.{CONTOSO}" for number in range(30)), *AS_CLIENT)
    issued = lab.authority.issue(None, dns_names=names)
    gateway.command("partner", "cert", "add", WOODGROVE, lab.certificate_file(issued, "many-names"))
    file = lab.namespaces.outside("/run/lab/signed")
    file.write_bytes(signed(compose(SENDER, RECIPIENT)).content)
    arguments = ("--from", SENDER, "--client", ADDRESSES[WOODGROVE], "/run/lab/signed", "--fingerprint")
    printed = gateway.command("explain", *arguments, f"SHA256:{issued.fingerprint.upper()}").stdout
    assert f"pkix     pass: certificate for {AS_CLIENT[0]}, valid until" in printed
    shown = gateway.command("partner", "show", WOODGROVE).stdout
    assert re.search(rf"names +{re.escape(AS_CLIENT[0])}\n(?:.*\n)*?  used +.*: 1 passed, 1 did not", shown)
    assert f"known      shown by {MX}[{ADDRESSES[WOODGROVE]}] when it was probed" in shown


def test_pinned_partner_with_a_new_certificate_is_pending(gateway: Product) -> None:
    """Where pins alone count, `pending` tells what came instead, and its command lets it in."""
    lab = gateway.lab
    pinned = lab.authority.issue(None, dns_names=AS_CLIENT)
    gateway.change("partner", "pin", WOODGROVE, f"sha256:{pinned.fingerprint}")
    gateway.change("partner", "set", WOODGROVE, "methods=pin", "require=")
    message = compose(SENDER, RECIPIENT)
    assert lab.submit(lab.woodgrove, message, sender=SENDER, recipient=RECIPIENT).code == 250
    lab.woodgrove.wait_for_log(rf"to=<{RECIPIENT}>.*status=bounced .*untrusted")
    (waiting,) = json.loads(gateway.command("pending", "--json").stdout)["pending"]
    assert "spki-sha256:" in waiting["settle"]
    gateway.change(*waiting["settle"].split()[1:])
    assert json.loads(gateway.command("pending", "--json").stdout)["pending"] == []
    again = compose(SENDER, RECIPIENT)
    assert lab.submit(lab.woodgrove, again, sender=SENDER, recipient=RECIPIENT).code == 250
    (mark,) = header_lines(lab.contoso.wait_for_delivery(again.mark), "X-Domain-Secure")
    assert mark.startswith(f"pass ({WOODGROVE}; pin; ")

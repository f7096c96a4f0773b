"""Mail that leaves: over verified TLS with our certificate, or not at all."""

import re

import pytest

from lab.certificates import Authority, Issued
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, FABRIKAM, LOOPBACK, WOODGROVE, Lab
from lab.messages import Message, compose, header_lines
from lab.product import Product
from lab.smtp_client import client_context
from lab.waiting import wait_for

pytestmark = pytest.mark.real

SENDER = f"user@{CONTOSO}"
RECIPIENT = f"admin@{WOODGROVE}"


def submit(lab: Lab, recipient: str = RECIPIENT, *headers: str) -> Message:
    """Let a user of Contoso send a message."""
    message = compose(SENDER, recipient, *headers)
    assert lab.submit(lab.contoso, message, sender=SENDER, recipient=recipient).code == 250
    return message


def held(lab: Lab) -> str:
    """Wait until Contoso holds a message, and return the reason."""

    def reasons() -> list[str]:
        return [
            str(recipient["delay_reason"])
            for entry in lab.contoso.queue()
            for recipient in entry["recipients"]  # type: ignore[attr-defined]
            if "delay_reason" in recipient
        ]

    return wait_for(reasons, "a message to be held", context=lab.contoso.log)[0]


def test_delivered_over_verified_tls_with_our_certificate(product: Product) -> None:
    """Contoso verifies Woodgrove, and Woodgrove sees Contoso's certificate and trusts it."""
    lab = product.lab
    message = submit(lab)
    delivered = lab.woodgrove.wait_for_delivery(message.mark)
    lab.contoso.wait_for_log(
        r"postfix/domain-secure/smtp\[\d+\]: Verified TLS connection established to mail\.woodgrovebank"
    )
    lab.woodgrove.wait_for_log(r"Trusted TLS connection established from mail\.contoso\.test")
    received = " ".join(header_lines(delivered, "Received"))
    assert "mail.contoso.test" in received
    assert "verified OK" in received


def test_each_delivery_is_verified_anew(product: Product) -> None:
    """No TLS session is resumed: our certificate is shown each time, though main.cf has a session cache."""
    lab = product.lab
    assert lab.contoso.parameter("smtp_tls_session_cache_database")
    before = len(lab.contoso.log())
    messages = [submit(lab) for _ in range(4)]
    for message in messages:
        lab.woodgrove.wait_for_delivery(message.mark)

    def lines() -> list[str]:
        return re.findall(r"domain-secure/smtp.*TLS connection established.*", lab.contoso.log()[before:])

    wait_for(lambda: len(lines()) >= len(messages), "a line for each session", context=lab.contoso.log)
    assert len(lines()) == len(messages)
    assert all("client-signature" in line for line in lines())


def test_other_destinations_keep_their_transport(product: Product) -> None:
    """Mail to an unlisted domain leaves by Postfix's own smtp, as before."""
    lab = product.lab
    message = submit(lab, f"admin@{EVIL}")
    lab.evil.wait_for_delivery(message.mark)
    lab.contoso.wait_for_log(r"postfix/smtp\[\d+\]: .*to=<admin@evil\.test>.*status=sent")


def anothers(lab: Lab) -> Issued:
    """Return Evil's certificate."""
    return lab.identities[EVIL]


def self_signed(_: Lab) -> Issued:
    """Return a certificate with the right name that nobody vouches for."""
    return Authority.create("Somebody").issue(WOODGROVE, dns_names=(WOODGROVE, f"mail.{WOODGROVE}"))


@pytest.mark.parametrize("shown", [anothers, self_signed])
def test_wrong_certificate_keeps_the_message_in_the_queue(own_product: Product, shown: object) -> None:
    """Another's certificate, or one of an unknown authority: the message stays, though a relay tempts."""
    lab = own_product.lab
    lab.contoso.configure(smtp_fallback_relay=f"[{ADDRESSES[EVIL]}]", relayhost=f"[{ADDRESSES[EVIL]}]")
    lab.contoso.reload()
    lab.present(lab.woodgrove, shown(lab))  # type: ignore[operator]
    message = submit(lab)
    assert "Server certificate not verified" in held(lab)
    assert lab.woodgrove.delivered(message.mark) is None
    assert lab.evil.delivered(message.mark) is None


def test_no_starttls_keeps_the_message_in_the_queue(own_product: Product) -> None:
    """A server that offers no TLS gets nothing."""
    lab = own_product.lab
    lab.woodgrove.configure(smtpd_tls_security_level="none")
    lab.woodgrove.reload()
    message = submit(lab)
    assert "TLS is required, but was not offered" in held(lab)
    assert lab.woodgrove.delivered(message.mark) is None


def test_forged_mx_keeps_the_message_in_the_queue(own_product: Product) -> None:
    """DNS that leads to Evil's server, which has a valid certificate of its own, leads nowhere."""
    lab = own_product.lab
    lab.dns.replace(f"{WOODGROVE}.", f"{WOODGROVE}. MX 10 mail.{EVIL}.")
    message = submit(lab)
    assert "Server certificate not verified" in held(lab)
    assert lab.evil.delivered(message.mark) is None


def test_a_domain_added_while_running_is_secured(own_product: Product) -> None:
    """The daemon writes the tables, and Postfix takes them up by itself."""
    lab = own_product.lab
    own_product.change("send", "add", EVIL)
    message = submit(lab, f"admin@{EVIL}")
    lab.evil.wait_for_delivery(message.mark)
    lab.contoso.wait_for_log(
        r"postfix/domain-secure/smtp\[\d+\]: Verified TLS connection established to mail\.evil"
    )


def test_header_that_waives_tls_waives_nothing(own_product: Product) -> None:
    """``TLS-Required: no`` (RFC 8689) lifts no policy."""
    lab = own_product.lab
    lab.present(lab.woodgrove, anothers(lab))
    message = submit(lab, RECIPIENT, "TLS-Required: No")
    held(lab)
    assert lab.woodgrove.delivered(message.mark) is None


def test_a_relayhost_is_passed_by(own_product: Product) -> None:
    """With a relayhost in main.cf, listed domains still go direct."""
    lab = own_product.lab
    lab.contoso.configure(relayhost=f"[{ADDRESSES[FABRIKAM]}]")
    lab.contoso.reload()
    message = submit(lab)
    lab.woodgrove.wait_for_delivery(message.mark)


def submit_with_requiretls(lab: Lab) -> Message:
    """Let a user of Contoso send a message that must stay on TLS all the way (RFC 8689)."""
    message = compose(SENDER, RECIPIENT)
    with lab.connect(lab.contoso, LOOPBACK) as dialogue:
        dialogue.starttls(client_context(None))
        assert dialogue.mail(SENDER, "REQUIRETLS").code == 250
        dialogue.rcpt(RECIPIENT)
        assert dialogue.data(message.content).code == 250
    return message


@pytest.fixture
def requiretls_product(own_product: Product) -> Product:
    """Return the product on a Postfix that knows REQUIRETLS."""
    if not own_product.lab.contoso.parameter("requiretls_enable"):
        pytest.skip("this Postfix knows no REQUIRETLS")
    return own_product


def test_requiretls_is_delivered_verified(requiretls_product: Product) -> None:
    """Where the partner's server offers it, the message goes the way of all others."""
    lab = requiretls_product.lab
    message = submit_with_requiretls(lab)
    lab.woodgrove.wait_for_delivery(message.mark)
    lab.contoso.wait_for_log(r"domain-secure/smtp\[\d+\]: .* tls=secure[^ ,]*requiretls[^ ,]*, .*status=sent")


def test_requiretls_takes_nothing_from_the_policy(requiretls_product: Product) -> None:
    """A server that is not verified gets nothing, though it offers REQUIRETLS."""
    lab = requiretls_product.lab
    lab.present(lab.woodgrove, anothers(lab))
    message = submit_with_requiretls(lab)
    lab.contoso.wait_for_log(r"domain-secure/smtp\[\d+\]: .*to=<admin@woodgrovebank.test>.*status=(?!sent)")
    assert lab.woodgrove.delivered(message.mark) is None


def test_requiretls_that_the_partner_does_not_offer(requiretls_product: Product) -> None:
    """The message goes back, and is counted by that reason."""
    lab = requiretls_product.lab
    lab.woodgrove.configure(requiretls_enable="no")
    lab.woodgrove.reload()
    message = submit_with_requiretls(lab)
    lab.contoso.wait_for_log(r"to=<admin@woodgrovebank.test>.*status=bounced \(Sender requested REQUIRETLS")
    assert lab.woodgrove.delivered(message.mark) is None
    series = f'domain_secure_outbound_session_failures_total{{domain="{WOODGROVE}",reason="requiretls"}}'
    wait_for(lambda: requiretls_product.metrics().get(series) == 1, series, context=requiretls_product.log)

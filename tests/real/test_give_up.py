"""Mail that has waited too long goes back to its sender, with the reason; other mail stays."""

import pytest

from lab.laboratory import CONTOSO, EVIL, FABRIKAM, WOODGROVE, Lab
from lab.messages import Message, compose
from lab.product import Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

SENDER = f"user@{CONTOSO}"
LISTED = f'[send]\ndomains = ["{WOODGROVE}"]\n[outbound]\ngive_up = "%s"\n'


def submit(lab: Lab, *recipients: str) -> Message:
    """Let a user of Contoso send a message."""
    message = compose(SENDER, ", ".join(recipients))
    with lab.connect(lab.contoso, "127.0.0.1") as dialogue:
        dialogue.mail(SENDER)
        for recipient in recipients:
            assert dialogue.rcpt(recipient).code == 250
        assert dialogue.data(message.content).code == 250
        dialogue.quit()
    return message


def test_overdue_mail_goes_back(own_lab: Lab) -> None:
    """A held message of Woodgrove's bounces with its reason; a mixed one and somebody else's stay."""
    lab, product = own_lab, Product(own_lab)
    product.configure(LISTED % "1h")
    product.command("generate")
    product.attach("--no-receive")
    lab.present(lab.woodgrove, lab.identities[EVIL])
    held = submit(lab, f"admin@{WOODGROVE}")
    submit(lab, f"admin@{WOODGROVE}", f"nobody@{FABRIKAM}")
    submit(lab, f"nobody@{FABRIKAM}")

    lab.contoso.wait_for_deferred(3)
    assert "nothing" not in product.command("give-up").stdout
    assert len(lab.contoso.queue()) == 3, "an hour has not passed"

    product.configure(LISTED % "1s")
    wait_for(lambda: WOODGROVE in product.command("give-up", "--dry-run").stdout, "the message to be overdue")
    assert len(lab.contoso.queue()) == 3
    said = product.command("give-up").stdout
    assert "Server certificate not verified" in said
    wait_for(lambda: len(lab.contoso.queue()) == 2, "the message to leave the queue", context=lab.contoso.log)
    bounce = lab.contoso.wait_for_delivery(held.mark).decode()
    assert f"Final-Recipient: rfc822; admin@{WOODGROVE}" in bounce
    assert "Action: failed" in bounce
    assert "Server certificate not verified" in bounce
    assert not lab.evil.mailbox()

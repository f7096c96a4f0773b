"""Line ends that SMTP does not know, on a Postfix that runs: one message stays one after attach."""

import pytest

from lab.laboratory import CONTOSO, NOBODY, WOODGROVE, Lab
from lab.messages import compose
from lab.product import Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

STRANGER, OWN = "stranger@nowhere.example", f"user@{CONTOSO}"
ENDS = (b"\n.\n", b"\n.\r\n", b"\r\n.\n")


@pytest.fixture(scope="module")
def serving(lab: Lab) -> Product:
    """The product, serving, not attached; Postfix is as Debian 12 has it, and leaves lone CRs as they are."""
    product = Product(lab)
    product.command("receive", "add", WOODGROVE)
    lab.contoso.configure(smtpd_forbid_bare_newline="no", cleanup_replace_stray_cr_lf="no")
    lab.contoso.reload()
    product.serve()
    return product


def smuggle(lab: Lab, end: bytes) -> tuple[str, str]:
    """Send one message with another behind an odd end; return the marks of both, and wait for the outer."""
    outer, inner = compose(STRANGER, OWN), compose(f"boss@{CONTOSO}", OWN)
    commands = f"MAIL FROM:<{STRANGER}>\r\nRCPT TO:<{OWN}>\r\nDATA\r\n".encode()
    with lab.connect(lab.contoso, NOBODY) as dialogue:
        assert dialogue.mail(STRANGER).is_positive
        assert dialogue.rcpt(OWN).is_positive
        assert dialogue.command("DATA").code == 354
        whole = outer.content.removesuffix(b"\r\n") + end + commands + inner.content + b"\r\n.\r\n"
        dialogue.send_raw(whole + b"QUIT\r\n")
        while dialogue.expect("end of message").code != 221:
            pass
    lab.contoso.wait_for_delivery(outer.mark)
    wait_for(lambda: lab.contoso.delivered(inner.mark), "what stood behind the odd end")
    return outer.mark, inner.mark


def is_one(lab: Lab, marks: tuple[str, str]) -> bool:
    """Tell whether both marks came within one message."""
    return lab.contoso.delivered(marks[0]) == lab.contoso.delivered(marks[1])


def test_nothing_is_smuggled_once_attached(serving: Product) -> None:
    """Each odd end makes two messages before, as long as Postfix lets it, and one while attached."""
    lab = serving.lab
    assert not any(is_one(lab, smuggle(lab, end)) for end in ENDS)
    serving.attach("--no-send")
    assert all(is_one(lab, smuggle(lab, end)) for end in ENDS)


def test_no_carriage_return_is_left_in_a_line(serving: Product) -> None:
    """A reader that takes one for a line end finds no field of a stranger's behind it."""
    lab = serving.lab
    serving.command("attach", "--no-send")
    message = compose(STRANGER, OWN, f"X-Note: a\rX-Domain-Secure: pass ({WOODGROVE})")
    reply = lab.send(lab.contoso, message, source=NOBODY, sender=STRANGER, recipient=OWN)
    assert reply.code == 250
    assert b"\rX-Domain" not in lab.contoso.wait_for_delivery(message.mark)

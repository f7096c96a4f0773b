"""What a hostile client may do with a session: resume it, pipeline, take back, hold two at once."""

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.certificates import self_signed
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, NOBODY, WOODGROVE
from lab.messages import Message, compose, header_lines
from lab.product import Product
from lab.smtp_client import Dialogue, Reply
from lab.waiting import DEADLINE

pytestmark = pytest.mark.real

RECIPIENT = f"user@{CONTOSO}"
PARTNER, STRANGER = f"admin@{WOODGROVE}", f"admin@{EVIL}"


def marks(product: Product, message: Message) -> list[str]:
    """Return our marks on a message that was delivered."""
    return header_lines(product.lab.contoso.wait_for_delivery(message.mark), "X-Domain-Secure")


def resumed(
    product: Product, tls: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[Reply, ssl.SSLSession]:
    """Send a message of Woodgrove's over a resumed TLS session; return the reply, and the session."""
    with product.lab.connect(product.lab.contoso, ADDRESSES[WOODGROVE]) as dialogue:
        dialogue.command("STARTTLS")
        connection = tls.wrap_socket(dialogue.connection, session=session)
        dialogue.connection = connection
        assert connection.session_reused == (session is not None)
        dialogue.ehlo()
        reply = dialogue.message(PARTNER, RECIPIENT, compose(PARTNER, RECIPIENT).content)
        assert connection.session is not None
        return reply, connection.session


def test_resumed_session_is_judged_anew(product: Product) -> None:
    """TLS asks for no certificate again, and Postfix repeats what it once found; the verdict is today's."""
    issued = product.lab.identities[WOODGROVE]
    tls = product.lab.client_context(issued, maximum=ssl.TLSVersion.TLSv1_2)
    reply, session = resumed(product, tls, None)
    assert reply.code == 250, str(reply)
    reply, session = resumed(product, tls, session)
    assert reply.code == 250, str(reply)
    for names, word in ((EVIL, "(name-mismatch)"), ("", "")):
        product.change("partner", "set", WOODGROVE, f"names={names}")
        reply, session = resumed(product, tls, session)
        assert (reply.code == 250) == (not word), str(reply)
        assert word in str(reply)


def pipelined(dialogue: Dialogue, *commands: str) -> list[Reply]:
    """Send commands at once, and return their replies."""
    dialogue.send_raw("".join(f"{command}\r\n" for command in commands).encode())
    return [dialogue.expect(command) for command in commands]


def test_claims_do_not_run_from_one_message_into_the_next(product: Product) -> None:
    """Pipelined, taken back, refused at RCPT: each message is judged by what it claims itself."""
    lab = product.lab
    to = f"RCPT TO:<{RECIPIENT}>"
    with lab.connect(lab.contoso, ADDRESSES[EVIL]) as dialogue:
        dialogue.starttls(lab.client_context(lab.identities[WOODGROVE]))
        first, second = compose(STRANGER, RECIPIENT), compose(PARTNER, RECIPIENT)
        pipelined(dialogue, f"MAIL FROM:<{PARTNER}>", to, "RSET", f"MAIL FROM:<{STRANGER}>", to, "DATA")
        dialogue.send_raw(first.content + b".\r\n")
        assert dialogue.expect("end").code == 250
        pipelined(dialogue, f"MAIL FROM:<{PARTNER}>", to, "DATA")
        dialogue.send_raw(second.content + b".\r\n")
        assert dialogue.expect("end").code == 250
    assert not marks(product, first)
    assert len(marks(product, second)) == 1
    with lab.connect(lab.contoso, ADDRESSES[EVIL]) as dialogue:
        dialogue.starttls(lab.client_context(lab.identities[EVIL]))
        pipelined(dialogue, f"MAIL FROM:<{STRANGER}>", to, "RSET", f"MAIL FROM:<{PARTNER}>", to, "DATA")
        dialogue.send_raw(first.content + b".\r\n")
        assert not dialogue.expect("end").is_positive


def test_what_was_said_before_tls_is_forgotten(product: Product) -> None:
    """A sender named in the clear, and what is injected behind STARTTLS, begin no message inside."""
    lab = product.lab
    with lab.connect(lab.contoso, ADDRESSES[EVIL]) as dialogue:
        dialogue.mail(STRANGER)
        dialogue.command("RSET")
        dialogue.send_raw(f"STARTTLS\r\nMAIL FROM:<{STRANGER}>\r\n".encode())
        assert dialogue.expect("STARTTLS").code == 220
        dialogue.connection = lab.client_context(lab.identities[WOODGROVE]).wrap_socket(dialogue.connection)
        assert dialogue.rcpt(RECIPIENT).code == 503


def test_sessions_at_the_same_time_do_not_mix(product: Product) -> None:
    """The partner's session vouches for none beside it from the same address."""
    lab = product.lab
    with (
        lab.connect(lab.contoso, ADDRESSES[WOODGROVE]) as good,
        lab.connect(lab.contoso, ADDRESSES[WOODGROVE]) as bad,
    ):
        good.starttls(lab.client_context(lab.identities[WOODGROVE]))
        bad.starttls(lab.client_context(None))
        for dialogue in (good, bad):
            dialogue.mail(PARTNER)
            dialogue.rcpt(RECIPIENT)
        for dialogue in (good, bad):
            assert dialogue.command("DATA").code == 354
        for dialogue, code in ((bad, 550), (good, 250)):
            dialogue.send_raw(compose(PARTNER, RECIPIENT).content + b".\r\n")
            assert dialogue.expect("end").code == code


def test_flood_of_forged_marks(product: Product) -> None:
    """Ten thousand fields to be removed would keep Postfix busy; the message is refused at once."""
    message = compose(STRANGER, RECIPIENT, *["X-Domain-Secure: pass"] * 10_000)
    with product.lab.connect(product.lab.contoso, ADDRESSES[EVIL]) as dialogue:
        reply = dialogue.message(STRANGER, RECIPIENT, message.content)
    assert str(reply).startswith("550 5.7.1 more than 100 header fields"), str(reply)


def test_internationalised_domain_in_every_spelling(product: Product) -> None:
    """U-label, A-label, any case, a final dot, SMTPUTF8 or not, raw octets of two charsets: it is claimed."""
    product.change("receive", "add", "bücher.test")
    spellings = (
        "bücher.test",
        "BÜCHER.TEST",
        "xn--bcher-kva.test",
        "XN--BCHER-KVA.test.",
        "bu\u0308cher.test",
    )
    with product.lab.connect(product.lab.contoso, ADDRESSES[EVIL]) as dialogue:
        for domain in spellings:
            message = compose(STRANGER, RECIPIENT)
            if dialogue.mail(f"a@{domain}", "SMTPUTF8").is_positive:
                dialogue.rcpt(RECIPIENT)
                assert "(no-tls)" in str(dialogue.data(message.content)), domain
            dialogue.command("RSET")
            for author in (f"a@{domain}".encode(), b"\xff <a@" + domain.encode() + b">"):
                content = b"From: " + author + b"\r\n" + message.content.partition(b"\r\n")[2]
                assert "(no-tls)" in str(dialogue.message(STRANGER, RECIPIENT, content)), author


def test_message_that_waits_for_a_probe_holds_no_other(product: Product) -> None:
    """A stranger's server that accepts and is silent keeps the stranger's message waiting, and no other."""
    lab = product.lab
    product.write(f"{product.text()}[inbound]\nprobe_timeout = 60\n")
    product.settle()
    stranger = lab.client_context(self_signed(WOODGROVE, dns_names=(WOODGROVE,)))
    with lab.namespaces.network():
        silent = socket.create_server((NOBODY, 25))

    def send(source: str, tls: ssl.SSLContext) -> Reply:
        message = compose(PARTNER, RECIPIENT)
        return lab.send(lab.contoso, message, source=source, sender=PARTNER, recipient=RECIPIENT, tls=tls)

    with ThreadPoolExecutor(1) as pool, silent:
        waiting = pool.submit(send, NOBODY, stranger)
        held, _ = silent.accept()
        for _ in range(3):
            assert send(ADDRESSES[WOODGROVE], lab.client_context(lab.identities[WOODGROVE])).code == 250
        assert not waiting.done()
        held.close()
        assert "(unknown-certificate)" in str(waiting.result(DEADLINE))

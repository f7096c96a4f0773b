"""A DKIM signature as the second condition, through real Postfix, with the key from real DNS."""

from collections.abc import Iterator

import pytest

from lab.dkim_signing import Signer
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE
from lab.messages import Message, compose, header_lines
from lab.product import Product
from lab.smtp_client import Dialogue, Reply

pytestmark = pytest.mark.real

SENDER, RECIPIENT = f"admin@{WOODGROVE}", f"user@{CONTOSO}"
SIGNER = Signer(WOODGROVE)
PATIENCE = 60  #: seconds
FORGED_MARK = f"X-Domain-Secure: pass ({WOODGROVE}; pkix; TLSv1.3) by mail.{CONTOSO}; ref=0000"


@pytest.fixture(scope="module")
def signing(product: Product) -> Product:
    """The product, with a partner that must sign; its key is published."""
    product.lab.dns.add(SIGNER.zone_line())
    # A key must be looked up in that time, on a busy machine too.
    product.write(f"{product.text()}[inbound]\nprobe_timeout = {PATIENCE}\n")
    product.change("partner", "set", WOODGROVE, "require=dkim")
    return product


@pytest.fixture
def session(signing: Product) -> Iterator[Dialogue]:
    """A session with Woodgrove's certificate."""
    lab = signing.lab
    with lab.connect(lab.contoso, ADDRESSES[WOODGROVE]) as dialogue:
        dialogue.starttls(lab.client_context(lab.identities[WOODGROVE]))
        yield dialogue


def signed(message: Message, **options: object) -> Message:
    """Return a message with Woodgrove's signature."""
    return Message(SIGNER.sign(message.content, **options), message.mark)


def send(session: Dialogue, message: Message, sender: str = SENDER) -> Reply:
    """Send one message by DATA."""
    return session.message(sender, RECIPIENT, message.content)


@pytest.mark.parametrize("canonicalize", [(b"simple", b"simple"), (b"relaxed", b"relaxed")])
def test_signed_message_is_delivered_as_it_was(
    signing: Product, session: Dialogue, canonicalize: tuple[bytes, bytes]
) -> None:
    """Header fields as milters see them and body in chunks give the octets that were signed."""
    headers = ("X-Folded: one\r\n  two", "X-Tight:no space", "X-Empty:", "Subject: =?utf-8?q?caf=C3=A9?=")
    message = signed(
        compose(SENDER, RECIPIENT, *headers, body="  Two  spaces. \r\n\r\n\r\n"), canonicalize=canonicalize
    )
    after = len(signing.log())
    assert send(session, message).code == 250, str(session.last)
    delivered = signing.lab.contoso.wait_for_delivery(message.mark)
    (mark,) = header_lines(delivered, "X-Domain-Secure")
    assert mark.startswith(f"pass ({WOODGROVE}; pkix; TLSv1.3)")
    assert b"\nX-Domain-Secure: pass" in delivered
    assert message.content.replace(b"\r\n", b"\n").strip() in delivered
    signing.wait_for_log("signed with DKIM by d=woodgrovebank.test s=s1", after=after)


def test_large_message_in_chunks(signing: Product, session: Dialogue) -> None:
    """Three megabytes by BDAT."""
    del signing
    message = signed(compose(SENDER, RECIPIENT, body="A line of text.  \r\n" * 160_000))
    session.mail(SENDER)
    session.rcpt(RECIPIENT)
    assert session.bdat(message.content, chunk=100_000).code == 250, str(session.last)


def test_messages_of_one_session_are_judged_each_by_itself(signing: Product, session: Dialogue) -> None:
    """Signed, unsigned, altered, somebody else's, with an author too many, abandoned, and signed again."""
    good = signed(compose(SENDER, RECIPIENT))
    altered = Message(good.content.replace(b"Hello", b"Hallo"), good.mark)
    two_authors = Message(b"From: ceo@woodgrovebank.test\r\n" + good.content, good.mark)
    sender_added = Message(b"Sender: ceo@woodgrovebank.test\r\n" + good.content, good.mark)
    strangers = Message(Signer(EVIL).sign(compose(SENDER, RECIPIENT).content), "")
    assert send(session, good).code == 250
    for message, why in (
        (compose(SENDER, RECIPIENT), "no DKIM signature of woodgrovebank.test was found"),
        (altered, "the body is not the one that was signed"),
        (two_authors, "the header fields are not the ones that were signed"),
        (sender_added, "does not cover sender"),
        (strangers, "no DKIM signature of woodgrovebank.test counts: the message is signed for"),
        (signed(compose(SENDER, RECIPIENT), length=True), "a part of the body only"),
    ):
        reply = send(session, message)
        assert str(reply).startswith(f"550 5.7.22 {WOODGROVE}: "), str(reply)
        assert why in reply.text
        assert "(no-signature)" in reply.text
    session.mail(SENDER)
    session.command("RSET")
    unlisted = compose(f"admin@{EVIL}", RECIPIENT, FORGED_MARK, body="Not signed.\r\n" * 20_000)
    assert send(session, unlisted, f"admin@{EVIL}").code == 250
    delivered = signing.lab.contoso.wait_for_delivery(unlisted.mark)
    assert not header_lines(delivered, "X-Domain-Secure")
    assert delivered.count(b"Not signed.") == 20_000
    assert send(session, signed(compose(SENDER, RECIPIENT))).code == 250


def test_explain_judges_a_file(signing: Product) -> None:
    """The same verdict from the command line."""
    fingerprint = signing.lab.identities[WOODGROVE].fingerprint
    arguments = ("explain", "--from", SENDER, "--client", ADDRESSES[WOODGROVE], "--fingerprint", fingerprint)
    file = signing.lab.namespaces.outside("/run/lab/message")
    file.write_bytes(signed(compose(SENDER, RECIPIENT)).content)
    printed = signing.command(*arguments, "/run/lab/message").stdout
    assert "  dkim     pass: signed with DKIM by d=woodgrovebank.test s=s1" in printed
    assert f"  name     mail.{WOODGROVE}: counts for {WOODGROVE}" in printed
    assert "  chain    CN=Laboratory Authority, 20" in printed
    file.write_bytes(compose(SENDER, RECIPIENT).content)
    assert "no-signature" in signing.command(*arguments, "/run/lab/message", check=False).stdout
    assert "no-evidence" in signing.command(*arguments, check=False).stdout


def test_dns_that_does_not_answer_defers(signing: Product, session: Dialogue) -> None:
    """A key that is not known from before cannot be looked up: nobody knows, so the message waits."""
    other = Signer(WOODGROVE, "s2", SIGNER.key)
    signing.write(signing.text().replace(f"probe_timeout = {PATIENCE}", "probe_timeout = 1"))
    signing.settle()
    signing.lab.dns.stop()
    reply = send(session, Message(other.sign(compose(SENDER, RECIPIENT).content), ""))
    assert str(reply).startswith("451 4.7.5"), str(reply)
    assert "(no-evidence)" in reply.text
    assert send(session, signed(compose(SENDER, RECIPIENT))).code == 250, "the key from before is kept"
    signing.lab.dns.start()

"""Every verdict on mail that arrives, through real Postfix over real TLS."""

import socket
import ssl
import warnings
from dataclasses import dataclass

import pytest

from lab.certificates import Authority, Issued
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, LOOPBACK, NOBODY, WOODGROVE, Lab
from lab.messages import Message, compose, header_lines
from lab.product import Product
from lab.smtp_client import Dialogue, Reply
from lab.waiting import DEADLINE, wait_for

pytestmark = pytest.mark.real

RECIPIENT = f"user@{CONTOSO}"
WOODGROVE_SENDER = f"admin@{WOODGROVE}"
EVIL_SENDER = f"admin@{EVIL}"
HOST = f"mail.{CONTOSO}"
FORGED_MARK = f"X-Domain-Secure: pass ({WOODGROVE}; pkix; TLSv1.3) by {HOST}; ref=0000"
FORGED_RESULT = f"Authentication-Results: {HOST}; x-domain-secure=pass header.d={WOODGROVE}"


@dataclass(frozen=True)
class Sent:
    """One message and what became of it."""

    lab: Lab
    message: Message
    reply: Reply

    @property
    def delivered(self) -> bytes:
        """Return the message as it arrived."""
        return self.lab.contoso.wait_for_delivery(self.message.mark)

    def marks(self) -> list[str]:
        """Return our marks on the delivered message."""
        return header_lines(self.delivered, "X-Domain-Secure")

    def results(self) -> list[str]:
        """Return the authentication results on the delivered message."""
        return header_lines(self.delivered, "Authentication-Results")


def send(
    product: Product,
    sender: str = WOODGROVE_SENDER,
    author: str | None = None,
    *headers: str,
    tls: ssl.SSLContext | None = None,
    source: str = ADDRESSES[EVIL],
) -> Sent:
    """Send one message to Contoso."""
    message = compose(author or sender, RECIPIENT, *headers)
    reply = product.lab.send(
        product.lab.contoso, message, source=source, sender=sender, recipient=RECIPIENT, tls=tls
    )
    return Sent(product.lab, message, reply)


def client(product: Product, issued: Issued | None, **options: object) -> ssl.SSLContext:
    """Return a TLS client with this certificate."""
    return product.lab.client_context(issued, **options)


def woodgrove(product: Product) -> ssl.SSLContext:
    """Return Woodgrove's own TLS client."""
    return client(product, product.lab.identities[WOODGROVE])


def test_partner_is_delivered_and_marked(product: Product) -> None:
    """Woodgrove's own certificate: let in, both marks on top, the method and the TLS version named."""
    before = product.metrics().get(f'domain_secure_messages_received_total{{domain="{WOODGROVE}"}}', 0)
    sent = send(product, tls=woodgrove(product), source=ADDRESSES[WOODGROVE])
    assert sent.reply.code == 250
    (mark,) = sent.marks()
    assert mark.startswith(f"pass ({WOODGROVE}; pkix; TLSv1.3) by {HOST}; ref=")
    (result,) = sent.results()
    assert result == (
        f"{HOST}; x-domain-secure=pass header.d={WOODGROVE} policy.method=pkix policy.tls=TLSv1.3"
    )
    assert mark.rpartition("ref=")[2] in sent.reply.text, "the reference is the queue id the client was told"
    after = product.metrics()[f'domain_secure_messages_received_total{{domain="{WOODGROVE}"}}']
    assert after == before + 1


def test_a_refusal_leads_to_the_page_about_its_reason(product: Product) -> None:
    """Whole, as the client reads it: the longest page, with a percent sign, and the reason as fragment."""
    former = product.text()
    page = f"https://www.contoso.test/refused%20mail/?a=1&{'b' * 105}"
    product.write(f'{former}\n[inbound]\nhelp_url = "{page}"\n')
    product.settle()
    try:
        reply = send(product).reply
    finally:
        product.write(former)
        product.settle()
    assert f"; see {page}#no-tls (no-tls) [ref " in reply.text
    assert max(map(len, reply.text.split("\n"))) + len("\r\n") <= 512
    assert "; see" not in send(product).reply.text


@pytest.mark.parametrize("shows", ["nothing", "no TLS", "a stranger's", "an unknown"])
def test_forgeries_are_refused(product: Product, shows: str) -> None:
    """In the clear, without a certificate, with another's, with an unknown one: each has its reply."""
    lab = product.lab
    stranger = lab.authority.issue("stranger.test", dns_names=("stranger.test",))
    match shows:
        case "no TLS":
            tls, expected = None, ("530 5.7.10", "(no-tls)")
        case "nothing":
            tls, expected = client(product, None), ("550 5.7.5", "(no-certificate)")
        case "an unknown":
            tls, expected = client(product, stranger), ("451 4.7.5", "(unknown-certificate)")
        case _:
            product.command(
                "partner", "cert", "add", "--force", EVIL, lab.certificate_file(stranger, "stranger")
            )
            tls, expected = client(product, stranger), ("550 5.7.5", "(name-mismatch)")
            assert "certificate is for stranger.test; mail from this domain needs one for" in str(
                send(product, tls=tls).reply
            )
    reply = str(send(product, tls=tls).reply)
    assert reply.startswith(f"{expected[0]} {WOODGROVE}: ")
    assert expected[1] in reply
    assert "[ref " in reply


def test_unlisted_mail_is_untouched_but_for_forged_marks(product: Product) -> None:
    """Evil's own mail is delivered; its forged marks go, and other headers stay as they were, in order."""
    others = (
        "Authentication-Results: mx.other.test; dkim=pass header.d=other.test",
        f"Authentication-Results: {HOST}; dkim=pass header.d=evil.test",
    )
    forged = (
        FORGED_MARK,
        FORGED_RESULT,
        "x-domain-SECURE:pass",
        f"authentication-results:(a) {HOST} ;X-Domain-Secure=pass",
        "Authentication-Results: mx2.contoso.test; x-domain-secure=pass header.d=woodgrovebank.test",
        'Authentication-Results: "mx.other\\.test"; dkim=none; x-domain-secure=pass',
        "Authentication-Results: x-domain-secure=pass",
    )
    sent = send(
        product, EVIL_SENDER, None, forged[0], others[0], *forged[1:], "X-Other: kept", others[1], FORGED_MARK
    )
    assert sent.reply.code == 250
    assert sent.marks() == []
    assert sent.results() == [other.partition(": ")[2] for other in others]
    assert header_lines(sent.delivered, "X-Other") == ["kept"]
    assert b"\n\nHello." in sent.delivered.replace(b"\r\n", b"\n")


def test_partner_cannot_bring_its_own_mark(product: Product) -> None:
    """A forged mark on the partner's own mail is replaced by ours."""
    sent = send(product, WOODGROVE_SENDER, None, FORGED_MARK, FORGED_RESULT, tls=woodgrove(product))
    assert len(sent.marks()) == 1
    assert "ref=0000" not in sent.marks()[0]
    assert len(sent.results()) == 1


@pytest.mark.parametrize(
    "author",
    [
        f"Woodgrove <{WOODGROVE_SENDER}>",
        f"admin@{WOODGROVE.upper()}.",
        f"x@{EVIL}, {WOODGROVE_SENDER}",
        f"group: x@{EVIL}, {WOODGROVE_SENDER};",
        f"<@{EVIL},@x.test:{WOODGROVE_SENDER}>",
        f"admin@(comment)woodgrovebank (x) . test",  # noqa: F541 - reads as its neighbours
        f"=?utf-8?q?admin=40{WOODGROVE}?=",
        f"=?utf-8?b?PGFkbWluQHdvb2Rncm92ZWJhbmsudGVzdD4=?= <x@{EVIL}>",
        f"x@{EVIL} <{WOODGROVE_SENDER}>",
        f"<{WOODGROVE_SENDER}> <x@{EVIL}>",
        f"\r\n {WOODGROVE_SENDER}",
        f"admin@woodgrovebank。test",  # noqa: F541 - an ideographic full stop
        f"ADMIN@ｗｏｏｄｇｒｏｖｅｂａｎｋ.test",  # noqa: F541 - full-width letters
    ],
)
def test_author_header_is_a_claim_however_it_is_written(product: Product, author: str) -> None:
    """A listed author cannot hide behind an unlisted envelope."""
    reply = send(product, EVIL_SENDER, author).reply
    assert (reply.code, reply.status) == (530, "5.7.10"), str(reply)


@pytest.mark.parametrize("header", ["Sender", "Resent-From", "FROM ", "sender"])
def test_other_author_headers_are_claims(product: Product, header: str) -> None:
    """Sender and Resent-From claim as From does, in any case and with a space before the colon."""
    # A line that begins with "From " and stands first would be the separator of a mailbox file.
    headers = ("X-First: x", f"{header}: {WOODGROVE_SENDER}")
    reply = send(product, EVIL_SENDER, EVIL_SENDER, *headers).reply
    assert reply.code == 530, str(reply)


@pytest.mark.parametrize("authors", [(EVIL_SENDER, WOODGROVE_SENDER), (WOODGROVE_SENDER, EVIL_SENDER)])
def test_each_of_two_author_fields_is_a_claim(product: Product, authors: tuple[str, str]) -> None:
    """Whichever of them a reader shows, before or after the one that claims nothing."""
    first, second = authors
    reply = send(product, EVIL_SENDER, second, "X-First: x", f"From: {first}").reply
    assert reply.code == 530, str(reply)


@pytest.mark.parametrize(
    "author",
    [
        f'"{WOODGROVE_SENDER} via a list" <list@{EVIL}>',
        f"x@{EVIL} ({WOODGROVE_SENDER})",
        f"x@not{WOODGROVE}",
        f"x@{WOODGROVE}.{EVIL}",
    ],
)
def test_a_mere_mention_is_no_claim(product: Product, author: str) -> None:
    """A display name, a comment, a local part or a longer domain that mentions one is no claim."""
    assert send(product, EVIL_SENDER, author).reply.code == 250


def open_to_contoso(product: Product, tls: ssl.SSLContext | None = None, *, ehlo: bool = True) -> Dialogue:
    """Open a session with Contoso."""
    dialogue = product.lab.connect(product.lab.contoso, ADDRESSES[EVIL])
    if tls is not None:
        dialogue.starttls(tls, ehlo=ehlo)
    return dialogue


@pytest.mark.parametrize(
    "argument",
    [
        f"<(any@{WOODGROVE}>",
        f"<@{EVIL},@x.test:{WOODGROVE_SENDER}>",
        f"<{WOODGROVE_SENDER}.>",
        f"<ADMIN@{WOODGROVE.upper()}>",
        f'<"a b"@{WOODGROVE}>',
        f"{WOODGROVE_SENDER}",
        f"<{WOODGROVE}!admin>",
        f"<admin%{WOODGROVE}>",
        f"Admin <{WOODGROVE_SENDER}>",
    ],
)
def test_envelope_is_a_claim_however_it_is_written(product: Product, argument: str) -> None:
    """Whatever Postfix takes for a sender of Woodgrove is a claim to be Woodgrove; it may also refuse it."""
    message = compose(EVIL_SENDER, RECIPIENT)
    with open_to_contoso(product) as dialogue:
        if not dialogue.command(f"MAIL FROM:{argument}").is_positive:
            return
        dialogue.rcpt(RECIPIENT)
        reply = dialogue.data(message.content)
    assert reply.code == 530, str(reply)


def test_null_sender_with_listed_author_is_judged(product: Product) -> None:
    """A bounce that claims to come from Woodgrove must be Woodgrove's."""
    message = compose(f"MAILER-DAEMON@{WOODGROVE}", RECIPIENT)
    with open_to_contoso(product) as dialogue:
        assert dialogue.message("", RECIPIENT, message.content).code == 530


def test_several_messages_in_one_session(product: Product) -> None:
    """Each message of a session is judged by itself, also after one that was refused."""
    with open_to_contoso(product, woodgrove(product)) as dialogue:
        for author, code in ((WOODGROVE_SENDER, 250), (EVIL_SENDER, 250), (WOODGROVE_SENDER, 250)):
            message = compose(author, RECIPIENT)
            assert dialogue.message(author, RECIPIENT, message.content).code == code
            delivered = product.lab.contoso.wait_for_delivery(message.mark)
            assert bool(header_lines(delivered, "X-Domain-Secure")) == (author == WOODGROVE_SENDER)
    with open_to_contoso(product) as dialogue:
        refused = compose(WOODGROVE_SENDER, RECIPIENT)
        assert dialogue.message(WOODGROVE_SENDER, RECIPIENT, refused.content).code == 530
        dialogue.command("RSET")
        passed = compose(EVIL_SENDER, RECIPIENT)
        assert dialogue.message(EVIL_SENDER, RECIPIENT, passed.content).code == 250


def test_no_second_ehlo_after_starttls(product: Product) -> None:
    """A client that goes straight to MAIL after STARTTLS is still seen."""
    message = compose(WOODGROVE_SENDER, RECIPIENT)
    with open_to_contoso(product, woodgrove(product), ehlo=False) as dialogue:
        assert dialogue.message(WOODGROVE_SENDER, RECIPIENT, message.content).code == 250


def test_chunking(product: Product) -> None:
    """BDAT brings the same evidence as DATA."""
    message = compose(WOODGROVE_SENDER, RECIPIENT, body="x" * 10000)
    with open_to_contoso(product, woodgrove(product)) as dialogue:
        dialogue.mail(WOODGROVE_SENDER)
        dialogue.rcpt(RECIPIENT)
        assert dialogue.bdat(message.content).code == 250
    assert header_lines(product.lab.contoso.wait_for_delivery(message.mark), "X-Domain-Secure")
    forged = compose(WOODGROVE_SENDER, RECIPIENT)
    with open_to_contoso(product) as dialogue:
        dialogue.mail(WOODGROVE_SENDER)
        dialogue.rcpt(RECIPIENT)
        assert dialogue.bdat(forged.content).code == 530


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"From: \xff\xfe <admin@woodgrovebank.test>", 530),
        (b"From: " + b"(" * 15000 + b"admin@woodgrovebank.test", 530),
        (b"From: " + b"(" * 50000 + b"admin@woodgrovebank.test", 550),
        (b"From: \xe9ric <x@evil.test>", 250),
        (b"X-Domain-Secure: pass\x00 (woodgrovebank.test)", 250),
        (b"X-Domain-Secure :pass", 250),
        # Postfix ends the header there, and what follows is text.
        (b"Fr\xf6m: admin@woodgrovebank.test", 250),
        (b"X-\xff: y", 250),
        # Postfix itself cuts an address header off at the NUL, for the recipient too.
        (b"From: x@evil.test\x00, admin@woodgrovebank.test", 250),
    ],
)
def test_odd_octets_neither_stop_mail_nor_hide_a_claim(product: Product, octets: bytes, code: int) -> None:
    """Eight-bit names, NUL and endless comments: what reaches the recipient was judged."""
    message = compose(EVIL_SENDER, RECIPIENT)
    with open_to_contoso(product) as dialogue:
        reply = dialogue.message(EVIL_SENDER, RECIPIENT, octets + b"\r\n" + message.content)
    assert reply.code == code, str(reply)
    if code == 250:
        head = product.lab.contoso.wait_for_delivery(message.mark).split(b"\n\n", 1)[0]
        assert b"woodgrovebank" not in head
        assert b"X-Domain-Secure" not in head


def test_marks_of_our_other_edge_are_kept_by_its_certificate(product: Product) -> None:
    """From any address, who proves to hold a relay's certificate passes marks on, and nobody else does."""
    relay, stranger = (
        product.lab.authority.issue(name, dns_names=(name,)) for name in ("mx2.test", "mx3.test")
    )
    good = product.text()
    product.write(f'{good}\n[inbound]\ntrusted_relay_certificates = ["sha256:{relay.fingerprint}"]\n')
    product.settle()
    try:
        relayed = send(product, WOODGROVE_SENDER, None, FORGED_MARK, tls=client(product, relay))
        assert relayed.reply.code == 250
        assert relayed.marks() == [FORGED_MARK.partition(": ")[2]]
        other = send(product, EVIL_SENDER, None, FORGED_MARK, tls=client(product, stranger))
        assert other.marks() == []
        assert send(product, tls=client(product, stranger)).reply.code != 250
    finally:
        product.write(good)
        product.settle()


def test_submitted_and_local_mail_is_judged_like_any_other(product: Product) -> None:
    """A client in mynetworks has no privilege here: the exemption is a setting, and its default is none."""
    assert send(product, source=LOOPBACK).reply.code == 530


@pytest.mark.parametrize(
    ("version", "ciphers", "word"),
    [(ssl.TLSVersion.TLSv1_2, None, None), (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0", "weak-tls")],
)
def test_minimum_tls(
    product: Product, version: ssl.TLSVersion, ciphers: str | None, word: str | None
) -> None:
    """TLS 1.2 is enough by default, and 1.1 is not, even with the right certificate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the old version, which is the point
        context = client(product, product.lab.identities[WOODGROVE], maximum=version, ciphers=ciphers)
        context.minimum_version = version
    reply = send(product, tls=context).reply
    assert reply.code == (550 if word else 250), str(reply)
    assert word is None or f"({word})" in str(reply)


def test_chain_of_another_authority_is_untrusted(product: Product) -> None:
    """The right name from an authority that is not trusted proves nothing, though it was imported."""
    impostor = Authority.create("Laboratory Authority").issue(WOODGROVE, dns_names=(WOODGROVE,))
    path = product.lab.certificate_file(impostor, "impostor")
    product.command("partner", "cert", "add", "--force", EVIL, path)
    reply = str(send(product, tls=client(product, impostor)).reply)
    assert reply.startswith("550 5.7.5")
    assert "(untrusted)" in reply


def test_pinned_self_signed_certificate(own_product: Product) -> None:
    """A pin decides alone; ``pending`` shows what to pin, and once it is pinned the next message passes."""
    product = own_product
    issued = Authority.create(WOODGROVE)
    tls = client(product, issued)

    def is_pending() -> bool:
        # A message does not wait for the book, so what another writer keeps busy may miss one.
        assert send(product, tls=tls).reply.code == 451
        return issued.fingerprint in product.command("pending").stdout

    wait_for(is_pending, "the certificate to be pending")
    product.change("partner", "pin", WOODGROVE, f"sha256:{issued.fingerprint}")
    sent = send(product, tls=tls)
    assert sent.reply.code == 250, str(sent.reply)
    assert sent.marks()[0].startswith(f"pass ({WOODGROVE}; pin; TLSv1.3)")
    assert issued.fingerprint not in product.command("pending").stdout


def test_a_distrusted_authority_and_key(own_product: Product) -> None:
    """From the next message on the partner does not pass by it, neither by chain nor by pin."""
    product = own_product
    issued = product.lab.identities[WOODGROVE]
    tls = client(product, issued)
    assert send(product, tls=tls).reply.code == 250
    product.change("partner", "cert", "distrust", product.lab.authority.fingerprint)
    reply = str(send(product, tls=tls).reply)
    assert reply.startswith("550 5.7.5")
    assert "(distrusted)" in reply
    product.change("partner", "pin", WOODGROVE, f"sha256:{issued.fingerprint}")
    assert send(product, tls=tls).reply.code == 250, "a pin asks for no chain"
    product.change("partner", "cert", "distrust", "--key", issued.fingerprint)
    assert "(distrusted)" in str(send(product, tls=tls).reply)
    for one in (product.lab.authority, issued):
        product.change("partner", "cert", "undistrust", one.fingerprint.upper())
    product.change("partner", "set", WOODGROVE, "pins=")
    assert send(product, tls=tls).reply.code == 250


def test_ipv6(own_product: Product) -> None:
    """Over IPv6 the two doors of Postfix spell the client's address differently, and still agree."""
    lab = own_product.lab
    lab.contoso.configure(inet_interfaces="all", inet_protocols="all")
    lab.contoso.stop()
    lab.contoso.start()
    for domain, code in ((WOODGROVE, 250), (EVIL, 451)):
        message = compose(WOODGROVE_SENDER, RECIPIENT)
        with lab.namespaces.network():
            connection = socket.create_connection(("::1", 25), timeout=DEADLINE)
        with Dialogue(connection) as dialogue:
            dialogue.greeting()
            dialogue.ehlo()
            dialogue.starttls(lab.client_context(lab.identities[domain]))
            reply = dialogue.message(WOODGROVE_SENDER, RECIPIENT, message.content)
        assert reply.code == code, str(reply)
    assert "(unknown-certificate)" in reply.text


def test_nobody_is_judged_by_his_address(product: Product) -> None:
    """The partner's certificate passes from any address; its address without it never does."""
    assert send(product, tls=woodgrove(product), source=NOBODY).reply.code == 250
    assert send(product, source=ADDRESSES[WOODGROVE]).reply.code == 530

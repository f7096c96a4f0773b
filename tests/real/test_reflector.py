"""The reflector through real Postfix, with SPF and DKIM from real DNS, and what strangers try with it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime

import pytest

from domain_secure.policy.reflector.reason import Reason

from lab.dkim_signing import Signer
from lab.hostile_letters import LETTERS, MARK, Attack, hostile_letters
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, FABRIKAM, NOBODY, WOODGROVE, Lab
from lab.messages import Message, compose, header_lines
from lab.postfix_host import PostfixHost
from lab.product import Product
from lab.smtp_client import Dialogue, Reply
from lab.waiting import wait_for

pytestmark = pytest.mark.real

REFLECTOR = f"reflector@{CONTOSO}"
PARTNER, STRANGER, USER = f"admin@{WOODGROVE}", f"admin@{EVIL}", f"user@{CONTOSO}"
SIGNER = Signer(EVIL)
SETTINGS = f"""
[inbound]
probe_timeout = 30
[reflector]
address = "{REFLECTOR}"
per_author = 50
per_client = 500
"""


def set_up(product: Product) -> Product:
    """Publish what speaks for the stranger, and switch the reflector on."""
    lab = product.lab
    lab.dns.add(SIGNER.zone_line(), f'{EVIL}. 300 TXT "v=spf1 ip4:{ADDRESSES[EVIL]} -all"')
    lab.dns.add(f'{WOODGROVE}. 300 TXT "v=spf1 ip4:{ADDRESSES[WOODGROVE]} -all"')
    product.write(f"{product.text()}{SETTINGS}")
    product.settle()
    return product


@pytest.fixture(scope="module")
def reflecting(product: Product) -> Product:
    """The product with a reflector."""
    return set_up(product)


@pytest.fixture
def evil(reflecting: Product) -> Iterator[Dialogue]:
    """A session of the stranger, with its own certificate."""
    lab = reflecting.lab
    with lab.connect(lab.contoso, ADDRESSES[EVIL]) as dialogue:
        dialogue.starttls(lab.client_context(lab.identities[EVIL]))
        yield dialogue


def letter(author: str, *headers: str, recipient: str = REFLECTOR) -> Message:
    """Return a letter of this minute."""
    made = compose(author, recipient, *headers, body=f"{MARK} Tell me, please.")
    date = format_datetime(datetime.now(UTC))
    return Message(made.content.replace(b"Tue, 24 Nov 2026 09:00:00 +0000", date.encode()), made.mark)


def send(lab: Lab, message: Message, sender: str, source: str, domain: str | None) -> Reply:
    """Send a letter from an address, with the certificate of a domain or in the clear."""
    tls = lab.client_context(lab.identities[domain]) if domain else None
    return lab.send(lab.contoso, message, source=source, sender=sender, recipient=REFLECTOR, tls=tls)


def answer(host: PostfixHost, message: Message) -> EmailMessage:
    """Return the answer to a letter, once it is delivered."""
    delivered = wait_for(
        lambda: next(
            (one for one in host.mailbox() if f"In-Reply-To: <{message.mark}@lab.test>".encode() in one), None
        ),
        f"the answer at {host.domain}",
        context=lambda: host.log()[-2000:],
    )
    return message_from_bytes(delivered, policy=policy.default)  # type: ignore[return-value]


def text_of(found: EmailMessage) -> str:
    """Return the body with its lines joined."""
    return " ".join(str(found.get_content()).split())


def test_a_partner_hears_what_was_seen(reflecting: Product) -> None:
    """Its certificate speaks for it; the answer tells of all that the session showed, and quotes nothing."""
    lab = reflecting.lab
    asked = letter(PARTNER, "Reply-To: somebody@fabrikam.test")
    reply = send(lab, asked, PARTNER, ADDRESSES[WOODGROVE], WOODGROVE)
    assert reply.code == 250, str(reply)
    found = answer(lab.woodgrove, asked)
    assert found["Auto-Submitted"] == "auto-replied"
    assert found["To"] == PARTNER
    assert found["Return-Path"] == "<>"
    told, issued = text_of(found), lab.identities[WOODGROVE]
    for fact in (
        "TLS TLSv1.3, TLS_",
        f"certificate sha256:{issued.fingerprint}",
        "public key spki-sha256:",
        "issuer CN=Laboratory Authority",
        f"name {WOODGROVE}: counts for {WOODGROVE}",
        "purposes TLS client, TLS server",
        "path trusted",
        f"pkix pass: certificate for {WOODGROVE}",
        "verdict pass",
        f"taken for yours by this: the certificate of a session that proved to be {WOODGROVE}",
        "Nothing: a message sent like this letter proves to be from your domain.",
    ):
        assert fact in told, told
    assert MARK not in told
    assert not [one for one in lab.contoso.mailbox() if asked.mark.encode() in one], "it is discarded"
    reflecting.wait_for_log("reflector-answer outcome=sent")
    assert reflecting.metrics()['domain_secure_reflector_letters_total{outcome="answered"}'] == 1
    assert reflecting.metrics()['domain_secure_reflector_answers_total{outcome="sent"}'] == 1


def test_a_stranger_hears_by_spf_and_by_dkim(reflecting: Product, evil: Dialogue) -> None:
    """SPF speaks for the client; a signature does from anywhere; neither for somebody else, nor in part."""
    lab = reflecting.lab
    by_spf = letter(STRANGER)
    assert evil.message(STRANGER, REFLECTOR, by_spf.content).code == 250, str(evil.last)
    told = text_of(answer(lab.evil, by_spf))
    assert "taken for yours by this: SPF: the client may send for the author's domain" in told
    assert f"subject CN={EVIL}" in told, "the server that sent it shows the certificate when it is asked"
    assert f"name {EVIL}: counts for {EVIL}" in told
    assert "pin not asked: no pins were agreed on" in told
    assert "need not prove itself to this server" in told

    by_dkim = letter(STRANGER)
    signed = Message(SIGNER.sign(by_dkim.content), by_dkim.mark)
    reply = send(lab, signed, STRANGER, NOBODY, None)
    assert reply.code == 250, str(reply)
    told = text_of(answer(lab.evil, by_dkim))
    assert f"taken for yours by this: DKIM: signed by d={EVIL} s=s1" in told
    assert "TLS none: the letter came in the clear" in told
    assert "verdict no-tls" in told

    for message, why in (
        (letter(STRANGER), "SPF: fail; DKIM: no signature"),
        (
            Message(SIGNER.sign(letter(STRANGER).content, include_headers=[b"from", b"to"]), ""),
            "does not cover",
        ),
        (letter(f"admin@{FABRIKAM}"), "SPF: the reverse-path is not the author's address"),
    ):
        reply = send(lab, message, STRANGER, NOBODY, None)
        assert str(reply).startswith("550 5.7.1 this letter is not answered: "), str(reply)
        assert why in reply.text
        assert "(reflector-unaligned)" in reply.text


def test_other_recipients_do_not_feel_it(reflecting: Product) -> None:
    """Whoever else is a recipient has the message, marked and whole; the reflector's mailbox has none."""
    lab = reflecting.lab
    answered, refused = letter(PARTNER), letter(PARTNER, "Precedence: bulk")
    for message in (answered, refused):
        with lab.connect(lab.contoso, ADDRESSES[WOODGROVE]) as dialogue:
            dialogue.starttls(lab.client_context(lab.identities[WOODGROVE]))
            dialogue.mail(PARTNER)
            dialogue.rcpt(REFLECTOR.upper())
            dialogue.rcpt(USER)
            assert dialogue.data(message.content).code == 250, str(dialogue.last)
        delivered = lab.contoso.wait_for_delivery(message.mark)
        assert header_lines(delivered, "Delivered-To") == [USER]
        assert header_lines(delivered, "X-Domain-Secure")[0].startswith(f"pass ({WOODGROVE};")
        assert message.content.replace(b"\r\n", b"\n").strip() in delivered
    answer(lab.woodgrove, answered)
    assert sum(answered.mark.encode() in one for one in lab.contoso.mailbox()) == 1
    assert not [one for one in lab.woodgrove.mailbox() if refused.mark.encode() in one]


@pytest.mark.parametrize("original", ["yes", "no"])
def test_whose_mailbox_the_reflector_is_an_alias_of_has_his_own_mail(
    reflecting: Product, original: str
) -> None:
    """Postfix may take him and the reflector for one recipient; the message is his as well, once."""
    lab = reflecting.lab
    lab.contoso.configure(
        virtual_alias_maps=f"inline:{{ {{ {REFLECTOR} = {USER} }} }}", enable_original_recipient=original
    )
    lab.contoso.reload()
    try:
        for recipients in ((REFLECTOR, USER), (USER, REFLECTOR)):
            message = letter(PARTNER, "Precedence: bulk")
            with lab.connect(lab.contoso, ADDRESSES[WOODGROVE]) as dialogue:
                dialogue.starttls(lab.client_context(lab.identities[WOODGROVE]))
                dialogue.mail(PARTNER)
                for recipient in recipients:
                    dialogue.rcpt(recipient)
                assert dialogue.data(message.content).code == 250, str(dialogue.last)
            lab.contoso.wait_for_delivery(message.mark)
            assert sum(message.mark.encode() in one for one in lab.contoso.mailbox()) == 1
    finally:
        lab.contoso.configure(virtual_alias_maps="", enable_original_recipient="yes")
        lab.contoso.reload()


def test_a_partners_rule_holds_and_its_administrator_hears_why(reflecting: Product) -> None:
    """With another's certificate the letter is refused as any message; by SPF the author hears of it."""
    lab = reflecting.lab
    asked = letter(PARTNER)
    reply = send(lab, asked, PARTNER, ADDRESSES[WOODGROVE], EVIL)
    assert reply.code in {451, 550}, str(reply)
    assert "reflector" not in reply.text
    told = text_of(answer(lab.woodgrove, asked))
    assert "verdict pass" not in told
    assert "mail from your domain has to prove itself to this server" in told


def test_one_answer_a_letter_and_so_many_a_day(reflecting: Product, evil: Dialogue) -> None:
    """The same letter again is taken and not answered; limits hold over a restart of the daemon."""
    lab = reflecting.lab
    author = f"limited@{EVIL}"
    before = reflecting.text()
    reflecting.write(before.replace("per_author = 50", "per_author = 2"))
    reflecting.settle()
    letters = [letter(author) for _ in range(3)]
    first, second, third = letters
    assert evil.message(author, REFLECTOR, first.content).code == 250, str(evil.last)
    assert evil.message(author, REFLECTOR, first.content).code == 250, str(evil.last)
    assert evil.message(author, REFLECTOR, second.content).code == 250, str(evil.last)
    answer(lab.evil, second)
    reflecting.stop()
    reflecting.serve()
    for message, code in ((first, 250), (third, 550)):
        reply = send(lab, message, author, ADDRESSES[EVIL], EVIL)
        assert reply.code == code, str(reply)
    assert "(reflector-author-limit)" in reply.text
    found = [one for one in lab.evil.mailbox() if f"To: <{author}>".encode() in one]
    assert len(found) == 2
    reflecting.write(before)
    reflecting.settle()


def test_check_finds_where_it_would_not_work(reflecting: Product) -> None:
    """Nothing where it does; nobody's domain, an address that is refused, answers that stay here."""
    contoso = reflecting.lab.contoso
    before = reflecting.text()

    def words() -> set[str]:
        said = reflecting.command("check", check=False).stdout
        return set(re.findall(r"\[(reflector-[a-z-]+)\]", said))

    assert words() == set()
    reflecting.write(before.replace(REFLECTOR, f"reflector@{EVIL}"))
    assert words() == {"reflector-not-local"}
    reflecting.write(before.replace(REFLECTOR, f"reflector@{WOODGROVE}"))
    assert words() == {"reflector-not-local", "reflector-listed"}
    reflecting.write(before)
    reflecting.settle()
    contoso.configure(
        smtpd_recipient_restrictions=f"check_recipient_access inline:{{{REFLECTOR}=REJECT}}",
        mynetworks="192.0.2.99/32",
    )
    contoso.reload()
    assert words() == {"reflector-refused", "reflector-cannot-answer"}
    contoso.stop()
    assert "whether Postfix takes letters to the reflector" in reflecting.command("check", check=False).stdout
    contoso.start()


def test_a_thousand_hostile_letters(own_product: Product) -> None:
    """Nobody but their aligned author ever hears of them, and he as often as is allowed."""
    product, lab = set_up(own_product), own_product.lab
    product.write(product.text().replace("per_author = 50", "per_author = 3\nper_domain = 10"))
    product.settle()
    attacks = list(hostile_letters(REFLECTOR, SIGNER))
    assert len(attacks) == LETTERS
    replies = [_attacked(lab, attack) for attack in attacks]
    assert {reply.code // 100 for reply in replies} <= {2, 4, 5}
    assert sum("reflector-" in reply.text for reply in replies) > LETTERS / 4, (
        "most got as far as the reflector"
    )

    # What Postfix has, it delivers: then every mailbox, queue and log has all there will ever be.
    last = letter(PARTNER)
    assert send(lab, last, PARTNER, ADDRESSES[WOODGROVE], WOODGROVE).code == 250
    answer(lab.woodgrove, last)
    wait_for(lambda: not lab.contoso.queue(), "an empty queue", context=lambda: lab.contoso.log()[-3000:])
    wait_for(lambda: not lab.evil.queue(), "an empty queue")

    assert len(lab.woodgrove.mailbox()) == 1, "the victim has the one answer to its own letter"
    answers = lab.evil.mailbox()
    assert 0 < len(answers) <= 3, "it is one author, whatever stands behind his +"
    for one in answers:
        assert header_lines(one, "From") == [f"<{REFLECTOR}>"]
        assert MARK.encode() not in one
        (to,) = header_lines(one, "To")
        assert to.endswith(f"@{EVIL}>")
    assert not [one for one in lab.contoso.mailbox() if header_lines(one, "Delivered-To") != [USER]]
    sent_to = [
        line.split(" to=<", 1)[1].split(">", 1)[0].lower()
        for line in lab.contoso.complete_log().splitlines()
        if " to=<" in line and " status=" in line
    ]
    to_stranger = [one for one in sent_to if one.endswith((f"@{EVIL}", f".{EVIL}"))]
    assert len(to_stranger) <= 10, "with all under his domain"
    assert {*sent_to} - {*to_stranger} == {USER, PARTNER}
    assert "internal-error" not in product.log()
    outcomes = set(re.findall(r"reflector-letter outcome=(\S+)", product.log()))
    assert outcomes >= set(Reason) - {
        *(Reason.NOT_WHOLE, Reason.OWN_RELAY, Reason.UNKNOWN, Reason.DAY_LIMIT, Reason.BUSY, Reason.FAULT),
        *(Reason.DOMAIN_LIMIT, Reason.CLIENT_LIMIT, Reason.DUPLICATE),
    }


def _attacked(lab: Lab, attack: Attack) -> Reply:
    source = ADDRESSES[EVIL] if attack.is_from_evil else NOBODY
    with lab.connect(lab.contoso, source) as dialogue:
        if attack.has_certificate:
            dialogue.starttls(lab.client_context(lab.identities[EVIL]))
        for step in (
            lambda: dialogue.mail(attack.sender, *attack.parameters),
            *(lambda one=one: dialogue.rcpt(one) for one in attack.recipients),
        ):
            if not step().is_positive and len(attack.recipients) == 1:
                return dialogue.last
        try:
            return dialogue.data(attack.content)
        except (EOFError, ConnectionError):
            return Reply(421, "the server hung up")

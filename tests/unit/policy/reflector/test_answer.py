"""What the author of a letter is told."""

from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from cryptography.hazmat.primitives.serialization import Encoding

from domain_secure.policy.decision.decision import decide_about_session
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate, Session
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.reflector.alignment import Alignment, Means
from domain_secure.policy.reflector.answer import Seen, answer_to
from domain_secure.policy.reflector.mending import mending
from domain_secure.policy.terms.mailbox import Mailbox

from lab.certificates import self_signed
from unit.policy.builders import NOW, claim, configuration, known, session
from unit.policy.reflector.test_letter import AUTHOR, REFLECTOR

DER = self_signed("anybody").certificate.public_bytes(Encoding.DER)


def shown(*names: str) -> KnownCertificate:
    """Return a certificate for some names."""
    found = known(*names)
    return replace(found, certificate=replace(found.certificate, der=DER))


def seen(found: KnownCertificate | None, on: Session | None) -> Seen:
    """Return what is known of a session."""
    decision = decide_about_session([claim(source="from")], Evidence(on, found), configuration(), NOW)
    return Seen(
        Mailbox.parse(AUTHOR),
        "<1.a@woodgrovebank.test>",
        REFLECTOR,
        "mail.contoso.test",
        "4F2C1A0B",
        NOW,
        "192.0.2.7",
        on,
        Alignment(Means.SPF, is_known=True, detail="SPF: the client may send for the author's domain"),
        decision,
        found,
        {},
        is_listed=True,
    )


def told(what: Seen) -> EmailMessage:
    """Return the answer as it arrives."""
    octets = answer_to(what, configuration(), "<answer@mail.contoso.test>").as_bytes()
    assert octets.isascii()
    assert max(map(len, octets.split(b"\r\n"))) < 500
    return BytesParser(EmailMessage, policy=policy.default).parsebytes(octets)  # type: ignore[return-value]


def test_the_form_of_an_automatic_answer() -> None:
    """RFC 3834 section 3: it says so, belongs to the letter, and goes to its author."""
    message = told(seen(shown("mail.woodgrovebank.test"), session()))
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["In-Reply-To"] == message["References"] == "<1.a@woodgrovebank.test>"
    assert (message["From"], message["To"]) == (REFLECTOR, AUTHOR)
    assert message["Cc"] is None
    assert message["Reply-To"] is None
    assert message.get_content_type() == "text/plain"


def test_a_long_message_id_comes_back_as_it_is() -> None:
    """Exchange writes some that fill a line; a mail client finds the letter by it."""
    identifier = f"<{'A1' * 40}@{'b' * 60}.eurprd04.prod.outlook.test>"
    made = answer_to(
        replace(seen(shown("mail.woodgrovebank.test"), session()), identifier=identifier),
        configuration(),
        "<answer@mail.contoso.test>",
    )
    for name in ("In-Reply-To", "References"):
        assert f"\r\n{name}: {identifier}\r\n".encode() in made.as_bytes()


def test_verdicts_and_what_to_mend() -> None:
    """Each fault has its instruction."""
    for found, on, verdict in (
        (shown("mail.woodgrovebank.test"), session(), Verdict.PASS),
        (shown("evil.test"), session(), Verdict.NAME_MISMATCH),
        (None, session(), Verdict.UNKNOWN_CERTIFICATE),
        (None, session(certificate_pin=None, public_key_pin=None), Verdict.NO_CERTIFICATE),
        (None, session(tls_version=None, cipher=None, certificate_pin=None), Verdict.NO_TLS),
        (None, None, Verdict.NO_EVIDENCE),
    ):
        text = " ".join(str(told(seen(found, on)).get_content()).split())
        assert f"verdict {verdict.word}" in text
        assert mending(verdict) in text
    assert all(mending(verdict) != "Nothing." for verdict in Verdict if verdict.is_failure)


def test_a_certificate_cannot_write_the_answer() -> None:
    """Line ends, other characters and a thousand names are somebody else's words."""
    hostile = shown(*(f"n{number}.evil.test\r\nBcc: a@b.test é" for number in range(1000)))
    certificate = replace(hostile.certificate, subject="CN=a\r\n\r\nBuy\u202e" * 500, issuer="CN=\0")
    message = told(seen(replace(hostile, certificate=certificate), session()))
    assert message["Bcc"] is None
    text = str(message.get_content())
    assert "and 980 more" in text
    assert len(text) < 20_000
    assert not [line for line in text.splitlines() if line.startswith(("Buy", "Bcc"))]

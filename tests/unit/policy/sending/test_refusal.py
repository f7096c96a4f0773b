"""Which replies and alerts say that it is our certificate that was not accepted."""

import pytest

from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.policy.sending.refusal import is_certificate_alert, refusal_reason

OURS = "contoso.test: certificate is for evil.test; mail from this domain needs one for contoso.test"


@pytest.mark.parametrize(
    "reply",
    [
        "454 4.7.5 Certificate validation failure",
        "550 5.7.5 Cryptographic failure",
        "550-5.7.5 first line 550 5.7.5 second line",
        "530 5.7.10 encryption needed",
        "530 5.7.1 Client was not authenticated",
        "530 5.7.57 Client not authenticated to send anonymous mail",
        "530 Authentication required",
        "550 5.7.51 RestrictDomainsToCertificate",
        "421 4.7.1 mail.x.test Error: Client certificate not trusted",
        "554 5.7.1 <user@contoso.test>: Sender address rejected: no client certificate",
        "403 4.7.0 authentication failed",
        "550 your TLS certificate has expired",
        "451 4.7.5 (in reply to end of DATA command)",
    ],
)
def test_refusals_because_of_our_certificate(reply: str) -> None:
    """By code, or by a word about certificates beside a code of security."""
    assert refusal_reason(reply) is FailureReason.CLIENT_CERTIFICATE


@pytest.mark.parametrize("verdict", [one for one in Verdict if one.is_failure], ids=lambda one: one.word)
def test_a_word_of_ours_counts_whatever_else_is_said(verdict: Verdict) -> None:
    """Also beside a word about the message, and with the page for refused partners before it."""
    page = f"see https://contoso.test/dmarc#{verdict.word}"
    reply = f"550 5.0.0 {OURS}; {page} ({verdict.word}) [ref 4F2C1A0B]"
    if verdict is not Verdict.NO_SIGNATURE:
        assert refusal_reason(reply) is FailureReason.CLIENT_CERTIFICATE


@pytest.mark.parametrize("verdict", [one for one in Verdict if one.is_failure], ids=lambda one: one.word)
@pytest.mark.parametrize("softened", [False, True])
def test_what_we_reply_ourselves(verdict: Verdict, softened: bool) -> None:
    """Each word of ours is counted; want of a signature is none of the certificate."""
    assert verdict.status is not None
    status = "451 4" + verdict.status[5:] if softened else verdict.status
    reply = f"{status} {OURS} ({verdict.word}) [ref 4F2C1A0B] (in reply to end of DATA command)"
    wanted = (
        FailureReason.NO_SIGNATURE if verdict is Verdict.NO_SIGNATURE else FailureReason.CLIENT_CERTIFICATE
    )
    assert refusal_reason(reply) is wanted


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 <certificate@x.test>: user unknown",
        "554 5.7.1 certificate@x.test: relay access denied",
        "550 5.1.1 no such certificate",
        "450 4.2.0 greylisted",
        "550 5.7.5 Permanent error evaluating DMARC policy",
        "550 5.7.22 no DKIM signature",
        "554 5.7.1 Access denied",
        "451 4.7.500 Server busy",
        "250 2.7.5 ok",
        "lost",
        "",
    ],
)
def test_other_refusals(reply: str) -> None:
    """Of a recipient, of a message, or of nobody; a word within an address is a sender's."""
    assert refusal_reason(reply) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tlsv1 alert unknown ca", True),
        ("tlsv13 alert certificate required", True),
        ("ssl/tls alert bad certificate", True),
        ("sslv3 alert handshake failure", False),
        ("certificate verify failed", False),
    ],
)
def test_alerts(text: str, expected: bool) -> None:
    """Of the other side, about ours."""
    assert is_certificate_alert(text) is expected

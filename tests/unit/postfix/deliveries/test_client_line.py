"""What each line of Postfix's SMTP client is taken for."""

import pytest

from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.postfix.deliveries.client_line import (
    DetailLine,
    FailureLine,
    RemarkLine,
    SummaryLine,
    TextLine,
    UnknownLine,
    text_line,
)
from domain_secure.postfix.log_lines.failure_text import Cause, Unsettled

from unit.postfix.log_lines import CIPHER, RELAY

HEAD = "2026-11-25T10:00:00+00:00 mail postfix/smtp[687]: "


def read(text: str) -> TextLine:
    """Return what a text is."""
    return text_line(HEAD[:25], f"{HEAD}{text}".encode(), len(HEAD))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"Verified TLS connection established to {RELAY}: {CIPHER}", SummaryLine),
        (f"Untrusted TLS connection reused to {RELAY}: {CIPHER}", SummaryLine),
        (f"certificate verification failed for {RELAY}: self-signed certificate", DetailLine),
        (f"SSL_connect error to {RELAY}: lost connection", DetailLine),
        ("warning: TLS library problem: error:0A000418:SSL routines::tlsv1 alert unknown ca:x:", DetailLine),
        ("10B773D: host x[1.2.3.4] said: 450 later (in reply to RCPT TO command)", RemarkLine),
        ("10B773D: replace: header Subject: x", RemarkLine),
        ("warning: no MX host for x has a valid address record", RemarkLine),
        (f"{RELAY}: subject_CN=x", RemarkLine),
        ("10B773D: something new", UnknownLine),
        ("something new", UnknownLine),
    ],
)
def test_kinds(text: str, kind: type[TextLine]) -> None:
    """Each by its beginning."""
    line = read(text)
    assert (type(line), line.line) == (kind, HEAD + text)


@pytest.mark.parametrize(
    ("text", "queue_id", "relay", "cause", "said"),
    [
        ("10B773D: Server certificate not verified", "10B773D", "", Unsettled.NOT_VERIFIED, None),
        (
            "10B773D: TLS is required, but was not offered by host x[1.2.3.4]",
            "10B773D",
            "x[1.2.3.4]",
            FailureReason.NO_TLS,
            None,
        ),
        (f"connect to {RELAY}: Connection refused", "", RELAY, FailureReason.UNREACHABLE, None),
        ("connect to nowhere: x", "", "", FailureReason.UNREACHABLE, None),
        (
            "warning: TLS policy lookup for x.test/mx1: TLSA lookup error for mx1:25",
            "",
            "mx1",
            FailureReason.DANE,
            "TLSA lookup error for mx1:25",
        ),
        (
            "warning: TLS policy lookup for x.test/mx1: what",
            "",
            "mx1",
            FailureReason.CONFIGURATION,
            "what",
        ),
    ],
)
def test_failures(text: str, queue_id: str, relay: str, cause: Cause, said: str | None) -> None:
    """With the host they name; whose text is compared stands without names."""
    expected = said or text.removeprefix("10B773D: ")
    assert read(text) == FailureLine(
        HEAD[:25], HEAD + text, expected, queue_id, relay, cause, is_refusal=False
    )


def test_what_is_not_ascii_is_kept_readable() -> None:
    """The text begins where the octets do, whatever stands in front of it."""
    head = "2026-11-25T10:00:00+00:00 mäil postfix/smtp[687]: ".encode()
    line = text_line("", head + b"connect to \xc3\xb6\xff: x", len(head))
    assert isinstance(line, FailureLine)
    assert (line.text, line.line[26:30]) == ("connect to ö\\xff: x", "mäil")

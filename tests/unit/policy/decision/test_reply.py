"""Replies: the words a partner's administrator reads."""

import pytest

from domain_secure.policy.configuration.configuration import Mode, OnFailure
from domain_secure.policy.decision.decision import NOT_LISTED, decide
from domain_secure.policy.decision.evidence import Evidence
from domain_secure.policy.decision.reply import reply_to

from unit.policy.builders import NOW, claim, configuration, known, session


def test_name_mismatch_names_both() -> None:
    """The reply says whose certificate it is, whose is needed, the reason word and the reference."""
    decision = decide([claim()], Evidence(session(), known("evil.test")), configuration(), NOW)
    assert str(reply_to(decision, "4F2C1A0B")) == (
        "550 5.7.5 woodgrovebank.test: certificate is for evil.test; mail from this domain needs one for "
        "woodgrovebank.test (name-mismatch) [ref 4F2C1A0B]"
    )


def test_clear_text_is_told_what_is_needed() -> None:
    """A session in the clear gets 530 5.7.10."""
    decision = decide([claim()], Evidence(session(tls_version=None), None), configuration(), NOW)
    assert str(reply_to(decision, "Q1")) == (
        "530 5.7.10 woodgrovebank.test: mail from this domain must arrive over TLS with a client certificate "
        "(no-tls) [ref Q1]"
    )


@pytest.mark.parametrize("changes", [{"mode": Mode.OBSERVE}, {"on_failure": OnFailure.TAG}])
def test_what_is_let_in_is_not_replied_to(changes: dict[str, object]) -> None:
    """Observed and tagged messages get no reply of ours."""
    decision = decide([claim()], Evidence(None, None), configuration(**changes), NOW)
    assert reply_to(decision, "Q1") is None
    assert reply_to(NOT_LISTED, "Q1") is None


def test_reply_fits_one_line_of_smtp() -> None:
    """However long the names, the line stays below 512 octets and keeps reason and reference."""
    label = "a" * 60
    long_domain = f"{label}.{label}.{label}.test"
    decision = decide(
        [claim(long_domain)],
        Evidence(session(), known(*("x" * 400 for _ in range(9)))),
        configuration(long_domain),
        NOW,
    )
    text = str(reply_to(decision, "Q1"))
    assert len(text) < 500
    assert text.endswith("(name-mismatch) [ref Q1]")


def test_reply_is_printable_ascii_without_line_ends() -> None:
    """What a stranger's certificate says cannot break the protocol."""
    decision = decide([claim()], Evidence(session(), known("a\r\n250 ok", "ü")), configuration(), NOW)
    text = str(reply_to(decision, "Q1"))
    assert text.isascii()
    assert text.isprintable()

"""Canary messages: recognised, judged, and never let in."""

from datetime import UTC, datetime

import pytest
from configurations import make_configuration

from domain_secure.milter.proof.canary import DOMAIN, Canaries, passed
from domain_secure.policy.decision.evidence import Session
from domain_secure.policy.decision.reply import Reply
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.tls import TlsVersion

RIGHT, WRONG = Pin.certificate("ab" * 32), Pin.certificate("cd" * 32)
NOW = datetime.now(UTC)


def session(pin: Pin | None, tls: TlsVersion | None = TlsVersion.TLS_1_3) -> Session:
    """Return what Postfix says of a session."""
    return Session(tls, "TLS_AES_256_GCM_SHA384" if tls else None, pin, None, None, None)


def answer(canaries: Canaries, reverse_path: str, of: Session | None) -> Reply | None:
    """Return the answer to a message."""
    return canaries.answer(reverse_path, of, make_configuration(), "4F2C1A0B", NOW)


@pytest.mark.parametrize(
    ("of", "verdict"),
    [
        (session(RIGHT), True),
        (session(WRONG), False),
        (session(None), False),
        (session(None, None), False),
        (None, False),
    ],
)
def test_judged_as_any_message(of: Session | None, verdict: bool) -> None:
    """By the session's own certificate; the reply is a refusal whatever the verdict."""
    canaries = Canaries()
    with canaries.sent(RIGHT) as address:
        reply = answer(canaries, f"<{address}>", of)
    assert reply is not None
    assert str(reply).startswith("550 5.7.1 ")
    assert passed(str(reply)) is verdict


def test_nobody_else_sends_canaries() -> None:
    """An address is one while it is under way, and no longer; others never are."""
    canaries = Canaries()
    with canaries.sent(RIGHT) as address, canaries.sent(RIGHT) as other:
        assert address != other
        assert answer(canaries, f"<any@{DOMAIN}>", session(RIGHT)) is None
        assert answer(canaries, "<>", session(RIGHT)) is None
    assert answer(canaries, f"<{address}>", session(RIGHT)) is None


@pytest.mark.parametrize("reply", ["", "250 Ok", "450 4.1.8 Domain not found", "550 5.7.1 self-proof"])
def test_replies_of_others(reply: str) -> None:
    """Say nothing about our verdict."""
    assert passed(reply) is None


def test_only_a_canary_under_way_is_noticed() -> None:
    """Whoever sends one learns that Postfix told of it; addresses of others and former ones do not count."""
    canaries = Canaries()
    canaries.notice(f"<any@{DOMAIN}>")
    with canaries.sent(RIGHT) as address, canaries.sent(RIGHT) as other:
        canaries.notice("<postmaster@contoso.test>")
        assert canaries.are_under_way
        assert not canaries.is_noticed(address)
        canaries.notice(f"<{address}>")
        assert canaries.is_noticed(address)
        assert not canaries.is_noticed(other)
    assert not canaries.are_under_way
    canaries.notice(f"<{address}>")
    assert not canaries.is_noticed(address)

"""Which domains are proposed for the send list, and on what grounds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain_secure.policy.sending.delivery import (
    Delivery,
    DeliveryStatus,
    FailureReason,
    SessionFailure,
    TlsSession,
    TlsTrust,
)
from domain_secure.policy.sending.send_candidates import DomainNumbers, Readiness, numbers_of, proposed
from domain_secure.policy.terms.domain import Domain, Entry

from unit.policy.sending.test_delivery import MUTUAL, SENT

SINCE = SENT.time - timedelta(days=1)
TRUSTED = replace(MUTUAL, trust=TlsTrust.TRUSTED)
UNTRUSTED = replace(MUTUAL, trust=TlsTrust.UNTRUSTED, client_certificate=False)
OLD = TlsSession(TlsTrust.TRUSTED, "TLSv1.1", "X", client_certificate=None)
WOODGROVE = Domain("woodgrovebank.test")


def sent(tls: TlsSession | None, *, verified: bool = False, domain: str = WOODGROVE) -> Delivery:
    """Return a delivered message."""
    return replace(SENT, tls=tls, verified=verified, domain=Domain(domain), entry=Entry(domain))


def names(numbers: dict[Domain, DomainNumbers], minimum: int = 1) -> list[str]:
    """Return what is proposed."""
    return [one.domain for one in proposed(numbers.values(), minimum, lambda _: False)]


@pytest.mark.parametrize(
    ("deliveries", "readiness"),
    [
        ([sent(MUTUAL, verified=True)] * 2, Readiness.VERIFIED),
        ([sent(MUTUAL, verified=True), sent(TRUSTED)], Readiness.TRUSTED),
        ([sent(TRUSTED), sent(UNTRUSTED)], Readiness.ENCRYPTED),
        ([sent(TRUSTED)] * 99 + [sent(None)], Readiness.NOT_READY),
        ([sent(TRUSTED), sent(OLD)], Readiness.NOT_READY),
        ([sent(replace(TRUSTED, protocol="TLSv9"))], Readiness.NOT_READY),
    ],
)
def test_the_weakest_message_decides(deliveries: list[Delivery], readiness: Readiness) -> None:
    """One in the clear, or over an old TLS, and the domain is not ready."""
    numbers = numbers_of(deliveries, SINCE)
    assert numbers[WOODGROVE].readiness is readiness
    assert names(numbers) == ([] if readiness is Readiness.NOT_READY else [WOODGROVE])


def test_numbers_of_a_domain() -> None:
    """Messages, by kind; failed sessions; servers; what was proved of our certificate."""
    failed = SessionFailure(SENT.time, Entry(WOODGROVE), "Q", "none", FailureReason.EXPIRED, "", ())
    away = replace(failed, reason=FailureReason.UNREACHABLE)
    deferred = replace(sent(TRUSTED), status=DeliveryStatus.DEFERRED)
    (numbers,) = numbers_of(
        [sent(TRUSTED), sent(UNTRUSTED), deferred, failed, away, replace(sent(None), counted=False)], SINCE
    ).values()
    assert (numbers.messages, numbers.trusted, numbers.encrypted, numbers.clear) == (2, 1, 1, 0)
    assert (numbers.asked, numbers.not_asked, numbers.failures) == (1, 1, 1)
    assert (numbers.servers, numbers.last) == ({"mail.woodgrovebank.test"}, SENT.time)


def test_what_is_too_old_does_not_count() -> None:
    """Nor is a domain known that got nothing but failures."""
    old = replace(sent(TRUSTED), time=datetime(2026, 1, 1, tzinfo=UTC))
    failed = SessionFailure(SENT.time, Entry("x.test"), "Q", "none", FailureReason.EXPIRED, "", ())
    assert numbers_of([old, failed], SINCE) == {}


def test_who_is_not_proposed() -> None:
    """Who is listed, who got too little, and who can not be listed: a public suffix."""
    events = [
        sent(TRUSTED, domain=name) for name in ("b.test", "a.test", "a.test", "co.uk", "co.uk", "listed.test")
    ]
    numbers = numbers_of([*events, sent(TRUSTED, domain="listed.test")], SINCE)
    assert [one.domain for one in proposed(numbers.values(), 2, lambda domain: domain == "listed.test")] == [
        "a.test"
    ]
    assert names(numbers) == ["a.test", "listed.test", "b.test"]


def test_a_server_is_one_however_it_is_spelled() -> None:
    """DNS repeats the spelling of the question."""
    spelled = [replace(sent(MUTUAL), relay=f"{name}[192.0.2.1]:25") for name in ("mx.x.test", "MX.X.Test")]
    assert numbers_of(spelled, SINCE)[WOODGROVE].servers == {"mx.x.test"}

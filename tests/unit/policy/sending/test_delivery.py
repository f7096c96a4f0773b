"""The records of outbound mail."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain_secure.policy.sending.delivery import (
    Delivery,
    DeliveryStatus,
    FailureReason,
    TlsSession,
    TlsTrust,
)
from domain_secure.policy.terms.domain import Domain, Entry

MUTUAL = TlsSession(TlsTrust.VERIFIED, "TLSv1.3", "TLS_AES_256_GCM_SHA384", client_certificate=True)
SENT = Delivery(
    time=datetime(2026, 11, 25, 9, tzinfo=UTC),
    entry=Entry("woodgrovebank.test"),
    queue_id="4F2C1A0B",
    domain=Domain("woodgrovebank.test"),
    relay="mail.woodgrovebank.test[198.51.100.20]:25",
    status=DeliveryStatus.SENT,
    dsn="2.0.0",
    reply="250 2.0.0 Ok: queued as 1",
    tls=MUTUAL,
    verified=True,
    counted=True,
    lines=(),
)


@pytest.mark.parametrize("told", [False, None])
def test_mutual_needs_proof(told: bool | None) -> None:
    """A session in which our certificate was not asked for, or that does not tell, is not mutual."""
    assert SENT.is_mutual
    assert not replace(SENT, tls=replace(MUTUAL, client_certificate=told)).is_mutual
    assert not replace(SENT, tls=None).is_mutual
    assert not replace(SENT, verified=False).is_mutual


def test_reasons_that_raise_no_alarm() -> None:
    """A server that is away says nothing about security."""
    assert {reason.word for reason in FailureReason if not reason.is_security} == {
        "unreachable",
        "connection-lost",
        "session-refused",
    }

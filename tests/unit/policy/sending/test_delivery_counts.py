"""What each event of outbound mail adds to the counters."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain_secure.policy.sending.delivery import (
    Delivery,
    DeliveryEvent,
    FailureReason,
    SessionFailure,
    TlsSession,
)
from domain_secure.policy.sending.delivery_counts import CountKey, OutboundCounter, added, counted
from domain_secure.policy.terms.domain import Entry

from unit.policy.sending.test_delivery import MUTUAL, SENT

WOODGROVE = Entry("woodgrovebank.test")
NOT_ASKED = replace(MUTUAL, client_certificate=False)
OLD = replace(MUTUAL, protocol="TLSv1.2", client_certificate=None)


def failure(reason: FailureReason) -> SessionFailure:
    """Return a failed session."""
    return SessionFailure(datetime(2026, 11, 25, tzinfo=UTC), WOODGROVE, "Q", "none", reason, "", ())


def delivery(
    *, verified: bool | None = True, counted: bool = True, tls: TlsSession | None = MUTUAL
) -> Delivery:
    """Return a delivery."""
    return replace(SENT, verified=verified, counted=counted, tls=tls)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (delivery(), {"sent", "mutual"}),
        (delivery(tls=NOT_ASKED), {"sent", "not-asked"}),
        (delivery(tls=OLD), {"sent"}),
        (delivery(tls=None), {"sent"}),
        (delivery(counted=False), set()),
        (delivery(verified=False), {"unverified"}),
        (delivery(verified=None, counted=False), set()),
        (failure(FailureReason.EXPIRED), {"failure"}),
        (failure(FailureReason.UNREACHABLE), {"problem"}),
    ],
)
def test_counters_of_an_event(event: DeliveryEvent, expected: set[str]) -> None:
    """Sent and its parts, or unverified, or a failure; only what is the first of its kind."""
    assert {key.counter.value for key in counted(event)} == expected


def test_sums() -> None:
    """They grow, by entry and reason, and the former ones stay as they were."""
    before = {CountKey(OutboundCounter.SENT, WOODGROVE, ""): 4}
    after = added(before, [delivery(), failure(FailureReason.DANE), failure(FailureReason.DANE)])
    assert after[CountKey(OutboundCounter.SENT, WOODGROVE, "")] == 5
    assert after[CountKey(OutboundCounter.FAILURE, WOODGROVE, "dane")] == 2
    assert before == {CountKey(OutboundCounter.SENT, WOODGROVE, ""): 4}

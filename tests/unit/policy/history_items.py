"""Short ways to what goes into a history."""

from dataclasses import replace
from datetime import datetime, timedelta

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.decision.decision import decide
from domain_secure.policy.decision.evidence import Evidence
from domain_secure.policy.decision.reply import reply_to
from domain_secure.policy.record.decision_record import DecisionRecord
from domain_secure.policy.record.history_item import Count, HistoryItem
from domain_secure.policy.sending.delivery import FailureReason, SessionFailure
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry

from unit.policy.builders import FINGERPRINT, NOW, WOODGROVE, claim, configuration, known, session

FAILED = SessionFailure(
    time=NOW,
    entry=WOODGROVE,
    queue_id="4F2C1A0B",
    relay="mail.woodgrovebank.test[198.51.100.20]:25",
    reason=FailureReason.NAME_MISMATCH,
    detail="Server certificate not verified",
    lines=("4F2C1A0B: to=<bob@woodgrovebank.test>, status=deferred",),
)


def item(
    number: int = 0,
    entry: str = WOODGROVE,
    *,
    good: bool = True,
    time: datetime | None = None,
    direction: Direction = Direction.RECEIVE,
    counted_only: bool = False,
    certificates: tuple[Certificate, ...] = (),
) -> HistoryItem:
    """Return an item, *number* seconds after NOW."""
    outcome = "pass" if good else "no-tls"
    effect = "accept" if good else "reject"
    count = Count(
        Entry(entry),
        outcome,
        effect,
        good,
        "pkix" if good else "",
        "TLSv1.3",
        "why",
        FINGERPRINT if good else None,
    )
    return HistoryItem(
        time or NOW + timedelta(seconds=number),
        direction,
        "decision",
        f"Q{number}",
        outcome,
        (count,),
        None if counted_only else {"number": number},
        certificates,
    )


def record(name: str = "mail.woodgrovebank.test", queue_id: str = "Q1") -> DecisionRecord:
    """Return the record of a message whose certificate is for *name*."""
    evidence = Evidence(session(), known(name))
    decision = replace(decide([claim()], evidence, configuration(), NOW), evidence=evidence)
    return DecisionRecord(NOW, queue_id, "192.0.2.7", "41034", decision, reply_to(decision, queue_id), 0.0021)

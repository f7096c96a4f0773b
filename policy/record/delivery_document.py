"""What became of outbound mail as JSON documents, and as what the history counts.

Owns: the keys, which ``log show --json`` prints: a changed key is an incompatible change.
Invariant: no local part of an address, whatever Postfix's lines and the servers' replies hold.
"""

from typing import Any

from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.sending.delivery import Delivery, DeliveryStatus, SessionFailure
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.printable import without_local_parts

from .history_item import Count, HistoryItem

DELIVERY = "delivery"
FAILURE = "session-failure"
MUTUAL, VERIFIED, UNVERIFIED = "mutual", "verified", "unverified"
_LONGEST_LINE = 1000


def delivery_item(delivery: Delivery, level: LogLevel) -> HistoryItem:
    """Return what the history keeps of a delivery; repetitions of one message are not counted."""
    is_sent = delivery.status is DeliveryStatus.SENT
    count = Count(
        entry=delivery.entry,
        outcome=str(delivery.status),
        effect=str(delivery.status),
        is_success=delivery.verified if is_sent else None,
        method=proof_of(delivery) if is_sent else "",
        tls=delivery.tls.protocol if delivery.tls else "",
        detail=shown(delivery.reply),
    )
    return HistoryItem(
        time=delivery.time,
        direction=Direction.SEND,
        kind=DELIVERY,
        queue_id=delivery.queue_id,
        outcome=str(delivery.status),
        counts=(count,),
        document=None if level is LogLevel.OFF else _delivery_document(delivery, level),
        is_counted=delivery.counted or not is_sent,
    )


def failure_item(failure: SessionFailure, level: LogLevel) -> HistoryItem:
    """Return what the history keeps of a session that came to nothing."""
    count = Count(
        entry=failure.entry,
        outcome=failure.reason.word,
        effect="failed",
        is_success=False,
        detail=shown(failure.detail),
    )
    return HistoryItem(
        time=failure.time,
        direction=Direction.SEND,
        kind=FAILURE,
        queue_id=failure.queue_id,
        outcome=failure.reason.word,
        counts=(count,),
        document=None if level is LogLevel.OFF else _failure_document(failure, level),
    )


def proof_of(delivery: Delivery) -> str:
    """Return what the session of a delivery proved."""
    if delivery.is_mutual:
        return MUTUAL
    return VERIFIED if delivery.verified else UNVERIFIED


def shown(text: str) -> str:
    """Return a stranger's words as they may be shown and kept."""
    return without_local_parts(text)[:_LONGEST_LINE]


def _delivery_document(delivery: Delivery, level: LogLevel) -> dict[str, Any]:
    tls = delivery.tls
    return {
        "time": delivery.time.isoformat(timespec="milliseconds"),
        "direction": str(Direction.SEND),
        "kind": DELIVERY,
        "queue_id": delivery.queue_id,
        "domain": delivery.entry,
        "recipient_domain": delivery.domain,
        "relay": delivery.relay,
        "status": str(delivery.status),
        "dsn": delivery.dsn,
        "reply": shown(delivery.reply),
        "verified": delivery.verified,
        "unverified": str(delivery.unverified) if delivery.unverified else None,
        "mutual": delivery.is_mutual,
        "tls": {
            "trust": str(tls.trust),
            "protocol": tls.protocol,
            "cipher": tls.cipher,
            "client_certificate": tls.client_certificate,
        }
        if tls
        else None,
    } | _lines(delivery.lines, level)


def _failure_document(failure: SessionFailure, level: LogLevel) -> dict[str, Any]:
    return {
        "time": failure.time.isoformat(timespec="milliseconds"),
        "direction": str(Direction.SEND),
        "kind": FAILURE,
        "queue_id": failure.queue_id,
        "domain": failure.entry,
        "relay": failure.relay,
        "reason": failure.reason.word,
        "security": failure.reason.is_security,
        "detail": shown(failure.detail),
    } | _lines(failure.lines, level)


def _lines(lines: tuple[str, ...], level: LogLevel) -> dict[str, Any]:
    return {"lines": [shown(line) for line in lines]} if level is LogLevel.VERBOSE else {}

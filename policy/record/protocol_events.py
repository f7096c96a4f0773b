"""The lines of the protocol log: decisions, deliveries, and the reasoning behind them.

A part of the log catalogue (``events``): a changed line is an incompatible change.
Invariant: no content of a message, no local part of an address.
"""

import logging

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certificate_document import certificate_document
from domain_secure.policy.decision.decision import Decision, Finding
from domain_secure.policy.decision.verdict import Effect
from domain_secure.policy.sending.delivery import Delivery, DeliveryStatus, SessionFailure
from domain_secure.policy.sending.promised_route import Unverified
from domain_secure.policy.terms.event import Event

from .decision_document import mode_of
from .decision_record import DecisionRecord
from .delivery_document import proof_of, shown

_SHOWN_CERTIFICATES = 4


def decided(decision: Decision, finding: Finding, *, queue_id: str, client: str, reply: str | None) -> Event:
    """Return the canonical line about one claimed domain of one message."""
    session = decision.session
    level = logging.INFO if decision.effect in {Effect.NONE, Effect.ACCEPT} else logging.WARNING
    return Event.of(
        level,
        "decision",
        verdict=finding.verdict.word,
        domain=finding.claim.entry,
        claimed=finding.claim.domain,
        claimed_in=finding.claim.source,
        method=finding.method,
        effect=decision.effect,
        mode=mode_of(finding),
        queue_id=queue_id,
        client=client,
        tls=session.tls_version if session else None,
        certificate=session.certificate_pin if session else None,
        detail=finding.detail,
        reply=reply,
    )


def decisions(record: DecisionRecord) -> tuple[Event, ...]:
    """Return the canonical lines about one message."""
    return tuple(
        decided(
            record.decision,
            finding,
            queue_id=record.queue_id,
            client=record.client,
            reply=str(record.reply) if record.reply else None,
        )
        for finding in record.decision.findings
    )


def delivered(delivery: Delivery) -> Event:
    """Return the canonical line about one delivery to a listed domain."""
    is_good = delivery.status is DeliveryStatus.SENT and delivery.verified
    return Event.of(
        logging.INFO if is_good else logging.WARNING,
        "delivery",
        status=delivery.status,
        domain=delivery.entry,
        recipient_domain=delivery.domain,
        proof=proof_of(delivery),
        queue_id=delivery.queue_id,
        relay=delivery.relay,
        tls=delivery.tls.protocol if delivery.tls else None,
        cipher=delivery.tls.cipher if delivery.tls else None,
        dsn=delivery.dsn,
        reply=shown(delivery.reply),
        **({"bypass": "yes"} if delivery.unverified is Unverified.BYPASS else {}),
    )


def session_failed(failure: SessionFailure) -> Event:
    """Return the canonical line about one session with a listed domain that came to nothing."""
    return Event.of(
        logging.WARNING,
        "session-failure",
        reason=failure.reason.word,
        domain=failure.entry,
        security="yes" if failure.reason.is_security else "no",
        queue_id=failure.queue_id,
        relay=failure.relay,
        detail=shown(failure.detail),
    )


def postfix_lines(record: Delivery | SessionFailure) -> tuple[Event, ...]:
    """Return what Postfix said of one delivery, for the verbose protocol log."""
    return tuple(
        Event.of(logging.INFO, "postfix", queue_id=record.queue_id, domain=record.entry, line=shown(line))
        for line in record.lines
    )


def reasoning(record: DecisionRecord) -> tuple[Event, ...]:
    """Return the lines of the verbose protocol log: the evidence, each certificate, each method tried."""
    known = record.decision.evidence.known_certificate if record.decision.evidence else None
    chain = (known.certificate, *known.intermediates) if known else ()
    certificates = [
        certificate_shown(one, queue_id=record.queue_id, number=number)
        for number, one in enumerate(chain[:_SHOWN_CERTIFICATES], 1)
    ]
    attempts = [
        event
        for finding in record.decision.findings
        for event in attempted(finding, queue_id=record.queue_id)
    ]
    return (evidence_seen(record), *certificates, *attempts)


def evidence_seen(record: DecisionRecord) -> Event:
    """Return the line for what a decision rests on, and how long it took."""
    evidence = record.decision.evidence
    session = evidence.session if evidence else record.session
    known = evidence.known_certificate if evidence else None
    return Event.of(
        logging.INFO,
        "evidence",
        queue_id=record.queue_id,
        client=record.client,
        tls=session.tls_version if session else None,
        cipher=session.cipher if session else None,
        certificate=session.certificate_pin if session else None,
        public_key=session.public_key_pin if session else None,
        path=known.path.outcome if known else None,
        path_detail=known.path.detail if known else None,
        revocation=known.revocation if known else None,
        revocation_detail=(known.revocation_detail or None) if known else None,
        milliseconds=f"{record.seconds * 1000:.1f}",
    )


def certificate_shown(certificate: Certificate, *, queue_id: str, number: int) -> Event:
    """Return the line for one certificate of a chain, the peer's own being number 1."""
    shown = certificate_document(certificate)
    return Event.of(
        logging.INFO,
        "certificate",
        queue_id=queue_id,
        number=number,
        subject=shown["subject"],
        issuer=shown["issuer"],
        names=",".join(shown["names"]) or None,
        not_before=shown["not_before"],
        not_after=shown["not_after"],
        certificate=shown["certificate"],
        public_key=shown["public_key"],
    )


def attempted(finding: Finding, *, queue_id: str) -> tuple[Event, ...]:
    """Return a line for each method tried, for the verbose protocol log."""
    return tuple(
        Event.of(
            logging.INFO,
            "attempt",
            queue_id=queue_id,
            domain=finding.claim.entry,
            method=attempt.method,
            verdict=attempt.verdict.word,
            detail=attempt.detail,
        )
        for attempt in finding.attempts
    )

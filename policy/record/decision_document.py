"""A decision as a JSON document, and back as far as it is needed to take it again.

Owns: the keys, which ``log show --json`` prints: a changed key is an incompatible change.
Must not know: where documents are kept.
Invariant: claims, session, certificate, signatures and what DNS said come back as they went in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certificate_document import certificate_document
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaRecord
from domain_secure.policy.decision.decision import Decision, Finding
from domain_secure.policy.decision.evidence import KnownCertificate, Session
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.dkim.message_signature import MessageSignature, SignatureStatus
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.tls import TlsVersion

from .decision_record import DecisionRecord
from .history_item import Count, HistoryItem

KIND = "decision"
BYPASS = "bypass"  #: the mode of what a bypass let through


def history_item(record: DecisionRecord, level: LogLevel) -> HistoryItem:
    """Return what the history keeps of a decision; counts alone where the protocol log is off."""
    decision, evidence = record.decision, record.decision.evidence
    known = evidence.known_certificate if evidence else None
    return HistoryItem(
        time=record.time,
        direction=Direction.RECEIVE,
        kind=KIND,
        queue_id=record.queue_id,
        outcome=decision.verdict.word,
        counts=_counts(record),
        document=None if level is LogLevel.OFF else decision_document(record, level),
        certificates=(known.certificate, *known.intermediates) if known else (),
    )


def decision_document(record: DecisionRecord, level: LogLevel) -> dict[str, Any]:
    """Return the document, with the whole reasoning in it where the protocol log is verbose."""
    decision, evidence = record.decision, record.decision.evidence
    known = evidence.known_certificate if evidence else None
    verbose = level is LogLevel.VERBOSE
    document: dict[str, Any] = {
        "time": record.time.isoformat(timespec="milliseconds"),
        "direction": str(Direction.RECEIVE),
        "kind": KIND,
        "queue_id": record.queue_id,
        "client": {"address": record.client_address, "port": record.client_port},
        "verdict": decision.verdict.word,
        "effect": str(decision.effect),
        "reply": str(record.reply) if record.reply else None,
        "seconds": round(record.seconds, 6),
        "session": _session_document(evidence.session if evidence else record.session),
        "known_certificate": _known_document(known) if known else None,
        "tlsa": None if evidence is None or evidence.tlsa is None else _tlsa_document(evidence.tlsa),
        "signatures": _signatures_document(evidence.signatures if evidence else None),
        "findings": [
            _finding_document(finding, verbose=verbose)
            | {"attribution": record.attributions.get(finding.claim.entry)}
            for finding in decision.findings
        ],
    }
    if verbose and known:
        document["certificates"] = [
            certificate_document(one) for one in (known.certificate, *known.intermediates)
        ]
    return document


@dataclass(frozen=True, slots=True)
class RecordedEvidence:
    """What a document says of the message it is about; None always means: not asked for."""

    time: datetime
    client_address: str
    claims: tuple[Claim, ...]
    session: Session | None
    chain: tuple[Pin, ...]  #: the fingerprints of the known certificate and what may lead to its authorities
    was_certificate_unknown: bool  #: it was asked for, and nobody knew it
    revocation: RevocationStatus | None  #: None: nobody looked into it
    revocation_detail: str
    tlsa: Mapping[Entry, TlsaAnswer] | None
    signatures: tuple[MessageSignature, ...] | None
    is_authenticated: bool  #: by SASL
    verdict: Verdict
    effect: Effect


def recorded_evidence(document: Mapping[str, Any]) -> RecordedEvidence:
    """Return what a document says; raises KeyError, TypeError or ValueError where it is not one of ours."""
    known = document["known_certificate"]
    tlsa = document["tlsa"]
    signatures = document.get("signatures")
    findings = document["findings"]
    return RecordedEvidence(
        time=datetime.fromisoformat(document["time"]).astimezone(UTC),
        client_address=document["client"]["address"],
        claims=tuple(
            Claim(Entry(one["domain"]), Domain(one["claimed"]), one["claimed_in"]) for one in findings
        ),
        session=_session(document["session"]),
        chain=tuple(map(Pin.parse, known["chain"])) if known else (),
        was_certificate_unknown=any(one["verdict"] == _UNKNOWN for one in findings),
        revocation=_revocation(known),
        revocation_detail=known["revocation_detail"] if known else "",
        tlsa=None if tlsa is None else {Entry(entry): _tlsa_answer(one) for entry, one in tlsa.items()},
        signatures=None if signatures is None else tuple(map(_signature, signatures)),
        is_authenticated=any(one["detail"] == AUTHENTICATED for one in findings),
        verdict=_VERDICTS[document["verdict"]],
        effect=Effect(document["effect"]),
    )


#: Why a client that logged in is exempt; recorded as the detail of its findings.
AUTHENTICATED = "the client logged in"
_UNKNOWN = Verdict.UNKNOWN_CERTIFICATE.word
_ORDER = tuple(Verdict)
_VERDICTS = {verdict.word: verdict for verdict in Verdict}


def _counts(record: DecisionRecord) -> tuple[Count, ...]:
    decision, session = record.decision, record.session
    return tuple(
        Count(
            entry=finding.claim.entry,
            outcome=finding.verdict.word,
            effect=str(decision.effect),
            is_success=None if finding.verdict is Verdict.EXEMPT else finding.verdict is Verdict.PASS,
            method=finding.method or "",
            tls=str(session.tls_version) if session and session.tls_version else "",
            detail=finding.detail,
            certificate=session.certificate_pin if session else None,
            attribution=record.attributions.get(finding.claim.entry),
            client=record.client_address,
        )
        for finding in _one_an_entry(decision)
    )


def _one_an_entry(decision: Decision) -> tuple[Finding, ...]:
    """Return one finding for each list entry, the gravest: two hosts of one partner are one message."""
    gravest: dict[Entry, Finding] = {}
    for finding in decision.findings:
        former = gravest.get(finding.claim.entry)
        if former is None or _ORDER.index(former.verdict) < _ORDER.index(finding.verdict):
            gravest[finding.claim.entry] = finding
    return tuple(gravest.values())


def _finding_document(finding: Finding, *, verbose: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "domain": finding.claim.entry,
        "claimed": finding.claim.domain,
        "claimed_in": finding.claim.source,
        "verdict": finding.verdict.word,
        "method": finding.method,
        "mode": mode_of(finding),
        "detail": finding.detail,
    }
    if verbose:
        document["attempts"] = [
            {"method": str(attempt.method), "verdict": attempt.verdict.word, "detail": attempt.detail}
            for attempt in finding.attempts
        ]
    return document


def mode_of(finding: Finding) -> str:
    """Return the word for how a finding was acted upon: ``enforce``, ``observe`` or ``bypass``."""
    return BYPASS if finding.is_bypassed else str(finding.partner.mode)


def _session_document(session: Session | None) -> dict[str, Any] | None:
    if session is None:
        return None
    return {
        "tls": str(session.tls_version) if session.tls_version else None,
        "cipher": session.cipher,
        "certificate": str(session.certificate_pin) if session.certificate_pin else None,
        "public_key": str(session.public_key_pin) if session.public_key_pin else None,
        "trusted_subject": session.trusted_subject,
        "trusted_issuer": session.trusted_issuer,
    }


def _session(document: Mapping[str, Any] | None) -> Session | None:
    if document is None:
        return None
    return Session(
        tls_version=TlsVersion.parse(document["tls"]) if document["tls"] else None,
        cipher=document["cipher"],
        certificate_pin=Pin.parse(document["certificate"]) if document["certificate"] else None,
        public_key_pin=Pin.parse(document["public_key"]) if document["public_key"] else None,
        trusted_subject=document["trusted_subject"],
        trusted_issuer=document["trusted_issuer"],
    )


def _known_document(known: KnownCertificate) -> dict[str, Any]:
    chain: tuple[Certificate, ...] = (known.certificate, *known.intermediates)
    return {
        "chain": [str(certificate.certificate_pin) for certificate in chain],
        "path": str(known.path.outcome),
        "path_detail": known.path.detail,
        "revocation": str(known.revocation),
        "revocation_detail": known.revocation_detail,
    }


def _revocation(known: Mapping[str, Any] | None) -> RevocationStatus | None:
    """Return what was known; whoever looks into it says something, so that nothing said means not looked."""
    if known is None:
        return None
    status = RevocationStatus(known["revocation"])
    return status if status is not RevocationStatus.UNKNOWN or known["revocation_detail"] else None


def _tlsa_document(tlsa: Mapping[Entry, TlsaAnswer]) -> dict[str, Any]:
    return {
        entry: {
            "records": [
                [int(one.usage), int(one.selector), int(one.matching), one.data.hex()]
                for one in sorted(answer.records)
            ],
            "failures": list(answer.failures),
        }
        for entry, answer in tlsa.items()
    }


def _tlsa_answer(document: Mapping[str, Any]) -> TlsaAnswer:
    records = [
        TlsaRecord.of(usage, selector, matching, bytes.fromhex(data))
        for usage, selector, matching, data in document["records"]
    ]
    return TlsaAnswer(frozenset(one for one in records if one), tuple(document["failures"]))


def _signatures_document(signatures: tuple[MessageSignature, ...] | None) -> list[dict[str, Any]] | None:
    if signatures is None:
        return None
    return [
        {
            "domain": one.domain,
            "selector": one.selector,
            "status": str(one.status),
            "detail": one.detail,
            "uncovered": sorted(one.uncovered),
        }
        for one in signatures
    ]


def _signature(document: Mapping[str, Any]) -> MessageSignature:
    return MessageSignature(
        Domain(document["domain"]),
        document["selector"],
        SignatureStatus(document["status"]),
        document["detail"],
        frozenset(document["uncovered"]),
    )

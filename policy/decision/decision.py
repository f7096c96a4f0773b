"""Judge one message: which listed domains does it claim, and did its session prove to be each of them.

Owns: the order in which evidence is weighed, and the words both administrators read.
Must not know: sockets, milter codes, Postfix commands, files, clocks, loggers.

Invariant: PASS needs one method of the partner to say so, and each of its conditions; everything else,
evidence this module does not understand included, ends in a failure.  Where a method cannot know yet and none
passes, the verdict is temporary: the message may still turn out good.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.configuration.configuration import (
    Condition,
    Configuration,
    Method,
    Mode,
    OnFailure,
    Partner,
)
from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.dkim.message_signature import MessageSignature
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Domain, Entry

from .channel import NO_EVIDENCE, judge_channel
from .conditions import attempt_on
from .evidence import Evidence, KnownCertificate, Proof, Session
from .kept_decisions import keep, kept_decision
from .methods import Attempt, attempt_by
from .verdict import Effect, Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict about one claimed domain, with the facts it rests on."""

    claim: Claim
    partner: Partner
    verdict: Verdict
    detail: str  #: one clause that the partner's administrator can act on
    method: Method | None  #: the method that passed
    attempts: tuple[Attempt, ...]
    effect: Effect  #: what this finding alone would do
    is_bypassed: bool = False  #: it would be refused or deferred, and a bypass lets it in


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict about a message: enough to reply, mark, log, count and explain."""

    verdict: Verdict
    effect: Effect
    findings: tuple[Finding, ...]
    session: Session | None
    evidence: Evidence | None = None  #: all it rests on, to take it again; None: nothing was asked

    @property
    def deciding(self) -> Finding | None:
        """Return the finding that speaks for the message: strongest effect first, then gravest verdict."""
        return max(self.findings, key=_weight, default=None)

    @property
    def method(self) -> Method | None:
        """Return the method that passed, of the deciding finding."""
        finding = self.deciding
        return finding.method if finding else None


_EFFECT_ORDER = (Effect.NONE, Effect.ACCEPT, Effect.DEFER, Effect.REJECT)
_VERDICT_ORDER = tuple(Verdict)


def _weight(finding: Finding) -> tuple[int, int]:
    return _EFFECT_ORDER.index(finding.effect), _VERDICT_ORDER.index(finding.verdict)


NOT_LISTED = Decision(Verdict.NONE, Effect.NONE, (), None)


def exempted(claims: Iterable[Claim], configuration: Configuration, why: str) -> Decision:
    """Return the decision for a session that is never refused and never marked as passed."""
    findings = tuple(
        Finding(claim, configuration.partner(claim.entry), Verdict.EXEMPT, why, None, (), Effect.NONE)
        for claim in _by_domain(claims)
    )
    return Decision(Verdict.EXEMPT, Effect.NONE, findings, None) if findings else NOT_LISTED


def decide(
    claims: Iterable[Claim], evidence: Evidence, configuration: Configuration, now: datetime
) -> Decision:
    """Return the verdict on a message that makes *claims*; same arguments, same answer.

    *now* is an aware datetime: certificates are judged at the time of the message.
    """
    if not (claimed := frozenset(claims)):
        return NOT_LISTED
    return kept_decision(claimed, evidence, configuration, now) or keep(
        decide_anew(claimed, evidence, configuration, now), claimed, evidence, configuration
    )


def decide_anew(
    claims: Iterable[Claim], evidence: Evidence, configuration: Configuration, now: datetime
) -> Decision:
    """Return what `decide` does, whatever was decided before."""
    findings = tuple(_judge(claim, evidence, configuration, now) for claim in _by_domain(claims))
    return _decision(findings, evidence.session)


def decide_about_session(
    claims: Iterable[Claim], evidence: Evidence, configuration: Configuration, now: datetime
) -> Decision:
    """Return the verdict on a session alone, for when there is no message: conditions are told, not asked."""
    findings = decide(claims, evidence, configuration, now).findings
    return _decision(
        tuple(_without_conditions(finding, configuration) for finding in findings), evidence.session
    )


@dataclass(frozen=True, slots=True)
class Inquiries:
    """What gives further evidence; each is called at most once for a message, and may wait.

    certificate: the certificate's content, or None where nobody knows it.
    tlsa: what DNS says of the TLSA records of list entries.
    signatures: the message's DKIM signatures, checked; None where the message was not seen.
    """

    certificate: Callable[[tuple[Entry, ...]], KnownCertificate | None]
    tlsa: Callable[[tuple[Entry, ...]], Mapping[Entry, TlsaAnswer]]
    signatures: Callable[[], tuple[MessageSignature, ...] | None]
    known_time: datetime | None = None  #: has certainly been, whatever the clock says


def decide_with(
    inquiries: Inquiries,
    claims: Iterable[Claim],
    session: Session | None,
    configuration: Configuration,
    now: datetime,
) -> Decision:
    """Decide, and ask for further evidence only where the verdict hangs on it."""
    claims = frozenset(claims)
    evidence = Evidence(session, None, known_time=inquiries.known_time)
    is_certificate_asked = is_signature_asked = False
    while (decision := decide(claims, evidence, configuration, now)).verdict is not Verdict.PASS:
        if not is_certificate_asked and (entries := _entries_of(decision, _hangs_on_certificate)):
            is_certificate_asked = True
            evidence = replace(evidence, known_certificate=inquiries.certificate(entries))
        elif evidence.tlsa is None and (entries := _entries_of(decision, _hangs_on_tlsa)):
            evidence = replace(evidence, tlsa=inquiries.tlsa(entries))
        elif not is_signature_asked and any(map(_hangs_on_signatures, decision.findings)):
            is_signature_asked = True
            evidence = replace(evidence, signatures=inquiries.signatures())
        else:
            break
    return Decision(decision.verdict, decision.effect, decision.findings, decision.session, evidence)


def _entries_of(decision: Decision, hangs: Callable[[Finding], bool]) -> tuple[Entry, ...]:
    return tuple(dict.fromkeys(finding.claim.entry for finding in decision.findings if hangs(finding)))


def _hangs_on_certificate(finding: Finding) -> bool:
    unknown = (one.verdict is Verdict.UNKNOWN_CERTIFICATE for one in finding.attempts)
    return finding.verdict is not Verdict.PASS and any(unknown)


def _hangs_on_tlsa(finding: Finding) -> bool:
    if finding.verdict is Verdict.DISTRUSTED and not finding.attempts:  # the certificate itself
        return False
    return finding.verdict not in _BEYOND_CERTIFICATES and Method.DANE in finding.partner.methods


def _hangs_on_signatures(finding: Finding) -> bool:
    """Tell whether the session proved to be the partner, which is not enough for this one."""
    conditions = finding.partner.require
    return any(
        attempt.method in conditions and attempt.verdict is not Verdict.PASS for attempt in finding.attempts
    )


def undecidable(claims: Iterable[Claim], configuration: Configuration) -> Decision:
    """Return the decision for when our own code failed: temporary for listed domains only."""
    detail = "a fault on the receiving side prevented the check; please retry"
    outcome = _Outcome(Verdict.INTERNAL_ERROR, detail)
    findings = tuple(
        _finding(claim, configuration.partner(claim.entry), configuration, outcome)
        for claim in _by_domain(claims)
    )
    return _decision(findings, None)


def _by_domain(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Return one claim a domain, which names every place it is made in."""
    sources: dict[tuple[Entry, Domain], set[str]] = {}
    for claim in claims:
        sources.setdefault((claim.entry, claim.domain), set()).add(claim.source)
    return tuple(
        Claim(entry, domain, ",".join(sorted(places))) for (entry, domain), places in sorted(sources.items())
    )


def _decision(findings: tuple[Finding, ...], session: Session | None) -> Decision:
    if not findings:
        return NOT_LISTED
    deciding = max(findings, key=_weight)
    return Decision(deciding.verdict, deciding.effect, findings, session)


class _Outcome(NamedTuple):
    verdict: Verdict
    detail: str
    attempts: tuple[Attempt, ...] = ()

    @property
    def method(self) -> Method | None:
        """Return the method that passed, if the message does; conditions stand behind it."""
        passed = (one.method for one in self.attempts if one.verdict is self.verdict is Verdict.PASS)
        return next((method for method in passed if isinstance(method, Method)), None)


def _finding(
    claim: Claim,
    partner: Partner,
    configuration: Configuration,
    outcome: _Outcome,
    now: datetime | None = None,
) -> Finding:
    """Return what follows of an *outcome*; without *now* no bypass is known to be in force."""
    on_failure = OnFailure.TAG if partner.mode is Mode.OBSERVE else configuration.on_failure
    effect = outcome.verdict.effect(on_failure)
    is_bypassed = (
        effect in {Effect.DEFER, Effect.REJECT}
        and now is not None
        and configuration.bypass(claim.entry, Direction.RECEIVE, now) is not None
    )
    return Finding(
        claim,
        partner,
        outcome.verdict,
        outcome.detail,
        outcome.method,
        outcome.attempts,
        Effect.ACCEPT if is_bypassed else effect,
        is_bypassed,
    )


def _judge(claim: Claim, evidence: Evidence, configuration: Configuration, now: datetime) -> Finding:
    partner = configuration.partner(claim.entry)
    tlsa = None if evidence.tlsa is None else evidence.tlsa.get(claim.entry)
    outcome = _outcome(partner, evidence, tlsa, configuration, now)
    if outcome.verdict is Verdict.PASS:
        outcome = _with_conditions(outcome, claim, partner, evidence)
    # A clock that was set back makes no bypass longer.
    latest = max(now, evidence.known_time) if evidence.known_time else now
    return _finding(claim, partner, configuration, outcome, latest)


def _with_conditions(outcome: _Outcome, claim: Claim, partner: Partner, evidence: Evidence) -> _Outcome:
    """Return the outcome for a session that passed, once the message meets what else is required."""
    for condition in partner.require:
        attempt = attempt_on(condition, claim, evidence.signatures)
        attempts = (*outcome.attempts, attempt)
        if attempt.verdict is not Verdict.PASS:
            return _Outcome(attempt.verdict, attempt.detail, attempts)
        outcome = _Outcome(Verdict.PASS, f"{outcome.detail}; {attempt.detail}", attempts)
    return outcome


def _without_conditions(finding: Finding, configuration: Configuration) -> Finding:
    asked = tuple(one for one in finding.attempts if one.method not in finding.partner.require)
    passed = next((one for one in asked if one.verdict is Verdict.PASS), None)
    if passed is None or not finding.partner.require:
        return finding
    besides = " and ".join(_BESIDES[condition] for condition in finding.partner.require)
    told = f"{passed.detail}; each message needs {besides} as well"
    return _finding(finding.claim, finding.partner, configuration, _Outcome(Verdict.PASS, told, asked))


_BESIDES = {Condition.DKIM: "a DKIM signature of its author's domain"}


def _outcome(
    partner: Partner,
    evidence: Evidence,
    tlsa: TlsaAnswer | None,
    configuration: Configuration,
    now: datetime,
) -> _Outcome:
    session = evidence.session
    channel = judge_channel(session, partner)
    if session is None or channel is not None:
        return _Outcome(*(channel or (Verdict.NO_EVIDENCE, NO_EVIDENCE)))
    for pin in sorted(session.pins & configuration.trust.distrusted):
        return _Outcome(Verdict.DISTRUSTED, f"the receiving side distrusts this certificate ({pin})")
    proof = Proof(session, evidence.known_certificate, tlsa, evidence.known_time)
    attempts: list[Attempt] = []
    for method in partner.methods:
        if (attempt := attempt_by(method, proof, partner, configuration, now)) is None:
            continue
        attempts.append(attempt)
        if attempt.verdict is Verdict.PASS:
            return _Outcome(Verdict.PASS, attempt.detail, tuple(attempts))
    return _Outcome(*_of_failed(attempts), tuple(attempts))


#: Verdicts that no certificate changes.
_BEYOND_CERTIFICATES = frozenset(
    {
        Verdict.PASS,
        Verdict.NO_SIGNATURE,
        Verdict.NO_EVIDENCE,
        Verdict.NO_TLS,
        Verdict.WEAK_TLS,
        Verdict.NO_CERTIFICATE,
    }
)


def _of_failed(attempts: list[Attempt]) -> tuple[Verdict, str]:
    """Return the verdict when no method passed.

    What may still change wins over what is certain, and of that what was said to be distrusted; of the other
    certain ones the last method speaks, because the methods stand in the order of preference and the last
    says most about the certificate itself.
    """
    for attempt in attempts:
        if attempt.verdict.is_temporary:
            return attempt.verdict, attempt.detail
    if attempts:
        last = next((one for one in attempts if one.verdict is Verdict.DISTRUSTED), attempts[-1])
        return last.verdict, last.detail
    # No fault of the partner's: pins without a pin, DANE without a TLSA record.
    return (
        Verdict.NOT_SET_UP,
        "no way to authenticate this domain is set up on the receiving side yet; please retry",
    )

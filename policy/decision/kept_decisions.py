"""Decisions that were taken before, for as long as the same evidence leads to them.

Owns: which decisions may be kept, what must be the same again, and between which times they do not change.
Must not know: how a decision is taken.

A decision follows from its arguments alone, and these are frozen.  So what is kept is not what is believed
of a certificate: it is found again only by the very certificate, path, revocation and session it was taken
on, and is held by the snapshot of the configuration that it was taken by, which it does not outlive.  What
else it may hang on is the time.  Kept is therefore only what the clock cannot change, and what it cannot
change while every certificate of the path is valid.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.configuration.configuration import Configuration, Method

from .evidence import Evidence, KnownCertificate, Session
from .verdict import Verdict

if TYPE_CHECKING:  # it knows us
    from .decision import Decision

# Partners have a handful each.  A stranger who shows ever new certificates has them decided anew, no more.
_MOST = 2048

_ALWAYS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_PASSED = Method.PKIX, Verdict.PASS  #: by a path, while that is valid
#: What else was found without looking at the time, at DNS or at the message itself.
_TIMELESS = frozenset(
    {
        (Method.PIN, Verdict.PASS),
        (Method.PIN, Verdict.UNTRUSTED),
        (Method.PKIX, Verdict.UNKNOWN_CERTIFICATE),
        (Method.POSTFIX, Verdict.PASS),
    }
)


class _Kept(NamedTuple):
    decision: "Decision"
    session: Session
    known: KnownCertificate | None
    since: datetime
    until: datetime


def kept_decision(
    claims: frozenset[Claim], evidence: Evidence, configuration: Configuration, now: datetime
) -> "Decision | None":
    """Return the decision that was taken on these arguments and holds at *now*, or None."""
    session, known, known_time = evidence.session, evidence.known_certificate, evidence.known_time
    if session is None or session.certificate_pin is None:
        return None
    kept: _Kept | None = configuration.kept.get((claims, session.certificate_pin.digest, known is None))
    if kept is None or evidence.tlsa is not None:
        return None
    decision, its_session, its_known, since, until = kept
    if (
        (its_session is session or its_session == session)
        and (its_known is known or _is_same(its_known, known))
        and since <= now <= until
        and (known_time is None or known_time <= until)
    ):
        return decision
    return None


def keep(
    decision: "Decision", claims: frozenset[Claim], evidence: Evidence, configuration: Configuration
) -> "Decision":
    """Return a decision that was just taken on these arguments; it is kept where that is safe."""
    session, known, kept = evidence.session, evidence.known_certificate, configuration.kept
    if session is None or session.certificate_pin is None or evidence.tlsa is not None:
        return decision
    times = _steady_times(decision, known, has_bypasses=bool(configuration.bypasses))
    if times is not None:
        if len(kept) >= _MOST:
            kept.clear()
        kept[claims, session.certificate_pin.digest, known is None] = _Kept(decision, session, known, *times)
    return decision


def _steady_times(
    decision: "Decision", known: KnownCertificate | None, *, has_bypasses: bool
) -> tuple[datetime, datetime] | None:
    """Return the first and the last time at which the decision is this one; None: not to be kept.

    A bypass ends by the clock, and stands for a message that would not get in.
    """
    times = _ALWAYS
    for finding in decision.findings:
        if has_bypasses and finding.verdict is not Verdict.PASS:
            return None
        for attempt in finding.attempts:
            found = attempt.method, attempt.verdict
            if found == _PASSED and known is not None:
                times = known.path.not_before, known.path.not_after
            elif found not in _TIMELESS:
                return None
    return times


def _is_same(known: KnownCertificate | None, other: KnownCertificate | None) -> bool:
    """Tell whether two say the same of one certificate, path and all; what was judged anew is another."""
    return (
        known is not None
        and other is not None
        and known.certificate is other.certificate
        and known.path is other.path
        and known.intermediates is other.intermediates
        and known.revocation is other.revocation
        and known.revocation_detail == other.revocation_detail
    )

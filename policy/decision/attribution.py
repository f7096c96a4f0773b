"""Whose message was it that did not prove to be the partner's: the partner's own, or a stranger's forgery?

Owns: what makes an unproved message the partner's.
Must not know: how it is remembered who a partner is, what is done about the answer.
Invariant: no message passes or fails by this.  What we could not see is not called a forgery: somebody's mail
may be held up by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.claims.claims import ENVELOPE
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.names import any_name_matches
from domain_secure.policy.terms.pin import Pin

from .decision import Decision, Finding
from .evidence import KnownCertificate, Session
from .verdict import Effect, Verdict


@unique
class Attribution(StrEnum):
    """Whose message it was."""

    PARTNER = "partner"  #: somebody's mail does not get through: look into it
    STRANGER = "stranger"  #: a forgery: the product at work


@dataclass(frozen=True, slots=True)
class Familiarity:
    """What one partner is known by: from messages that passed, and from what an administrator gave us."""

    certificates: frozenset[Pin] = frozenset()
    addresses: frozenset[str] = frozenset()  #: of its servers, as Postfix writes them


#: Nothing of these says anything about who it was: our own side could not judge.
_OURS = frozenset({Verdict.NO_EVIDENCE, Verdict.INTERNAL_ERROR, Verdict.NOT_SET_UP})
#: The session offered nothing that a partner offers.
_WITHOUT_PROOF = frozenset({Verdict.NO_TLS, Verdict.WEAK_TLS, Verdict.NO_CERTIFICATE})
_FROM_AUTHORITIES = frozenset({PathOutcome.TRUSTED, PathOutcome.EXPIRED})


def attributions(
    decision: Decision, client_address: str, familiar: Mapping[Entry, Familiarity]
) -> dict[Entry, Attribution]:
    """Return whose message it was, for each claimed list entry that it did not get in as.

    Those are the entries that were not proved, and, where the message is refused or deferred for the sake of
    another one, also those that were: it was sent by them.
    """
    known = decision.evidence.known_certificate if decision.evidence else None
    found: dict[Entry, Attribution] = {}
    for finding in decision.findings:
        entry = finding.claim.entry
        got_in = finding.verdict is Verdict.PASS and decision.effect is Effect.ACCEPT
        if got_in or finding.verdict is Verdict.EXEMPT:
            continue
        whose = attribution_of(
            finding, decision.session, known, client_address, familiar.get(entry, Familiarity())
        )
        if found.get(entry) is not Attribution.PARTNER:
            found[entry] = whose
    return found


def attribution_of(
    finding: Finding,
    session: Session | None,
    known: KnownCertificate | None,
    client_address: str,
    familiar: Familiarity,
) -> Attribution:
    """Return whose message it was that made this claim.

    It was the partner's where the certificate is one that the partner is known by, or one that an authority
    has issued for its name; where the client is a server of the partner; or where envelope and TLS fit: the
    reverse-path is the partner's, and the session is good enough for it and has a certificate in its name,
    or one of which nobody knows whose it is.
    """
    if session is None or finding.verdict in _OURS or finding.verdict is Verdict.PASS:
        return Attribution.PARTNER
    is_familiar = bool(session.pins & (familiar.certificates | finding.partner.pins))
    if is_familiar or client_address in familiar.addresses or _is_proved(finding):
        return Attribution.PARTNER
    in_its_name = known is not None and _is_in_name(known.certificate, finding)
    if known is not None and in_its_name and known.path.outcome in _FROM_AUTHORITIES:
        return Attribution.PARTNER
    is_from_envelope = ENVELOPE in finding.claim.source.split(",")
    if is_from_envelope and finding.verdict not in _WITHOUT_PROOF and (known is None or in_its_name):
        return Attribution.PARTNER
    return Attribution.STRANGER


def _is_proved(finding: Finding) -> bool:
    """Tell whether the session proved to be the partner, and a condition beside it was not met."""
    return any(attempt.verdict is Verdict.PASS for attempt in finding.attempts)


def _is_in_name(certificate: Certificate, finding: Finding) -> bool:
    names = certificate.dns_names or ((certificate.common_name,) if certificate.common_name else ())
    return any_name_matches(names, finding.partner.client_names) is not None

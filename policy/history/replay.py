"""Take a recorded decision again, by another configuration.

Owns: what of the former evidence is used, what is judged anew, and what cannot be known any more.
Must not know: where records are kept, files.
Invariants: the decision is taken by the same ``decide`` as the one before; what was not recorded is named and
never made up; certificates, and pins that count for a time, are judged at the time of the message.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import Revocation
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.pins_in_force import steady_time, with_pins_at
from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.decision.decision import NOT_LISTED, Decision, Inquiries, decide_with, exempted
from domain_secure.policy.decision.evidence import KnownCertificate
from domain_secure.policy.decision.exemption import exemption_of
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.dkim.message_signature import MessageSignature
from domain_secure.policy.record.decision_document import AUTHENTICATED, RecordedEvidence
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

NO_CONTENT = "the certificate's content was not recorded, and is in no book today"
NO_REVOCATION = "revocation was not looked into at the time"
NO_TLSA = "TLSA records were not looked up at the time"
NO_SIGNATURES = "DKIM signatures were not checked at the time"


@dataclass(frozen=True, slots=True)
class Replay:
    """One message judged again."""

    recorded: RecordedEvidence
    decision: Decision  #: by the other configuration
    gaps: tuple[str, ...]  #: what the new decision would have needed and nobody knows

    @property
    def is_certain(self) -> bool:
        """Tell whether the new decision rests on what was recorded alone."""
        return not self.gaps

    @property
    def is_otherwise(self) -> bool:
        """Tell whether the message would meet another end."""
        return self.decision.effect is not self.recorded.effect

    @property
    def is_other_reason(self) -> bool:
        """Tell whether it would meet the same end with another verdict."""
        return not self.is_otherwise and self.decision.verdict is not self.recorded.verdict


class Replayer:
    """Judges recorded messages by one configuration.

    *chain* finds the certificates with these fingerprints, or the one in the book with the first of them;
    it returns nothing for what nobody knows.
    """

    def __init__(
        self,
        configuration: Configuration,
        anchors: TrustAnchors,
        chain: Callable[[tuple[Pin, ...]], Chain],
    ) -> None:
        self._configuration = configuration
        self._anchors = anchors
        self._chain = chain
        self._trusted: dict[Pin, KnownCertificate] = {}
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._steady: Configuration | None = None  #: as it holds between the two

    def replay(self, recorded: RecordedEvidence) -> Replay:
        """Return what would have become of one message."""
        claims = frozenset(self._claims(recorded))
        if not claims:
            return Replay(recorded, NOT_LISTED, ())
        session = recorded.session
        shown = (session.certificate_pin, session.public_key_pin) if session else ()
        why = exemption_of(recorded.client_address, self._configuration, shown)
        why = AUTHENTICATED if recorded.is_authenticated else why
        if why is not None:
            return Replay(recorded, exempted(claims, self._configuration, why), ())
        inquiry = _Inquiry(self, recorded)
        decision = decide_with(
            Inquiries(inquiry.certificate, inquiry.tlsa, inquiry.signatures),
            claims,
            recorded.session,
            self._at(recorded.time),
            recorded.time,
        )
        return Replay(recorded, decision, _that_matter(inquiry.gaps, decision))

    def _at(self, moment: datetime) -> Configuration:
        """Return the configuration with the pins that counted at the time of a message."""
        begun = self._since is None or self._since <= moment
        if self._steady is None or not begun or (self._until is not None and self._until <= moment):
            self._since, self._until = steady_time(self._configuration, moment)
            self._steady = with_pins_at(self._configuration, moment)
        return self._steady

    def _claims(self, recorded: RecordedEvidence) -> list[Claim]:
        found = []
        for claim in recorded.claims:
            entry = self._configuration.receive.match(claim.domain)
            if entry is not None:
                found.append(Claim(entry, claim.domain, claim.source))
        return found

    def known(self, fingerprints: tuple[Pin, ...], recorded: RecordedEvidence) -> KnownCertificate | None:
        """Return a certificate, its path judged at the time of the message; None where nobody knows it."""
        first = fingerprints[0]
        remembered = self._trusted.get(first)
        if remembered and remembered.path.not_before <= recorded.time <= remembered.path.not_after:
            return remembered
        chain = self._chain(fingerprints)
        if not chain:
            return None
        leaf, *intermediates = chain
        trust = self._configuration.trust
        path = validate(
            leaf, intermediates, self._anchors, trust.client_purpose, recorded.time, trust.distrusted
        )
        known = KnownCertificate(leaf, path, RevocationStatus.UNKNOWN, tuple(intermediates))
        if path.outcome is PathOutcome.TRUSTED:
            self._trusted[first] = known
        return known

    @property
    def wants_revocation(self) -> bool:
        """Tell whether the configuration asks for revocation."""
        return self._configuration.trust.revocation is not Revocation.OFF


def _that_matter(gaps: list[str], decision: Decision) -> tuple[str, ...]:
    """Return the gaps that could change this decision; what passes can only turn out to be revoked."""
    passes = decision.verdict in {Verdict.PASS, Verdict.REVOCATION_UNKNOWN}
    return tuple(dict.fromkeys(gap for gap in gaps if (gap == NO_REVOCATION) == passes))


@dataclass(slots=True)
class _Inquiry:
    """Answers for one message, and notes what it could not answer."""

    replayer: Replayer
    recorded: RecordedEvidence
    gaps: list[str] = field(default_factory=list)

    def certificate(self, entries: tuple[Entry, ...]) -> KnownCertificate | None:
        del entries
        recorded = self.recorded
        fingerprint = recorded.session.certificate_pin if recorded.session else None
        if fingerprint is None:
            return None
        if recorded.was_certificate_unknown:
            # What has been learned since then would have helped as little.
            return None
        known = self.replayer.known(recorded.chain or (fingerprint,), recorded)
        if known is None:
            self.gaps.append(NO_CONTENT)
            return None
        if recorded.revocation is None:
            if self.replayer.wants_revocation and known.path.outcome is PathOutcome.TRUSTED:
                self.gaps.append(NO_REVOCATION)
            return known
        return KnownCertificate(
            known.certificate,
            known.path,
            recorded.revocation,
            known.intermediates,
            recorded.revocation_detail,
        )

    def tlsa(self, entries: tuple[Entry, ...]) -> Mapping[Entry, TlsaAnswer]:
        answers = self.recorded.tlsa or {}
        if any(entry not in answers for entry in entries):
            self.gaps.append(NO_TLSA)
        return answers

    def signatures(self) -> tuple[MessageSignature, ...] | None:
        if self.recorded.signatures is None:
            self.gaps.append(NO_SIGNATURES)
        return self.recorded.signatures

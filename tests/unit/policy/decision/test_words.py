"""The words of a decision: what both administrators read of each verdict, and of what led to it.

They are in ``tests/data/decision_words.txt``: a line for the verdict, and one for each method and condition.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.trust import Revocation
from domain_secure.policy.configuration.configuration import Condition, Configuration, Method
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaRecord
from domain_secure.policy.decision.decision import Decision, decide, decide_about_session, undecidable
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate, Session
from domain_secure.policy.dkim.message_signature import MessageSignature, SignatureStatus
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.tls import TlsVersion

from unit.policy.builders import FINGERPRINT, NOW, WOODGROVE, claim, configuration, known, partner, session
from unit.policy.words import kept_words

OWN = known("mail.woodgrovebank.test")
OTHER = TlsaRecord.of(3, 1, 1, b"\0" * 32)
WHOLE = TlsaRecord.of(3, 0, 0, b"\0")
AUTHORITY = TlsaRecord.of(2, 1, 1, b"\0" * 32)
TWO_NAMES = (Domain("woodgrovebank.test"), Domain("woodgrove.test"))
DKIM = {WOODGROVE: partner(require=(Condition.DKIM,))}


def by(
    seen: Session | None = session(),  # noqa: B008 - frozen
    content: KnownCertificate | None = None,
    rules: Configuration = configuration(),  # noqa: B008 - frozen
    tlsa: TlsaAnswer | None = None,
    signatures: tuple[MessageSignature, ...] | None = None,
) -> Decision:
    """Return the decision about one message from woodgrovebank.test, which its envelope and From claim."""
    evidence = Evidence(seen, content, None if tlsa is None else {WOODGROVE: tlsa}, signatures)
    return decide([claim(), claim(source="from")], evidence, rules, NOW)


def only(*methods: Method, **changes: object) -> Configuration:
    """Return a configuration in which the partner is proved by these methods."""
    trust = changes.pop("trust", None)
    return configuration(partners={WOODGROVE: partner(methods=methods, **changes)}, trust=trust)


def trusting(revocation: Revocation) -> Configuration:
    """Return a configuration that asks for revocation in this way."""
    return configuration(trust={"revocation": revocation})


def revoked(status: RevocationStatus, detail: str = "") -> KnownCertificate:
    """Return the partner's certificate with what is known of its revocation."""
    return replace(OWN, revocation=status, revocation_detail=detail)


def without_issuer(*names: str) -> KnownCertificate:
    """Return a certificate whose issuer nobody has at hand."""
    content = known(*names, outcome=PathOutcome.UNTRUSTED)
    return replace(content, path=replace(content.path, without_issuer=content.certificate))


def signed(*signatures: MessageSignature) -> Decision:
    """Return the decision about a message with these signatures, of a partner that has to sign."""
    return by(content=OWN, rules=configuration(partners=DKIM), signatures=signatures)


def signature(
    status: SignatureStatus, detail: str = "", *uncovered: str, selector: str = "s1", domain: str = WOODGROVE
) -> MessageSignature:
    """Return a signature."""
    return MessageSignature(Domain(domain), selector, status, detail, frozenset(uncovered))


def told(decision: Decision) -> list[str]:
    """Return what both administrators read: the verdict, and what each method and condition found."""
    assert decision.deciding is not None
    verdict = f"{decision.verdict.word}: {decision.deciding.detail}"
    attempts = [(one.method, f"{one.verdict.word}: {one.detail}") for one in decision.deciding.attempts]
    return [verdict, *(f"by {method}: {'so' if text == verdict else text}" for method, text in attempts)]


FAILED = ("SERVFAIL of mx.test", "a timeout")
CASES: dict[str, Callable[[], Decision]] = {
    "no evidence": lambda: by(None),
    "in the clear": lambda: by(session(tls_version=None)),
    "old TLS": lambda: by(session(tls_version=TlsVersion.TLS_1_1)),
    "weak cipher": lambda: by(session(cipher="ECDHE-RSA-NULL-SHA")),
    "no cipher": lambda: by(session(cipher=None)),
    "no certificate": lambda: by(session(certificate_pin=None), rules=only(Method.PKIX, names=TWO_NAMES)),
    "unknown": by,
    "distrusted itself": lambda: by(rules=configuration(trust={"distrusted": frozenset({FINGERPRINT})})),
    "distrusted authority": lambda: by(content=known("woodgrovebank.test", outcome=PathOutcome.DISTRUSTED)),
    "untrusted": lambda: by(content=known("woodgrovebank.test", outcome=PathOutcome.UNTRUSTED)),
    "without issuer": lambda: by(content=without_issuer("woodgrovebank.test")),
    "expired": lambda: by(content=known("woodgrovebank.test", outcome=PathOutcome.EXPIRED)),
    "ended since": lambda: by(
        content=replace(OWN, path=replace(OWN.path, not_after=NOW - timedelta(seconds=1)))
    ),
    "no name": lambda: by(content=known()),
    "other names": lambda: by(
        content=known("a" * 101 + ".test", "b\nc.test", "d.test"), rules=only(Method.PKIX, names=TWO_NAMES)
    ),
    "many names": lambda: by(content=known(*(f"{letter}.test" for letter in "abcde"))),
    "an alphabet of its own": lambda: by(content=known("bücher.test")),
    "revoked": lambda: by(content=revoked(RevocationStatus.REVOKED)),
    "revoked, with a date": lambda: by(
        content=revoked(RevocationStatus.REVOKED, "revoked on 2026-01-02, by CRL")
    ),
    "revocation unknown": lambda: by(
        content=revoked(RevocationStatus.UNKNOWN), rules=trusting(Revocation.REQUIRE)
    ),
    "revocation unknown, and why": lambda: by(
        content=revoked(RevocationStatus.UNKNOWN, "no CRL"), rules=trusting(Revocation.REQUIRE)
    ),
    "pkix": lambda: by(content=revoked(RevocationStatus.GOOD, "not revoked as of 2026-11-24 by CRL")),
    "pkix, revocation unknown": lambda: by(content=revoked(RevocationStatus.UNKNOWN, "no CRL")),
    "pkix, revocation not told": lambda: by(content=revoked(RevocationStatus.UNKNOWN)),
    "pkix, revocation off": lambda: by(
        content=revoked(RevocationStatus.REVOKED, "revoked"), rules=trusting(Revocation.OFF)
    ),
    "pin": lambda: by(rules=only(Method.PIN, pins=frozenset({FINGERPRINT}))),
    "other pin": lambda: by(rules=only(Method.PIN, pins=frozenset({Pin.certificate("00" * 32)}))),
    "nothing set up": lambda: by(content=OWN, rules=only(Method.PIN, Method.DANE)),
    "dane": lambda: by(
        rules=only(Method.DANE), tlsa=TlsaAnswer(frozenset({TlsaRecord.of(3, 0, 1, b"\xab" * 32)}))
    ),
    "dane not looked up": lambda: by(rules=only(Method.DANE), tlsa=TlsaAnswer(frozenset({OTHER}), FAILED)),
    "dane without match": lambda: by(rules=only(Method.DANE), tlsa=TlsaAnswer(frozenset({OTHER}))),
    "dane by unknown content": lambda: by(rules=only(Method.DANE), tlsa=TlsaAnswer(frozenset({WHOLE}))),
    "dane by an authority that is not at hand": lambda: by(
        content=without_issuer("woodgrovebank.test"),
        rules=only(Method.DANE),
        tlsa=TlsaAnswer(frozenset({AUTHORITY})),
    ),
    "postfix": lambda: by(
        session(trusted_subject="Mail.WoodgroveBank.test", trusted_issuer="CA"), rules=only(Method.POSTFIX)
    ),
    "postfix, other name": lambda: by(
        session(trusted_subject="evil.test", trusted_issuer="CA"), rules=only(Method.POSTFIX, names=TWO_NAMES)
    ),
    "postfix, no name": lambda: by(session(trusted_issuer="CA"), rules=only(Method.POSTFIX)),
    "postfix does not trust": lambda: by(rules=only(Method.POSTFIX)),
    "postfix, something distrusted": lambda: by(
        session(trusted_subject="woodgrovebank.test", trusted_issuer="CA"),
        rules=only(Method.POSTFIX, trust={"distrusted": frozenset({Pin.certificate("00" * 32)})}),
    ),
    "a fault of ours": lambda: undecidable([claim()], configuration()),
    "signed": lambda: signed(signature(SignatureStatus.VALID)),
    "not signed": signed,
    "signatures not seen": lambda: by(content=OWN, rules=configuration(partners=DKIM)),
    "signed by another": lambda: signed(signature(SignatureStatus.VALID, domain="evil.test")),
    "author not covered": lambda: signed(
        signature(SignatureStatus.VALID, "", "from", "envelope"), signature(SignatureStatus.INVALID, "x")
    ),
    "sender not claimed": lambda: signed(signature(SignatureStatus.VALID, "", "sender")),
    "wrong signature": lambda: signed(
        signature(SignatureStatus.INVALID, "the body was changed"), signature(SignatureStatus.INVALID, "x")
    ),
    "signatures nobody looked at": lambda: signed(
        signature(SignatureStatus.INVALID, "too many", selector=""), signature(SignatureStatus.INVALID, "x")
    ),
    "key not looked up": lambda: signed(
        signature(SignatureStatus.INVALID, "x"),
        signature(SignatureStatus.UNKNOWN, "SERVFAIL"),
        signature(SignatureStatus.UNKNOWN, "y", selector="s2"),
    ),
    "another signature holds": lambda: signed(
        signature(SignatureStatus.INVALID, "x"), signature(SignatureStatus.VALID, selector="s2")
    ),
    "a session alone": lambda: decide_about_session(
        [claim()], Evidence(session(), OWN, None, ()), configuration(partners=DKIM), NOW
    ),
}


GOLDEN = kept_words("decision_words.txt")


@pytest.mark.parametrize("name", CASES)
def test_words(name: str) -> None:
    """Each is as both administrators know it."""
    assert told(CASES[name]()) == GOLDEN[name]


def test_no_words_are_left_over() -> None:
    """What is written there is tried."""
    assert GOLDEN.keys() == CASES.keys()

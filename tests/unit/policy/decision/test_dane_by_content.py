"""DANE by what is in the certificate: an authority of the chain, or the host's own certificate in full."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.certificates.certification_path import PathOutcome, PathValidation
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.configuration.configuration import Configuration, Method
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaRecord
from domain_secure.policy.decision.decision import decide
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.pin import Pin

from lab.certificates import SERVER, Authority
from unit.policy.builders import WOODGROVE, claim, configuration, partner, session

NOW = datetime.now(UTC)
ROOT = Authority.create("Root")
ISSUED = ROOT.issue(WOODGROVE, dns_names=(WOODGROVE,), purposes=(SERVER,))
LEAF, ISSUER = parse(ISSUED.der), parse(ROOT.der)
OF_AUTHORITY = TlsaRecord.of(2, 0, 1, hashlib.sha256(ROOT.der).digest())
OF_WHOLE = TlsaRecord.of(3, 0, 0, ISSUED.der)
_UNTRUSTED = PathValidation(PathOutcome.UNTRUSTED, "the detail", LEAF.not_before, LEAF.not_after)
KNOWN = KnownCertificate(LEAF, _UNTRUSTED, RevocationStatus.UNKNOWN, (ISSUER,))


def verdict(
    record: TlsaRecord | None,
    content: KnownCertificate = KNOWN,
    at: datetime = NOW,
    names: tuple[str, ...] = (WOODGROVE,),
    **trust: object,
) -> Verdict:
    """Return the verdict on a message of a partner that DANE alone proves."""
    assert record is not None
    rule = partner(methods=(Method.DANE,), names=tuple(map(Domain, names)))
    rules: Configuration = configuration(partners={WOODGROVE: rule}, trust=trust)
    evidence = Evidence(session(), content, {WOODGROVE: TlsaAnswer(frozenset({record}))})
    return decide([claim()], evidence, rules, at).verdict


def test_an_authority_of_the_chain() -> None:
    """It vouches for the partner's name, now, for the purpose that is asked, unless it is distrusted."""
    assert verdict(OF_AUTHORITY) is Verdict.PASS
    assert verdict(OF_AUTHORITY, replace(KNOWN, intermediates=())) is Verdict.UNTRUSTED
    assert verdict(OF_AUTHORITY, names=("fabrikam.test",)) is Verdict.UNTRUSTED
    assert verdict(OF_AUTHORITY, at=NOW + timedelta(days=9999)) is Verdict.UNTRUSTED
    assert verdict(OF_AUTHORITY, client_purpose=ClientPurpose.REQUIRE) is Verdict.UNTRUSTED
    distrusted = frozenset({ISSUER.certificate_pin})
    assert verdict(OF_AUTHORITY, distrusted=distrusted) is Verdict.UNTRUSTED
    assert verdict(OF_AUTHORITY, distrusted=frozenset({Pin.certificate("00" * 32)})) is Verdict.PASS


def test_the_whole_certificate() -> None:
    """Neither chain nor date nor name is asked of what is published itself; another one is another's."""
    assert verdict(OF_WHOLE, replace(KNOWN, intermediates=())) is Verdict.PASS
    assert verdict(OF_WHOLE, names=("fabrikam.test",), at=NOW + timedelta(days=9999)) is Verdict.PASS
    other = parse(ROOT.issue(WOODGROVE, dns_names=(WOODGROVE,)).der)
    assert verdict(OF_WHOLE, replace(KNOWN, certificate=other)) is Verdict.UNTRUSTED

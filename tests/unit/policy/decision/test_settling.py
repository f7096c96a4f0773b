"""What makes a refused partner's mail pass: the steps that an operator is told, with their commands.

The words are in ``tests/data/settling_words.txt``, a line for each step.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.certification_path import PathOutcome, PathValidation
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.configuration.configuration import Method
from domain_secure.policy.decision.decision import Finding
from domain_secure.policy.decision.evidence import KnownCertificate
from domain_secure.policy.decision.settling import pin_command, settling_steps, waits_for_pin
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Domain, Entry

from lab.certificates import CLIENT, SERVER, Authority, Issued, self_signed
from lab.forgery import with_sha1
from unit.policy.builders import FINGERPRINT, PUBLIC_KEY, WOODGROVE, claim, partner
from unit.policy.words import kept_words

NOW = datetime.now(UTC)
DAYS = timedelta(days=1)
ROOT = Authority.create("Lab Root")
OWN = ROOT.issue(WOODGROVE, dns_names=(WOODGROVE,))
ISSUER = parse(ROOT.der)
BEGINS = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DATED = {"not_before": BEGINS, "not_after": BEGINS + 30 * DAYS}


def steps(
    verdict: Verdict,
    issued: Issued = OWN,
    *methods: Method,
    entry: str = WOODGROVE,
    at: datetime = NOW,
    purpose: ClientPurpose = ClientPurpose.ACCEPT_SERVER,
    names: tuple[Domain, ...] = (),
    **path: Certificate,
) -> list[str]:
    """Return the steps for a partner that is proved by *methods*, or by pins and pkix; digests left out."""
    certificate = parse(issued.der)
    rule = partner(entry, methods=methods or (Method.PIN, Method.PKIX), receive_names=names)
    finding = Finding(claim(entry.removeprefix("*."), entry), rule, verdict, "", None, (), Effect.REJECT)
    found = PathValidation(
        PathOutcome.UNTRUSTED, "", certificate.not_before, certificate.not_after, (), **path
    )
    known = KnownCertificate(certificate, found, RevocationStatus.UNKNOWN)
    found_steps = settling_steps(Entry(entry), finding, known, purpose, at)
    told = [f"{one.what}: {one.command or '-'}" for one in found_steps] or ["nothing"]
    key = str(certificate.public_key_pin)
    return [line.replace(key, "KEY") for line in told]


def named(*names: str) -> Issued:
    """Return a certificate for these hosts."""
    return ROOT.issue(names[0] if names else "x", dns_names=names)


V = Verdict
CASES: dict[str, Callable[[], list[str]]] = {
    "passes": lambda: steps(V.PASS),
    "no evidence": lambda: steps(V.NO_EVIDENCE),
    "revocation unknown": lambda: steps(V.REVOCATION_UNKNOWN),
    "issuer not at hand": lambda: steps(V.UNKNOWN_CERTIFICATE, without_issuer=parse(OWN.der)),
    "unknown, and nothing missing": lambda: steps(V.UNKNOWN_CERTIFICATE),
    "untrusted, issuer not at hand": lambda: steps(V.UNTRUSTED, without_issuer=parse(OWN.der)),
    "untrusted authority": lambda: steps(V.UNTRUSTED, untrusted_authority=ISSUER),
    "untrusted authority, no pins": lambda: steps(V.UNTRUSTED, OWN, Method.PKIX, untrusted_authority=ISSUER),
    "self-signed": lambda: steps(V.UNTRUSTED, self_signed(WOODGROVE, dns_names=(WOODGROVE,))),
    "untrusted otherwise": lambda: steps(V.UNTRUSTED),
    "for servers alone": lambda: steps(
        V.UNTRUSTED,
        ROOT.issue(WOODGROVE, dns_names=(WOODGROVE,), purposes=(SERVER,)),
        purpose=ClientPurpose.REQUIRE,
    ),
    "for neither clients nor servers": lambda: steps(
        V.UNTRUSTED,
        ROOT.issue(WOODGROVE, dns_names=(WOODGROVE,), purposes=(ExtendedKeyUsageOID.TIME_STAMPING,)),
        purpose=ClientPurpose.REQUIRE,
    ),
    "a weak key": lambda: steps(V.UNTRUSTED, ROOT.issue(WOODGROVE, dns_names=(WOODGROVE,), key="rsa1024")),
    "a weak signature": lambda: steps(V.UNTRUSTED, Issued(with_sha1(OWN, ROOT), OWN.key)),
    "for clients, and asked for": lambda: steps(
        V.UNTRUSTED,
        ROOT.issue(WOODGROVE, dns_names=(WOODGROVE,), purposes=(CLIENT,)),
        purpose=ClientPurpose.REQUIRE,
    ),
    "pins alone": lambda: steps(V.UNTRUSTED, OWN, Method.PIN),
    "pins alone, nothing set up": lambda: steps(V.NOT_SET_UP, OWN, Method.PIN),
    "DANE alone": lambda: steps(V.UNTRUSTED, OWN, Method.DANE, entry="*.fabrikam.test"),
    "ended": lambda: steps(V.EXPIRED, ROOT.issue(WOODGROVE, dns_names=(WOODGROVE,), **DATED)),
    "begins later": lambda: steps(
        V.EXPIRED, ROOT.issue(WOODGROVE, dns_names=(WOODGROVE,), **DATED), at=BEGINS - DAYS
    ),
    "an authority above it has ended": lambda: steps(V.EXPIRED),
    "in its first second": lambda: steps(
        V.EXPIRED, ROOT.issue(WOODGROVE, dns_names=(WOODGROVE,), **DATED), at=BEGINS
    ),
    "in its last second": lambda: steps(
        V.EXPIRED, ROOT.issue(WOODGROVE, dns_names=(WOODGROVE,), **DATED), at=BEGINS + 30 * DAYS
    ),
    "revoked": lambda: steps(V.REVOKED),
    "revoked, a wildcard": lambda: steps(V.REVOKED, entry="*.fabrikam.test"),
    "another name": lambda: steps(V.NAME_MISMATCH, named("mx.fabrikam.test", "second.fabrikam.test")),
    "another name than two": lambda: steps(
        V.NAME_MISMATCH, named("mx.fabrikam.test"), names=(Domain(WOODGROVE), Domain("woodgrove.test"))
    ),
    "no name": lambda: steps(V.NAME_MISMATCH, named()),
    "a name that is no host's": lambda: steps(V.NAME_MISMATCH, named("*.fabrikam.test", "test")),
    "a shared gateway": lambda: steps(V.NAME_MISMATCH, named("mail.protection.outlook.com")),
    "all hosts of a shared gateway": lambda: steps(V.NAME_MISMATCH, named("*.pphosted.com")),
    "a shared gateway without a recipe": lambda: steps(V.NAME_MISMATCH, named("mx.messagelabs.com")),
}


@pytest.mark.parametrize(
    ("verdict", "methods", "waits"),
    [
        (V.UNTRUSTED, (Method.PIN,), True),
        (V.NOT_SET_UP, (Method.PIN, Method.DANE), True),
        (V.NAME_MISMATCH, (Method.PIN,), True),
        (V.PASS, (Method.PIN,), False),
        (V.NO_TLS, (Method.PIN,), False),
        (V.UNTRUSTED, (Method.PIN, Method.PKIX), False),
        (V.UNTRUSTED, (Method.DANE,), False),
        (V.UNTRUSTED, (Method.PKIX,), False),
    ],
)
def test_what_waits_for_a_pin(verdict: Verdict, methods: tuple[Method, ...], waits: bool) -> None:
    """What fails, could be pinned, and is asked for by no method that looks at its content."""
    finding = Finding(claim(), partner(methods=methods), verdict, "", None, (), Effect.REJECT)
    assert waits_for_pin(finding) is waits


def test_the_command_of_a_pin() -> None:
    """A wildcard is kept from the shell."""
    assert pin_command(Entry("a.test"), PUBLIC_KEY) == f"domain-secure partner pin a.test {PUBLIC_KEY}"
    assert (
        pin_command(Entry("*.a.test"), FINGERPRINT) == f"domain-secure partner pin '*.a.test' {FINGERPRINT}"
    )


KEPT = kept_words("settling_words.txt")


@pytest.mark.parametrize("name", CASES)
def test_steps(name: str) -> None:
    """What is to be done, and the command that does it, for each verdict and what led to it."""
    assert CASES[name]() == KEPT[name]


def test_no_steps_are_left_over() -> None:
    """What is written there is tried."""
    assert KEPT.keys() == CASES.keys()

"""What a verdict rests on, as plain values."""

from dataclasses import replace

import pytest

from domain_secure.policy.certificates.certificate_document import certificate_document
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.trust import CommonName, Revocation
from domain_secure.policy.configuration.configuration import Condition, Configuration, Method
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaRecord
from domain_secure.policy.decision.decision import Finding, decide
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate, Session
from domain_secure.policy.decision.methods import Attempt
from domain_secure.policy.decision.reasoning import known_certificate_document, not_asked, tlsa_document
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Domain, Entry

from unit.policy.builders import FINGERPRINT, NOW, PUBLIC_KEY, WOODGROVE, claim, configuration, known, partner
from unit.policy.builders import session as tls_session

FABRIKAM = Entry("*.fabrikam.test")
RULES = configuration(WOODGROVE, FABRIKAM, trust={"revocation": Revocation.REQUIRE})
WITHOUT_SAN = configuration(trust={"common_name": CommonName.WITHOUT_SAN})


def test_what_is_known_of_a_certificate() -> None:
    """Each of its names with the one of the partners' that it matches, its chain, and its revocation."""
    content = known("mail.woodgrovebank.test", "evil.test", "a.fabrikam.test", common_name="evil.test")
    above = replace(known().certificate, subject="CN=issuer")
    content = replace(content, intermediates=(above,), revocation_detail="no CRL")
    assert known_certificate_document(content, (WOODGROVE, FABRIKAM), RULES) == {
        "certificate": str(FINGERPRINT),
        "public_key": str(PUBLIC_KEY),
        "names": [
            {"name": "mail.woodgrovebank.test", "kind": "dns", "matches": WOODGROVE},
            {"name": "evil.test", "kind": "dns", "matches": None},
            {"name": "a.fabrikam.test", "kind": "dns", "matches": "fabrikam.test"},
        ],
        "common_name": "evil.test",
        "common_name_counts": False,
        "path": "trusted",
        "path_detail": "the detail",
        "chain": [certificate_document(content.certificate), certificate_document(above)],
        "revocation": RevocationStatus.UNKNOWN,
        "revocation_mode": Revocation.REQUIRE,
        "revocation_detail": "no CRL",
    }


def test_the_chain_is_the_one_that_was_validated() -> None:
    """Where there is none, what the client sent stands for it."""
    root = replace(known().certificate, subject="CN=root")
    content = replace(known(WOODGROVE), intermediates=(known("other.test").certificate,))
    validated = replace(content, path=replace(content.path, certificates=(content.certificate, root)))
    document = known_certificate_document(validated, (WOODGROVE,), RULES)
    assert [one["subject"] for one in document["chain"]] == ["CN=subject", "CN=root"]
    assert document["revocation_detail"] is None


@pytest.mark.parametrize(
    ("content", "rules", "counts"),
    [
        (known(common_name=WOODGROVE), WITHOUT_SAN, True),
        (known(WOODGROVE, common_name=WOODGROVE), WITHOUT_SAN, False),
        (known(common_name=WOODGROVE), configuration(), False),
    ],
)
def test_when_a_common_name_counts(content: KnownCertificate, rules: Configuration, counts: bool) -> None:
    """Only where that is wanted, and the certificate has no other name."""
    assert known_certificate_document(content, (WOODGROVE,), rules)["common_name_counts"] is counts


def test_what_dns_says() -> None:
    """The records in order, and what could not be looked up, for each entry."""
    first, second = (TlsaRecord.of(3, 1, 1, bytes((octet,)) * 32) for octet in (1, 2))
    answers = {
        WOODGROVE: TlsaAnswer(frozenset(filter(None, (second, first))), ("SERVFAIL of mx.test", "a timeout")),
        FABRIKAM: TlsaAnswer(),
    }
    assert tlsa_document(answers) == {
        WOODGROVE: {
            "records": ["3 1 1 0101010101010101…", "3 1 1 0202020202020202…"],
            "failures": ["SERVFAIL of mx.test", "a timeout"],
        },
        FABRIKAM: {"records": [], "failures": []},
    }


def finding(
    seen: Session | None = tls_session(),  # noqa: B008 - frozen
    content: KnownCertificate | None = None,
    *,
    trust: dict[str, object] | None = None,
    **changes: object,
) -> Finding:
    """Return what was found for a message from woodgrovebank.test; *changes* are the partner's."""
    rules = configuration(partners={WOODGROVE: partner(**changes)}, trust=trust)
    (found,) = decide([claim()], Evidence(seen, content), rules, NOW).findings
    return found


PINNED = {"pins": frozenset({FINGERPRINT})}
EACH = (Method.PIN, Method.DANE, Method.PKIX, Method.POSTFIX)
BESIDE = (Condition.DKIM, "the session did not prove to be the partner")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (finding(methods=(Method.PKIX,)), []),
        (
            finding(None, methods=(Method.PIN, Method.PKIX)),
            [
                (Method.PIN, "no-evidence, whatever the certificate"),
                (Method.PKIX, "no-evidence, whatever the certificate"),
            ],
        ),
        (
            finding(trust={"distrusted": frozenset({FINGERPRINT})}, methods=(Method.PKIX,)),
            [(Method.PKIX, "the certificate itself is distrusted")],
        ),
        (
            finding(
                None, known(outcome=PathOutcome.DISTRUSTED), methods=(Method.PIN, Method.DANE, Method.PKIX)
            ),
            [
                (one, "no-evidence, whatever the certificate")
                for one in (Method.PIN, Method.DANE, Method.PKIX)
            ],
        ),
        (
            finding(
                content=known(outcome=PathOutcome.DISTRUSTED), methods=(Method.PIN, Method.DANE, Method.PKIX)
            ),
            [(Method.PIN, "no pins were agreed on"), (Method.DANE, "there are no TLSA records")],
        ),
        (
            finding(content=known("evil.test"), methods=EACH),
            [(Method.PIN, "no pins were agreed on"), (Method.DANE, "there are no TLSA records")],
        ),
        (
            finding(methods=EACH, **PINNED),
            [(one, "pin has passed") for one in (Method.DANE, Method.PKIX, Method.POSTFIX)],
        ),
        (
            finding(content=known(WOODGROVE), methods=EACH),
            [
                (Method.PIN, "no pins were agreed on"),
                (Method.DANE, "there are no TLSA records"),
                (Method.POSTFIX, "pkix has passed"),
            ],
        ),
        (finding(content=known("evil.test"), methods=(Method.PKIX,), require=(Condition.DKIM,)), [BESIDE]),
        (finding(content=known(WOODGROVE), methods=(Method.PKIX,), require=(Condition.DKIM,)), []),
    ],
)
def test_what_had_no_say(found: Finding, told: list[tuple[Method | Condition, str]]) -> None:
    """Each method and condition that was not asked is named, with the reason."""
    assert list(not_asked(found)) == told


def test_a_method_without_a_word_of_its_own() -> None:
    """Whatever it is that had nothing to go by, it is named."""
    attempt = Attempt(Method.PIN, Verdict.UNTRUSTED, "")
    found = replace(finding(methods=(Method.PIN, Method.PKIX)), attempts=(attempt,))
    assert list(not_asked(found)) == [(Method.PKIX, "there is nothing to go by")]


def test_a_session_alone_is_proved() -> None:
    """Its conditions were not asked, and the word for it is that of a session that proved nothing."""
    found = replace(finding(methods=(Method.PKIX,), names=(Domain(WOODGROVE),)), attempts=())
    assert [why for _, why in not_asked(found)] == ["unknown-certificate, whatever the certificate"]

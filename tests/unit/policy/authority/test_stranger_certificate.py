"""Certificates that nobody should believe."""

from datetime import UTC, datetime

from domain_secure.policy.authority.stranger_certificate import stranger_pem
from domain_secure.policy.certificates.certificate import read_certificates
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.terms.domain import Domain

NOW = datetime.now(UTC)


def test_only_the_signer_is_wrong() -> None:
    """Trusted as itself it would pass, so that a refusal is about nothing else."""
    (leaf,) = read_certificates(stranger_pem(Domain("mail.contoso.test"), NOW))
    assert leaf.dns_names == ("mail.contoso.test",)
    nobody, itself = TrustAnchors.of(()), TrustAnchors.of((leaf,))
    outcomes = [
        validate(leaf, (), anchors, ClientPurpose.REQUIRE, NOW).outcome for anchors in (nobody, itself)
    ]
    assert outcomes == [PathOutcome.UNTRUSTED, PathOutcome.TRUSTED]


def test_each_has_a_key_of_its_own() -> None:
    """Nothing of it is used twice."""
    first, second = (read_certificates(stranger_pem(Domain("x.test"), NOW))[0] for _ in range(2))
    assert first.public_key_pin != second.public_key_pin

"""The rules of our own for certificates in a path, against certificates that break one each."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509

from domain_secure.policy.certificates.certificate import MalformedCertificateError, parse
from domain_secure.policy.certificates.certification_path import PathOutcome, PathValidation
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import ClientPurpose

from lab.certificates import Authority, self_signed
from lab.forgery import resigned

TRUSTED, _, UNTRUSTED, _ = PathOutcome
ROOT = Authority.create("Lab Root")
HOST = ROOT.issue("mail.woodgrovebank.test", dns_names=["mail.woodgrovebank.test"])


def judge(leaf: bytes, *intermediates: bytes, anchor: bytes = ROOT.der) -> PathValidation:
    """Validate a certificate in DER below an anchor."""
    anchors = TrustAnchors.of([parse(anchor)])
    others = list(map(parse, intermediates))
    return validate(parse(leaf), others, anchors, ClientPurpose.REQUIRE, datetime.now(UTC))


def test_forgery_forges() -> None:
    """What is signed again without a change is as good as before."""
    assert judge(resigned(HOST, ROOT, lambda _: None)).outcome is TRUSTED


def other_algorithm(certificate: Any) -> None:
    """Say another signature algorithm inside than outside."""
    certificate["tbs_certificate"]["signature"]["algorithm"] = "sha384_ecdsa"


def no_issuer(certificate: Any) -> None:
    """Leave the issuer empty."""
    certificate["tbs_certificate"]["issuer"] = type(certificate.issuer).build({})


def off_the_curve(certificate: Any) -> None:
    """Move the public key to a point that is not on its curve."""
    key = certificate["tbs_certificate"]["subject_public_key_info"]
    point = key["public_key"].native
    key["public_key"] = point[:-1] + bytes([point[-1] ^ 1])


def unknown_key(certificate: Any) -> None:
    """Say an algorithm that nobody knows."""
    certificate["tbs_certificate"]["subject_public_key_info"]["algorithm"] = {"algorithm": "1.2.3.4"}


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (other_algorithm, "its contents are not encoded as RFC 5280 wants them"),
        (off_the_curve, "its key cannot be read"),
        (unknown_key, "its key cannot be read"),
    ],
)
def test_forged_certificates(change: Callable[[Any], None], detail: str) -> None:
    """Each is read as a certificate, since a pin may still name it, and trusted by nobody."""
    found = judge(resigned(HOST, ROOT, change))
    assert (found.outcome, found.detail) == (UNTRUSTED, detail)


def test_certificate_without_issuer() -> None:
    """An empty issuer is nobody, not even where an anchor has an empty subject."""
    nameless = Authority.create("")
    forged = resigned(nameless.issue("x"), nameless, no_issuer)
    assert judge(forged, anchor=nameless.der).outcome is UNTRUSTED


def test_extension_twice() -> None:
    """Of two readings a stranger must not choose: such a certificate is not read at all."""

    def double(certificate: Any) -> None:
        extensions = certificate["tbs_certificate"]["extensions"]
        extensions.append(extensions[0].copy())

    with pytest.raises(MalformedCertificateError, match="stands there twice"):
        parse(resigned(HOST, ROOT, double))


def test_serial_numbers_do_not_matter() -> None:
    """Negative, zero and very long ones are read in silence, as RFC 5280 section 4.1.2.2 wishes."""
    for number in (-5, 0, 1 << 300):

        def change(certificate: Any, number: int = number) -> None:
            certificate["tbs_certificate"]["serial_number"] = number

        assert judge(resigned(HOST, ROOT, change)).outcome is TRUSTED


def test_authorities_of_version_1() -> None:
    """They cannot say that they are authorities: believed of an anchor, and of nobody else."""

    def version_1(certificate: Any) -> None:
        certificate["tbs_certificate"]["version"] = "v1"
        del certificate["tbs_certificate"]["extensions"]

    assert judge(HOST.der, anchor=resigned(ROOT, ROOT, version_1)).outcome is TRUSTED
    sub = ROOT.authority("Lab Sub")
    found = judge(sub.issue("x").der, resigned(sub, ROOT, version_1))
    assert found.detail == "CN=Lab Sub issued it and is no authority that may do so"


def test_anchor_that_does_not_say_it_is_one() -> None:
    """An anchor of today's version without basic constraints is trusted as itself only."""
    plain = self_signed("Plain")
    host = Authority(plain.certificate, plain.key).issue("x")
    assert judge(host.der, anchor=plain.der).outcome is UNTRUSTED
    assert judge(plain.der, anchor=plain.der).outcome is TRUSTED


def named(count: int, constraints: int = 0) -> PathValidation:
    """Validate a certificate of *count* names under an authority for *constraints* names."""
    permitted = [x509.DNSName(f"host{number}.test") for number in range(constraints)]
    limits = [(x509.NameConstraints(permitted, None), True)] if permitted else []
    authority = ROOT.authority("Limited", extensions=limits)
    host = authority.issue(dns_names=[f"host{number}.test" for number in range(count)])
    return judge(host.der, authority.der)


def test_size_is_limited() -> None:
    """A thousand names are well; what is far beyond real certificates is not validated."""
    assert named(1000).outcome is TRUSTED
    assert named(5000).detail == "its size is above 64 KiB"


def test_comparisons_are_limited() -> None:
    """Names times constraints is the work of a comparison."""
    assert named(100, 100).outcome is TRUSTED
    assert named(1000, 100).detail.startswith("not all names of the end-entity certificate are")
    assert named(1000, 101).detail == "it has too many names to compare with what its authority may certify"


@pytest.mark.parametrize(
    ("permitted", "excluded"), [(None, [""]), (None, [".evil.test"]), ([".woodgrovebank.test"], None)]
)
def test_unusual_name_constraints(permitted: list[str] | None, excluded: list[str] | None) -> None:
    """No host at all (Baseline Requirements section 7.1.5), or a leading dot: nothing slips past either."""

    def names(values: list[str] | None) -> list[x509.DNSName] | None:
        return values and [x509.DNSName(value) for value in values]

    constraints = x509.NameConstraints(names(permitted), names(excluded))
    limited = ROOT.authority("Limited", extensions=[(constraints, True)])
    found = judge(limited.issue(dns_names=["mail.woodgrovebank.test"]).der, limited.der)
    assert found.outcome is UNTRUSTED
    assert found.detail == (
        "its authority may not certify host names, or says in an unusual way which ones it may"
    )


def test_common_name_does_not_slip_past_host_names() -> None:
    """Constraints on host names bind alternative names only, so these must be there then."""
    of_hosts = x509.NameConstraints(None, [x509.DNSName("evil.test")])
    limited = ROOT.authority("Limited", extensions=[(of_hosts, True)])
    found = judge(limited.issue("mail.evil.test").der, limited.der)
    assert found.outcome is UNTRUSTED
    assert found.detail == (
        "its authority may certify certain names only, and it states none where that can be checked"
    )
    of_mail = x509.NameConstraints([x509.RFC822Name("woodgrovebank.test")], None)
    other = ROOT.authority("Other", extensions=[(of_mail, True)])
    assert judge(other.issue("mail.evil.test").der, other.der).outcome is TRUSTED


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (x509.KeyUsage.oid, b"\x03\x02"),
        (x509.ExtendedKeyUsage.oid, b"\x30\0"),
        (x509.CertificatePolicies.oid, b"\x30\x05"),
        (x509.SubjectAlternativeName.oid, b"\x30\x03\x82\x01\xe4"),
    ],
)
def test_extensions_that_cannot_be_read(kind: x509.ObjectIdentifier, value: bytes) -> None:
    """Broken, empty, not ASCII: the certificate is read, since a pin may name it, and trusted by nobody."""
    broken = [(x509.UnrecognizedExtension(kind, value), False)]
    encoding = "contents are not encoded as RFC 5280 wants them"
    assert judge(ROOT.issue("x", extensions=broken).der).detail == f"its {encoding}"
    sub = ROOT.authority("Lab Sub", extensions=broken)
    assert judge(sub.issue("x").der, sub.der).detail == f"authority CN=Lab Sub: its {encoding}"


def test_unknown_extensions_are_not_read() -> None:
    """What is in an extension that nobody knows, and that is not critical, does not matter."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x30\x05")
    assert judge(ROOT.issue("x", extensions=[(unknown, False)]).der).outcome is TRUSTED

"""What the library that validates paths is relied upon for, and what its guard keeps from it."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.certificates.certification_path import PathOutcome, PathValidation
from domain_secure.policy.certificates.path_library import has_unsupported_extension
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import ClientPurpose

from lab.certificates import DAY, Authority, Issued, make, self_signed
from lab.revocations import Pointers

TRUSTED, EXPIRED, UNTRUSTED, _ = PathOutcome
ROOT = Authority.create("Lab Root")
NAME = "mail.woodgrovebank.test"
POLICY = x509.ObjectIdentifier("1.2.3.4.5")
NOT_JUDGED = "something in its chain cannot be judged by the rules for certificates (RFC 5280)"


def judge(
    issued: Issued, *, anchor: Issued = ROOT, chain: Iterable[x509.Certificate] | None = None
) -> PathValidation:
    """Validate a certificate with the intermediates its server would send."""
    others = issued.chain if chain is None else chain
    encoded = [one.public_bytes(serialization.Encoding.DER) for one in others]
    anchors = TrustAnchors.of([parse(anchor.der)])
    return validate(
        parse(issued.der), list(map(parse, encoded)), anchors, ClientPurpose.REQUIRE, datetime.now(UTC)
    )


def policies(*identifiers: x509.ObjectIdentifier) -> tuple[x509.CertificatePolicies, bool]:
    """Return an extension of certificate policies."""
    return x509.CertificatePolicies([x509.PolicyInformation(one, None) for one in identifiers]), False


def test_critical_policy_extensions() -> None:
    """Policies are processed, not refused: one that must be explicit is there, or it is missing."""
    explicit = (x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=0), True)
    inhibit = (x509.InhibitAnyPolicy(0), True)
    sub = ROOT.authority("Lab Sub", extensions=[policies(POLICY), explicit, inhibit])
    assert judge(sub.issue(NAME, extensions=[policies(POLICY)])).outcome is TRUSTED
    found = judge(sub.issue(NAME))
    assert found.detail == "there is no valid set of policies for the end-entity certificate"


@pytest.mark.parametrize("key", ["ed25519", "p384", "rsa2048"])
def test_keys_of_authorities(key: str) -> None:
    """Each kind of key that is accepted may sign, Ed25519 included."""
    root = Authority.create("Root", key=key)
    assert judge(root.authority("Sub", key=key).issue(NAME), anchor=root).outcome is TRUSTED


def organisation(name: str, common_name: str | None = None) -> x509.Name:
    """Return a distinguished name of an organisation."""
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)]
    return x509.Name(parts + ([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []))


def test_directory_name_constraints() -> None:
    """An authority for one organisation vouches for this one, whatever its hosts are called."""
    permitted = x509.NameConstraints([x509.DirectoryName(organisation("Woodgrove"))], None)
    limited = ROOT.authority("Limited", extensions=[(permitted, True)])
    inside = limited.issue(dns_names=[NAME], subject=organisation("WOODGROVE", NAME))
    outside = limited.issue(dns_names=[NAME], subject=organisation("Evil", NAME))
    assert judge(inside).outcome is TRUSTED
    assert judge(outside).outcome is UNTRUSTED
    excluded = x509.NameConstraints(None, [x509.DirectoryName(organisation("Evil"))])
    limited = ROOT.authority("Limited", extensions=[(excluded, True)])
    assert judge(limited.issue(subject=organisation("Evil", NAME))).outcome is UNTRUSTED


def test_limits_of_the_anchor_bind() -> None:
    """Its own name constraints and path length hold, though RFC 5280 leaves that open."""
    names = x509.NameConstraints([x509.DNSName("woodgrovebank.test")], None)
    limited = Authority.create("Root")
    made = make(
        "Root",
        key=limited.key,
        extensions=[
            (x509.BasicConstraints(ca=True, path_length=1), True),
            (names, True),
            policies(POLICY),
        ],
    )
    anchor = Authority(made.certificate, made.key)
    sub = anchor.authority("Sub")
    assert judge(sub.issue(dns_names=[NAME]), anchor=anchor).outcome is TRUSTED
    assert judge(sub.issue(dns_names=["evil.test"]), anchor=anchor).outcome is UNTRUSTED
    deeper = sub.authority("Deeper").issue(dns_names=[NAME])
    assert judge(deeper, anchor=anchor).detail == "it exceeds the maximum path length"


def test_names_are_compared_in_normal_form() -> None:
    """Case and spaces of an issuer's name do not matter (RFC 5280 section 7.1); letters do."""
    sub = ROOT.authority("Lab Sub")
    alike = ROOT.authority("lab  SUB ", key=sub.key).issue(NAME)
    unlike = ROOT.authority("lab suh", key=sub.key).issue(NAME)
    assert judge(alike, chain=[sub.certificate]).outcome is TRUSTED
    assert judge(unlike, chain=[sub.certificate]).outcome is UNTRUSTED


def test_self_issued_roll_over() -> None:
    """An authority's new key, vouched for by its old one under the same name, does not lengthen the path."""
    made = make("Root", extensions=[(x509.BasicConstraints(ca=True, path_length=0), True)])
    old = Authority(made.certificate, made.key)
    rolled = make("Root", issuer=old, extensions=[(x509.BasicConstraints(ca=True, path_length=0), True)])
    new = Authority(rolled.certificate, rolled.key)
    assert judge(new.issue(NAME), anchor=old, chain=[rolled.certificate]).outcome is TRUSTED


def test_revocation_is_not_asked_for_here() -> None:
    """A path whose certificates say where their lists and responders are is trusted without any of these."""
    where = Pointers(
        lists=("http://127.0.0.1:9/crl",),
        deltas=("http://127.0.0.1:9/delta",),
        responders=("http://127.0.0.1:9/ocsp",),
        issuers=("http://127.0.0.1:9/issuer",),
    )
    sub = ROOT.authority("Lab Sub", extensions=where)
    assert judge(sub.issue(NAME, extensions=where)).outcome is TRUSTED


def test_key_identifiers_are_hints() -> None:
    """A wrong authority key identifier does not outweigh a signature that fits."""
    wrong = x509.AuthorityKeyIdentifier(b"nobody", None, None)
    assert judge(ROOT.issue(NAME, extensions=[(wrong, False)])).outcome is TRUSTED


def beyond_the_library() -> dict[str, Issued]:
    """Return certificates at which the library raises what is not its own error."""
    inside = ip_network("10.0.0.0/8")
    limits = x509.NameConstraints(None, [x509.IPAddress(inside)])
    addresses = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.IPAddress(ip_address("192.0.2.1"))])
    limited = ROOT.authority("Limited", extensions=[(limits, True)])
    return {
        "addresses": limited.issue(NAME, extensions=[(addresses, False)]),
        "newer than Unicode 3.2": ROOT.authority("Lab \N{SLICE OF PIZZA}").issue(NAME),
    }


@pytest.mark.parametrize("issued", beyond_the_library().values(), ids=beyond_the_library())
def test_what_the_library_cannot_judge(issued: Issued, caplog: pytest.LogCaptureFixture) -> None:
    """It is refused without an error, and without a word in the log."""
    with caplog.at_level(logging.DEBUG):
        found = judge(issued)
    assert (found.outcome, found.detail) == (UNTRUSTED, NOT_JUDGED)
    assert not [record for record in caplog.records if record.name.startswith("pyhanko")]


def test_what_the_library_says_is_one_printable_line() -> None:
    """Names out of a stranger's certificate reach the detail without control characters, and cut."""
    permitted = x509.NameConstraints([x509.DNSName("woodgrovebank.test")], None)
    limited = ROOT.authority("Limited", extensions=[(permitted, True)])
    found = judge(limited.issue(dns_names=["evil\r\n250 OK" + "x" * 500]))
    assert found.outcome is UNTRUSTED
    assert found.detail.isprintable()
    assert "'evil\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}250 OKxxx" in found.detail
    assert len(found.detail) == 250


@pytest.mark.parametrize(
    ("extension", "is_unsupported"),
    [
        ((x509.SubjectAlternativeName([x509.DNSName(NAME)]), True), False),
        ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True), True),
        ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), False), False),
        ((x509.UnrecognizedExtension(x509.KeyUsage.oid, b"\x30\x05"), True), True),
    ],
)
def test_critical_extensions_of_what_is_trusted_itself(
    extension: tuple[x509.ExtensionType, bool], *, is_unsupported: bool
) -> None:
    """One that the library does not take into account counts, and one that cannot be read."""
    made = self_signed(NAME, extensions=[extension])
    assert has_unsupported_extension(parse(made.der)) is is_unsupported


def test_dates_of_the_path_are_told_apart_from_worse() -> None:
    """An expired path that breaks another rule as well is untrusted."""
    permitted = x509.NameConstraints([x509.DNSName("woodgrovebank.test")], None)
    limited = ROOT.authority("Limited", extensions=[(permitted, True)])
    now = datetime.now(UTC)
    dates = {"not_before": now - 9 * DAY, "not_after": now - DAY}
    assert judge(limited.issue(dns_names=[NAME], **dates)).outcome is EXPIRED
    assert judge(limited.issue(dns_names=["evil.test"], **dates)).outcome is UNTRUSTED

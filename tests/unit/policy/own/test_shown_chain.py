"""What is said of a chain that partners would not believe, and what mends each fault."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.certificates.weaknesses import key_weakness
from domain_secure.policy.own.private_key import DamagedKeyError, UnusableKeyError, is_key_of, parse_pem
from domain_secure.policy.own.renewal_check import Change
from domain_secure.policy.own.shown_chain import chain_faults

from lab.certificates import Authority, Issued
from lab.forgery import with_sha1

NAME = "mail.contoso.test"
ROOT = Authority.create("Root")
SUB = ROOT.authority("Sub")
ANCHORS = TrustAnchors.of((parse(ROOT.der),))


def der_of(certificate: object) -> bytes:
    """Return a certificate in DER."""
    return bytes(certificate.public_bytes(serialization.Encoding.DER))  # type: ignore[attr-defined]


def faults(*chain: Certificate) -> dict[Change, str]:
    """Return what speaks against a chain, and what mends it."""
    return {one.change: one.fix for one in chain_faults(chain, ANCHORS)}


def test_each_fault_has_what_mends_it() -> None:
    """An authority signed with SHA-1 is not mended by another certificate for us, nor a missing one."""
    leaf = SUB.issue(NAME)
    weak_leaf, weak_sub = (parse(der_of(with_sha1(*pair))) for pair in ((leaf, SUB), (SUB, ROOT)))
    assert faults(parse(leaf.der), parse(SUB.der)) == {}
    assert "issued anew" in faults(weak_leaf, parse(SUB.der))[Change.SIGNATURE]
    assert (
        "authority's certificate that is signed with SHA-256"
        in (faults(parse(leaf.der), weak_sub)[Change.SIGNATURE])
    )
    assert "intermediate certificates" in faults(parse(leaf.der))[Change.CHAIN]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (ec.generate_private_key(ec.SECP256K1()), "curve secp256k1"),
        (ec.generate_private_key(ec.BrainpoolP256R1()), "curve brainpoolP256r1"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
    ],
    ids=["secp256k1", "brainpool", "ed25519"],
)
def test_a_key_that_few_servers_know(key: ec.EllipticCurvePrivateKey, told: str) -> None:
    """It is the certificate's all the same, and another kind of key mends it."""
    issued = Issued(ROOT.issue(NAME, key=key).certificate, key)
    certificate = parse(issued.der)
    assert told in (key_weakness(certificate) or "")
    assert is_key_of(issued.key_pem, certificate)
    assert not is_key_of(ROOT.key_pem, certificate)
    with pytest.raises(UnusableKeyError, match=told.removeprefix("curve ")) as raised:
        parse_pem(issued.key_pem)
    assert "cert request" in raised.value.fix


def test_a_damaged_key_is_not_mended_by_another_kind() -> None:
    """It is to be given as it was made."""
    damaged = ROOT.key_pem.replace(b"M", b"N", 1)
    with pytest.raises(DamagedKeyError) as raised:
        parse_pem(damaged)
    assert "cert request" not in raised.value.fix
    with pytest.raises(DamagedKeyError):
        is_key_of(damaged, parse(ROOT.der))

"""Where a certificate says that its issuer can be had, and whether what is found there is it."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.issuers import is_issued_by, issuer_locations, read_issuers

from lab.certificates import Authority, self_signed
from lab.revocations import Pointers

ROOT = Authority.create("Lab Root")
SUB = ROOT.authority("Lab Sub")
IMPOSTOR = Authority.create("Lab Sub")
LEAF = parse(SUB.issue("a.test").der)


def test_locations() -> None:
    """Plain http alone, two of them, in the order of the certificate; a responder is none."""
    urls = (
        "ldap://x/",
        "https://x/1",
        "http://x/1",
        "HTTP://x/2",
        "http://x/1",
        "http://x/3",
        "http://" + "x" * 2000,
    )
    named = SUB.issue("a.test", extensions=Pointers(responders=("http://ocsp.test/",), issuers=urls))
    assert issuer_locations(parse(named.der)) == ("http://x/1", "HTTP://x/2")
    assert issuer_locations(LEAF) == ()


def test_issuer_by_name_and_signature() -> None:
    """Not one of the same name, not one above, and nobody who is no authority."""
    assert is_issued_by(LEAF, parse(SUB.der))
    for other in (IMPOSTOR, ROOT, self_signed("Lab Sub")):
        assert not is_issued_by(LEAF, parse(other.der))


@pytest.mark.parametrize(
    "content",
    [
        SUB.der,
        SUB.certificate_pem,
        ROOT.certificate_pem + SUB.certificate_pem,
        serialize_certificates([ROOT.certificate, SUB.certificate], Encoding.DER),
        serialize_certificates([SUB.certificate], Encoding.PEM),
    ],
    ids=["DER", "PEM", "two", "PKCS#7", "PKCS#7 in PEM"],
)
def test_forms(content: bytes) -> None:
    """What authorities publish (RFC 5280 section 4.2.2.1), and PEM, which some do nevertheless."""
    assert [one.der for one in read_issuers(content, LEAF)] == [SUB.der]


@pytest.mark.parametrize("content", [b"", b"<html>", IMPOSTOR.der, ROOT.der, SUB.der[:-1]])
def test_what_is_no_issuer(content: bytes) -> None:
    """It is refused with a reason."""
    with pytest.raises(MalformedCertificateError):
        read_issuers(content, LEAF)


@given(st.binary(max_size=300))
def test_random_octets_raise_nothing_else(content: bytes) -> None:
    """The same for anything at all."""
    with pytest.raises(MalformedCertificateError):
        read_issuers(content, LEAF)

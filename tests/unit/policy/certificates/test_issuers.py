"""Where a certificate says that its issuer can be had, and whether what is found there is it."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.issuers import is_issued_by, issuer_locations, linked, read_issuers

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
    namesake = self_signed("Lab Sub", key=SUB.key)
    renamed = ROOT.authority("Lab Other", key=SUB.key)
    for other in (IMPOSTOR, ROOT, self_signed("Lab Sub"), namesake, renamed):
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


NOT_ISSUED = "what is there has not issued the certificate that names it"
BROKEN = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"<html>", "it is neither PEM nor DER nor PKCS#7"),
        (IMPOSTOR.der, NOT_ISSUED),
        (ROOT.der, NOT_ISSUED),
        (BROKEN, NOT_ISSUED),
        (SUB.der[:-1], "it is neither PEM nor DER nor PKCS#7"),
    ],
)
def test_what_is_no_issuer(content: bytes, why: str) -> None:
    """It is refused with a reason."""
    with pytest.raises(MalformedCertificateError) as raised:
        read_issuers(content, LEAF)
    assert str(raised.value) == why


def test_issuer_among_others() -> None:
    """What is broken or a stranger's is stepped over, the issuer told once; of 32 certificates, no more."""
    found = read_issuers(BROKEN + IMPOSTOR.certificate_pem + SUB.certificate_pem * 2, LEAF)
    assert found == (parse(SUB.der),)
    assert read_issuers(ROOT.certificate_pem * 31 + SUB.certificate_pem, LEAF) == (parse(SUB.der),)
    with pytest.raises(MalformedCertificateError):
        read_issuers(ROOT.certificate_pem * 32 + SUB.certificate_pem, LEAF)


@pytest.mark.parametrize(("octets", "is_followed"), [(2000, True), (2001, False)])
def test_length_of_a_location(octets: int, *, is_followed: bool) -> None:
    """Nobody is led to an endless address."""
    url = "http://" + "x" * (octets - 7)
    named = SUB.issue("a.test", extensions=Pointers(issuers=(url,)))
    assert issuer_locations(parse(named.der)) == ((url,) if is_followed else ())


@pytest.mark.parametrize("kind", [x509.AuthorityInformationAccess.oid, x509.SubjectKeyIdentifier.oid])
def test_location_in_what_cannot_be_read(kind: x509.ObjectIdentifier) -> None:
    """Nobody is led anywhere by a certificate with a broken extension."""
    broken = (x509.UnrecognizedExtension(kind, b"\x30\x05"), False)
    named = SUB.issue("a.test", extensions=[*Pointers(issuers=("http://x/",)), broken])
    assert issuer_locations(parse(named.der)) == ()


def test_chain_by_name_and_signature() -> None:
    """The nearest first, in whatever order the others stand, each once, without what does not belong."""
    sub, root, impostor = (parse(one.der) for one in (SUB, ROOT, IMPOSTOR))
    for others in ([root, impostor, sub], [sub, sub, root], [impostor, sub, LEAF, root]):
        assert linked(LEAF, others) == (LEAF, sub, root)
    assert linked(LEAF, [root]) == (LEAF,)
    assert linked(root, [sub, root]) == (root,)


def test_chain_with_two_ways() -> None:
    """Of equally near ones the order counts; each leads on."""
    other = Authority.create("Other Root")
    cross = parse(other.authority("Lab Sub", key=SUB.key).der)
    sub, root, above = (parse(one.der) for one in (SUB, ROOT, other))
    assert linked(LEAF, [sub, cross, above, root]) == (LEAF, sub, cross, root, above)
    assert linked(LEAF, [cross, sub, above, root]) == (LEAF, cross, sub, above, root)


def test_chain_with_two_authorities_of_one_name() -> None:
    """Each is found for what it signed, though the other one is in the chain already."""
    other = Authority.create("Lab Root")
    cross = parse(other.authority("Lab Sub", key=SUB.key).der)
    sub, root, second = (parse(one.der) for one in (SUB, ROOT, other))
    assert linked(LEAF, [sub, cross, root, second]) == (LEAF, sub, cross, root, second)


@pytest.mark.parametrize("number", [127, 128])
def test_chain_of_many_of_one_name(number: int) -> None:
    """After 128 signatures nobody is looked at any more: a stranger may show many."""
    impostors = [parse(IMPOSTOR.issue(subject=SUB.certificate.subject).der) for _ in range(number)]
    found = linked(LEAF, [*impostors, parse(SUB.der)])
    assert found == ((LEAF, parse(SUB.der)) if number == 127 else (LEAF,))
    assert linked(LEAF, [parse(SUB.der), *impostors, parse(ROOT.der)])[:2] == (LEAF, parse(SUB.der))


@given(st.binary(max_size=300))
def test_random_octets_raise_nothing_else(content: bytes) -> None:
    """The same for anything at all."""
    with pytest.raises(MalformedCertificateError):
        read_issuers(content, LEAF)

"""Octets to facts: what files hold, what certificates say, and what of it is refused."""

import hashlib
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.certificates.certificate import (
    MAXIMUM_FILE_OCTETS,
    MAXIMUM_OCTETS,
    MalformedCertificateError,
    is_authority,
    parse,
    read_certificates,
)

from lab.certificates import Authority, Issued, make, pem, self_signed

DER = serialization.Encoding.DER
ROOT = Authority.create("Lab Root")
SUB = ROOT.authority("Lab Sub")
HOST = SUB.issue("mail.woodgrovebank.test", dns_names=["mail.woodgrovebank.test", "*.woodgrovebank.test"])
CHAIN = (HOST.certificate, SUB.certificate, ROOT.certificate)


def openssl(*arguments: str | Path, content: bytes = b"") -> bytes:
    """Run openssl(1) and return what it prints."""
    done = subprocess.run(["openssl", *arguments], input=content, capture_output=True, check=True)
    return done.stdout


def read(content: bytes) -> list[bytes]:
    """Return the DER of the certificates of a file, in the order they are returned."""
    return [certificate.der for certificate in read_certificates(content)]


def ders(*certificates: x509.Certificate) -> list[bytes]:
    """Return the DER of certificates."""
    return [certificate.public_bytes(DER) for certificate in certificates]


def test_facts_are_read() -> None:
    """Names, dates and issuer come out as they were put in."""
    certificate = parse(HOST.der)
    assert certificate.subject == "CN=mail.woodgrovebank.test"
    assert certificate.issuer == "CN=Lab Sub"
    assert certificate.common_name == "mail.woodgrovebank.test"
    assert certificate.dns_names == ("mail.woodgrovebank.test", "*.woodgrovebank.test")
    assert certificate.not_before == HOST.certificate.not_valid_before_utc
    assert certificate.not_after == HOST.certificate.not_valid_after_utc


@pytest.mark.parametrize("key", ["p256", "p384", "rsa2048", "ed25519"])
def test_digests_are_openssls(key: str) -> None:
    """Both pins are what openssl prints, as Postfix does with the same library."""
    issued = self_signed("mail.woodgrovebank.test", key=key)
    certificate = parse(issued.der)
    printed = openssl("x509", "-noout", "-fingerprint", "-sha256", content=issued.certificate_pem)
    assert (
        printed.decode().strip().split("=")[1].replace(":", "").lower() == certificate.certificate_pin.digest
    )
    public_key = openssl("x509", "-noout", "-pubkey", content=issued.certificate_pem)
    encoded = openssl("pkey", "-pubin", "-outform", "DER", content=public_key)
    assert hashlib.sha256(encoded).hexdigest() == certificate.public_key_pin.digest


def test_empty_subject_is_empty_text() -> None:
    """A certificate with alternative names only has neither subject nor common name."""
    certificate = parse(SUB.issue(dns_names=["mail.woodgrovebank.test"]).der)
    assert (certificate.subject, certificate.common_name) == ("", None)


def test_two_common_names_are_none() -> None:
    """Which of two common names counts is not for a stranger to choose."""
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, text) for text in ("evil.test", "woodgrovebank.test")]
    )
    certificate = parse(SUB.issue(subject=subject).der)
    assert certificate.common_name is None
    assert certificate.subject == "CN=woodgrovebank.test,CN=evil.test"


@pytest.mark.parametrize(
    ("common_name", "shown"),
    [
        ("evil.test\0.woodgrovebank.test", "CN=evil.test\\00.woodgrovebank.test"),
        ("a\nX-Header: b", "CN=a\\0aX-Header: b"),
        ("Smith, John+=", "CN=Smith\\, John\\+="),
        ("#1 ", "CN=\\#1\\ "),
        ("\N{RIGHT-TO-LEFT OVERRIDE}tset", "CN=\\e2\\80\\aetset"),
        ("bücher", "CN=bücher"),
    ],
)
def test_subject_text_is_printable(common_name: str, shown: str) -> None:
    """Whatever the name holds, its text is one printable line; the name itself is kept as it is."""
    certificate = parse(self_signed(common_name).der)
    assert certificate.subject == shown
    assert certificate.subject.isprintable()
    assert certificate.common_name == common_name


def altered(issued: Issued, old: bytes, new: bytes) -> bytes:
    """Return a certificate with octets replaced by as many others; its signature no longer fits."""
    assert issued.der.count(old) >= 1
    assert len(old) == len(new)
    return issued.der.replace(old, new)


def test_invalid_utf8_is_shown_as_digits() -> None:
    """A common name that is not UTF-8 is nobody's, and is shown in hexadecimal."""
    certificate = parse(altered(self_signed("abcdefgh"), b"abcdefgh", b"abc\xff\xfe\0gh"))
    assert certificate.common_name is None
    assert certificate.subject == "CN=#0c08616263fffe006768"


def test_octets_outside_ascii_in_a_dns_name_stay_visible() -> None:
    """A dNSName that is no IA5String cannot pass for a name; it does not vanish either."""
    issued = self_signed(dns_names=["abcdefgh.test"])
    certificate = parse(altered(issued, b"abcdefgh.test", b"abc\xc3\xbcfgh.test"))
    assert certificate.dns_names == ("abc\\xc3\\xbcfgh.test",)


def test_names_of_other_kinds_are_not_dns_names() -> None:
    """IP addresses, mail addresses and URIs never count."""
    others = x509.SubjectAlternativeName(
        [
            x509.RFC822Name("a@woodgrovebank.test"),
            x509.UniformResourceIdentifier("https://woodgrovebank.test/"),
        ]
    )
    assert parse(self_signed("x", extensions=[(others, False)]).der).dns_names == ()


def test_thousands_of_names_are_read() -> None:
    """Many names cost little."""
    names = [f"host{number}.woodgrovebank.test" for number in range(5000)]
    assert parse(self_signed(dns_names=names).der).dns_names == tuple(names)


def test_year_9999_is_read() -> None:
    """The date that RFC 5280 has for "no end" is a date."""
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert parse(self_signed("x", not_after=end).der).not_after == end


@pytest.mark.parametrize("serial", ["0", "-5"])
def test_serial_numbers_that_are_not_positive_are_read_in_silence(tmp_path: Path, serial: str) -> None:
    """Old authorities have them; the library's warning would be an error in these tests."""
    (tmp_path / "key.pem").write_bytes(ROOT.key_pem)
    subject = ("-subj", "/CN=Old Authority", "-days", "30", "-set_serial", serial)
    certificate = openssl("req", "-x509", "-key", tmp_path / "key.pem", *subject)
    assert [one.subject for one in read_certificates(certificate)] == ["CN=Old Authority"]


@pytest.mark.parametrize(
    "value", [b"", b"\x30\x03\x82\x05x", b"\x04\0", b"\x30\x03\x0c\x01x", b"\x30\x80\x82\x01x\0\0"]
)
def test_unreadable_alternative_names_are_refused(value: bytes) -> None:
    """A certificate whose names cannot be read does not pass for one without names."""
    broken = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, value)
    with pytest.raises(MalformedCertificateError) as raised:
        parse(self_signed("woodgrovebank.test", extensions=[(broken, False)]).der)
    endless = "its names are encoded without a length"
    assert str(raised.value) == (endless if b"\x80" in value else NO_CERTIFICATE)


def test_authorities_are_told_from_hosts() -> None:
    """Basic constraints decide."""
    assert [is_authority(parse(der)) for der in ders(*CHAIN)] == [False, True, True]


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        (b"\x30\3\1\1\xff", True),
        (b"\x30\3\1\1\0", False),
        (b"\x30\0", False),
        (b"\x30\3\1\1\xff\0", False),
        (b"\x30\3\1\1", False),
        (b"\5\0", False),
        (b"", False),
    ],
)
def test_authorities_by_the_octets(value: bytes, *, is_one: bool) -> None:
    """Basic constraints that cannot be read, or are followed by something, make nobody an authority."""
    constraints = x509.UnrecognizedExtension(x509.BasicConstraints.oid, value)
    assert is_authority(parse(self_signed("x", extensions=[(constraints, True)]).der)) is is_one
    without = make("x")
    assert not is_authority(parse(without.der))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1), (0, 0, 2, 1, 1)])
def test_chain_is_ordered(order: tuple[int, ...]) -> None:
    """The host's certificate comes first and then its issuers, however they stand in the file."""
    assert read(pem(*(CHAIN[position] for position in order))) == ders(*CHAIN)


def test_forms_of_files() -> None:
    """PEM with text around, carriage returns, UTF-16 of Windows, DER and PKCS#7 say the same."""
    text = b"Bag Attributes\n    friendlyName: x\nsubject=/CN=x\n" + HOST.pem() + b"\ntrailing\n"
    for content in (text, text.replace(b"\n", b"\r\n"), text.decode().encode("utf-16")):
        assert read(content) == ders(*CHAIN[:2])
    assert read(HOST.der) == [HOST.der]
    for encoding in (DER, serialization.Encoding.PEM):
        assert read(pkcs7.serialize_certificates(CHAIN, encoding)) == ders(*CHAIN)


def test_openssl_makes_files_we_read(tmp_path: Path) -> None:
    """PKCS#7 and annotated PEM as openssl writes them."""
    file = tmp_path / "chain.pem"
    file.write_bytes(pem(*reversed(CHAIN)))
    for form in ("PEM", "DER"):
        bundle = openssl("crl2pkcs7", "-nocrl", "-certfile", file, "-outform", form)
        assert read(bundle) == ders(*CHAIN)
    assert read(openssl("x509", "-text", content=HOST.certificate_pem)) == [HOST.der]


def test_private_key_is_stepped_over() -> None:
    """A key beside the certificate is no hindrance, even one that cannot be decoded."""
    broken = HOST.key_pem.replace(b"M", b"!")
    assert read(HOST.key_pem + broken + HOST.certificate_pem) == [HOST.der]


def test_file_of_authorities() -> None:
    """The least of them comes first, also where they issued each other in circles."""
    assert read(pem(ROOT.certificate, SUB.certificate)) == ders(SUB.certificate, ROOT.certificate)
    first = Authority.create("First")
    second = first.authority("Second")
    circle = second.authority("First", key=first.key)
    for order in ((circle, second), (second, circle)):
        files = [one.certificate for one in order]
        assert read(pem(*files)) == ders(*files)


def test_authority_that_has_nothing_to_do_with_the_host() -> None:
    """It stays behind, though nobody in the file has it as issuer."""
    other = Authority.create("Other")
    assert read(pem(other.certificate, HOST.certificate)) == ders(HOST.certificate, other.certificate)


def test_authority_without_basic_constraints_stays_behind_its_host() -> None:
    """An authority of the old kind is known by what it issued."""
    old = self_signed("Old Root")
    host = Authority(old.certificate, old.key).issue("mail.woodgrovebank.test")
    assert read(pem(old.certificate, host.certificate)) == ders(host.certificate, old.certificate)


NEITHER = "it is neither PEM nor DER nor PKCS#7"
NO_CERTIFICATE = "it is not a certificate as RFC 5280 wants it"
SEVERAL = "certificates that are no authority's"
NO_PKCS7 = "it is not a PKCS#7 file with certificates"
BROKEN = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
REQUEST = b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"
EMPTY_PKCS7 = bytes.fromhex(
    "3025 06092a864886f70d010702 a018 3016 020101 3100 300b 06092a864886f70d010701 a000 3100"
)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"hello", NEITHER),
        (HOST.key_pem, "it holds a private key and no certificate"),
        (REQUEST, "it holds something else and no certificate"),
        (REQUEST + HOST.key_pem, "it holds a private key and no certificate"),
        (HOST.certificate_pem[:-40], "it ends in the middle of a block (CERTIFICATE)"),
        (HOST.certificate_pem.replace(b"M", b"!", 1), "a block in it is not base64"),
        (BROKEN, f"certificate 1 is broken: {NO_CERTIFICATE}"),
        (HOST.certificate_pem * 2 + BROKEN, f"certificate 2 is broken: {NO_CERTIFICATE}"),
        (HOST.der[:-1], NEITHER),
        (HOST.der + b"\0", NEITHER),
        (
            pem(HOST.certificate, SUB.issue("other.test").certificate),
            f"it holds 2 {SEVERAL} (CN=mail.woodgrovebank.test, CN=other.test); give them one at a time",
        ),
        (
            pem(*(SUB.issue(name).certificate for name in ("a", None, "c", "d")), SUB.certificate),
            f"it holds 4 {SEVERAL} (CN=a, (no subject), CN=c); give them one at a time",
        ),
        (
            pem(*(ROOT.authority(str(number)).certificate for number in range(33))),
            "it holds more than 32 certificates",
        ),
        (b"x" * MAXIMUM_FILE_OCTETS, NEITHER),
        (b"x" * (MAXIMUM_FILE_OCTETS + 1), "it is larger than 1024 KiB"),
        (b"-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n", NO_PKCS7),
        (bytes.fromhex("300b06092a864886f70d010702"), NO_PKCS7),
        (EMPTY_PKCS7, "it is a PKCS#7 file without certificates"),
        (
            pkcs12.serialize_key_and_certificates(
                None,
                HOST.key,
                HOST.certificate,
                None,
                serialization.NoEncryption(),  # type: ignore[arg-type]
            ),
            "it is a PFX (PKCS#12) or a private key",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_files_are_refused_in_words(content: bytes, why: str) -> None:
    """Each says in one printable clause what is wrong with it."""
    with pytest.raises(MalformedCertificateError) as raised:
        read_certificates(content)
    assert str(raised.value) == why


@pytest.mark.parametrize(
    ("octets", "why"), [(MAXIMUM_OCTETS, NO_CERTIFICATE), (MAXIMUM_OCTETS + 1, "it is larger than 256 KiB")]
)
def test_size_of_a_certificate(octets: int, why: str) -> None:
    """A quarter of a mebibyte is read, and found to be none."""
    with pytest.raises(MalformedCertificateError) as raised:
        parse(b"\x30" * octets)
    assert str(raised.value) == why


def test_number_of_certificates() -> None:
    """Thirty-two of a file are read, however often they stand there."""
    many = [ROOT.authority(str(number)).certificate for number in range(32)]
    assert len(read(pem(*many, *many))) == 32


def test_hostile_armour_costs_no_time() -> None:
    """A megabyte of beginnings without an end is read once."""
    line = b"-----BEGIN CERTIFICATE-----\n"
    with pytest.raises(MalformedCertificateError):
        read_certificates(line * (MAXIMUM_FILE_OCTETS // len(line)))


@given(st.binary(max_size=300))
def test_random_octets_raise_nothing_else(content: bytes) -> None:
    """Whatever a file holds, it becomes certificates or one kind of error."""
    for octets in (content, b"\x30\x82" + content, b"-----BEGIN CERTIFICATE-----\n" + content):
        with pytest.raises(MalformedCertificateError):
            read_certificates(octets)


@given(st.integers(0, len(HOST.der) - 1), st.binary(min_size=1, max_size=4))
def test_damaged_certificates_raise_nothing_else(position: int, damage: bytes) -> None:
    """A certificate with some octets changed gives facts or one kind of error, and no warning."""
    try:
        certificate = parse(HOST.der[:position] + damage + HOST.der[position + len(damage) :])
    except MalformedCertificateError:
        return
    assert certificate.subject.isprintable()
    assert certificate.issuer.isprintable()
    assert is_authority(certificate) in {True, False}

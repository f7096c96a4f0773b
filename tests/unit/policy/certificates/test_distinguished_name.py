"""Names of subjects and issuers: which of them are the same."""

import pytest
from asn1crypto import core
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.certificates.distinguished_name import common_name, comparable, name_text


def name(text: str, kind: _ASN1Type = _ASN1Type.UTF8String) -> bytes:
    """Return a Name with one attribute that may be long, in DER."""
    return x509.Name([x509.NameAttribute(NameOID.STREET_ADDRESS, text, kind)]).public_bytes()


@pytest.mark.parametrize(
    "other",
    [name("lab ROOT"), name("Lab   Root"), name(" Lab Root "), name("Lab Root", _ASN1Type.PrintableString)],
)
def test_equal_names(other: bytes) -> None:
    """Case, spaces and string type are not part of a name (RFC 5280 section 7.1)."""
    assert comparable(other) == comparable(name("Lab Root"))


@pytest.mark.parametrize("other", [name("LabRoot"), name("Lab Root 2"), x509.Name([]).public_bytes()])
def test_unequal_names(other: bytes) -> None:
    """Letters are."""
    assert comparable(other) != comparable(name("Lab Root"))


@pytest.mark.parametrize("text", ["Lab \N{SLICE OF PIZZA}", "x" * 5000])
def test_names_without_normal_form_equal_themselves(text: str) -> None:
    """A name that cannot be brought into normal form, or only slowly, is compared as octets."""
    assert comparable(name(text)) == name(text)
    assert comparable(name(text + "!")) != comparable(name(text))


@given(st.integers(0, 255), st.binary(max_size=40))
def test_any_type_of_value(tag: int, content: bytes) -> None:
    """An attribute of whatever type is text, or shown in digits."""
    value = bytes([tag, len(content)]) + content
    attribute = b"\x06\x03\x55\x04\x03" + value
    pair = b"\x30" + bytes([len(attribute)]) + attribute
    rdn = b"\x31" + bytes([len(pair)]) + pair
    encoded = b"\x30" + bytes([len(rdn)]) + rdn
    try:
        text = name_text(encoded)
    except ValueError:
        return
    assert text.isprintable()
    assert text.startswith("CN=")
    assert comparable(encoded) == comparable(encoded)
    assert (common_name(encoded) is None) is (text == f"CN=#{value.hex()}")


@given(st.binary(max_size=60))
def test_any_octets(octets: bytes) -> None:
    """Whatever stands where a name belongs, it is compared, and read or refused in one way."""
    assert comparable(octets) == comparable(octets)
    for read in (name_text, common_name):
        try:
            read(octets)
        except ValueError:
            continue


def attribute(text: str, kind: x509.ObjectIdentifier = NameOID.COMMON_NAME) -> x509.NameAttribute:
    """Return an attribute of a name."""
    return x509.NameAttribute(kind, text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" ", "\\ "),
        ("  ", "\\ \\ "),
        ("a ", "a\\ "),
        (" a", "\\ a"),
        ("#a", "\\#a"),
        ("a#a", "a#a"),
        ("a a", "a a"),
        ('"+,;<>\\', '\\"\\+\\,\\;\\<\\>\\\\'),
        ("a=b", "a=b"),
        ("\N{BELL}x\x7f", "\N{BELL}x\\7f"),
        ("\N{NO-BREAK SPACE}", "\\c2\\a0"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200 + "…"),
        ("," * 101, "\\," * 100 + "…"),
    ],
)
def test_text_of_a_value(text: str, shown: str) -> None:
    """As RFC 4514 section 2.4 wants it, of two hundred characters."""
    assert name_text(name(text)) == f"STREET={shown}"


def test_text_of_a_name() -> None:
    """The most specific part first, several of one part joined, and kinds by their short names or numbers."""
    parts = [
        x509.RelativeDistinguishedName([attribute("XX", NameOID.COUNTRY_NAME)]),
        x509.RelativeDistinguishedName([attribute("Lab", NameOID.ORGANIZATION_NAME)]),
        x509.RelativeDistinguishedName(
            [attribute("a.test"), attribute("unit", NameOID.ORGANIZATIONAL_UNIT_NAME)]
        ),
        x509.RelativeDistinguishedName([attribute("7", NameOID.SERIAL_NUMBER)]),
    ]
    whole = x509.Name(parts).public_bytes()
    assert name_text(whole) == "2.5.4.5=7,OU=unit+CN=a.test,O=Lab,C=XX"
    assert common_name(whole) == "a.test"
    assert name_text(x509.Name([]).public_bytes()) == ""
    assert common_name(x509.Name([]).public_bytes()) is None


@pytest.mark.parametrize("kind", ["utc", "number"])
def test_common_name_that_is_no_text(kind: str) -> None:
    """A time, or a number, is nobody's name, though a library may show it as text."""
    value = core.UTCTime("260101000000Z") if kind == "utc" else core.Integer(5)
    encoded = value.dump()
    whole = x509.Name([attribute("?" * (len(encoded) - 2))]).public_bytes()
    position = whole.index(b"?")
    changed = whole[: position - 2] + encoded + whole[position + len(encoded) - 2 :]
    assert common_name(changed) is None
    assert name_text(changed) == f"CN=#{encoded.hex()}"


@pytest.mark.parametrize(("octets", "is_normal"), [(4096, True), (4097, False)])
def test_longest_name_that_is_brought_into_normal_form(octets: int, *, is_normal: bool) -> None:
    """Beyond it equal names are not found equal, which costs a stranger alone."""
    text = "a" * (octets - len(name("a" * 4000)) + 4000)
    assert len(name(text)) == octets
    assert (comparable(name(text)) == comparable(name(text.upper()))) is is_normal

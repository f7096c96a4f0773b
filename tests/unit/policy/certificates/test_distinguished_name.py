"""Names of subjects and issuers: which of them are the same."""

import pytest
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

"""Files that bring a certificate: every format, and every way to be broken."""

import base64
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs7, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.own.key_bundle import Bundle
from domain_secure.policy.own.private_key import LockedKeyError, UnusableKeyError, encrypted_pem, to_pem

from lab.certificates import Authority, new_key

ROOT = Authority.create("Root")
SUB = ROOT.authority("Sub")
HOST = SUB.issue("mail.contoso.test", dns_names=["mail.contoso.test"])
MODERN = PrivateFormat.PKCS12.encryption_builder().hmac_hash(hashes.SHA256())
LEGACY = (
    PrivateFormat.PKCS12.encryption_builder()
    .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
    .hmac_hash(hashes.SHA1())  # noqa: S303 - what Windows wrote for twenty years
)


def pfx(encryption: serialization.KeySerializationEncryption, name: bytes | None = b"Contoso mail") -> bytes:
    """Return the host's certificate with chain and key."""
    return pkcs12.serialize_key_and_certificates(
        name, HOST.key, HOST.certificate, [SUB.certificate, ROOT.certificate], encryption
    )


SESAME = pfx(MODERN.build(b"sesame"))


@pytest.mark.parametrize(
    "encryption", [MODERN.build(b"sesame"), LEGACY.build(b"sesame"), serialization.NoEncryption()]
)
def test_pfx(encryption: serialization.KeySerializationEncryption) -> None:
    """Certificate, chain, key and friendly name of a PFX, of today and of yesterday."""
    password = None if isinstance(encryption, serialization.NoEncryption) else b"sesame"
    bundle = Bundle.read(pfx(encryption), password)
    assert [one.subject for one in bundle.certificates] == ["CN=mail.contoso.test", "CN=Sub", "CN=Root"]
    assert bundle.friendly_name == "Contoso mail"
    assert [to_pem(key) for key in bundle.keys] == [HOST.key_pem]


@pytest.mark.parametrize("password", [None, b"wrong", b""])
def test_pfx_that_stays_shut(password: bytes | None) -> None:
    """Without the right password it is told that the password is at fault."""
    with pytest.raises(LockedKeyError, match="password"):
        Bundle.read(SESAME, password)


@pytest.mark.parametrize("cut", [10, 100, 1000, len(SESAME) - 1])
def test_truncated_pfx(cut: int) -> None:
    """A PFX that was cut off is told as such, whatever the password."""
    with pytest.raises(MalformedCertificateError, match="damaged PFX"):
        Bundle.read(SESAME[:cut], b"sesame")


def der_of(certificate: x509.Certificate) -> bytes:
    """Return a certificate in DER."""
    return certificate.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("content", "certificates", "keys"),
    [
        (HOST.pem(key=True), 2, 1),
        (HOST.pem() + HOST.key_pem, 2, 1),
        (HOST.pem(key=True).replace(b"\n", b"\r\n"), 2, 1),
        (b"\xff\xfe" + HOST.pem(key=True).decode().encode("utf-16-le"), 2, 1),
        (HOST.key_pem, 0, 1),
        (encrypted_pem(HOST.key, b"sesame"), 0, 1),  # type: ignore[arg-type]
        (HOST.der, 1, 0),
        (
            pkcs7.serialize_certificates([ROOT.certificate, HOST.certificate], serialization.Encoding.DER),
            2,
            0,
        ),
        (pkcs7.serialize_certificates([HOST.certificate], serialization.Encoding.PEM), 1, 0),
        (base64.b64decode(b"".join(HOST.key_pem.splitlines()[1:-1])), 0, 1),
    ],
    ids=["pem", "pem-key-last", "crlf", "utf-16", "key", "locked", "der", "p7b", "p7b-pem", "key-der"],
)
def test_other_formats(content: bytes, certificates: int, keys: int) -> None:
    """What is in a file counts, and not what it is called."""
    bundle = Bundle.read(content, b"sesame")
    assert (len(bundle.certificates), len(bundle.keys)) == (certificates, keys)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", MalformedCertificateError),
        (b"hello", MalformedCertificateError),
        (b"\0" * (1024 * 1024 + 1), MalformedCertificateError),
        (HOST.pem()[:-40], MalformedCertificateError),
        (HOST.der[:-1], MalformedCertificateError),
        (HOST.der + b"\0", MalformedCertificateError),
        (HOST.key_pem.replace(b"MIG", b"MIH"), UnusableKeyError),
        (HOST.key_pem * 17, MalformedCertificateError),
        (new_key("ed25519").private_bytes(serialization.Encoding.PEM, PrivateFormat.PKCS8,
                                          serialization.NoEncryption()), UnusableKeyError),
        (b"\x30\x80\x02\x01\x03", LockedKeyError),
    ],
)  # fmt: skip
def test_what_cannot_be_read(content: bytes, error: type[Exception]) -> None:
    """Each is refused by one clause for a person."""
    with pytest.raises(error, match=r"\w+"):
        Bundle.read(content, None)


def test_endless_pfx() -> None:
    """An iteration count that would keep us for hours is refused at once."""
    mac_data = bytes.fromhex("300a 3000 0400 0204 7fffffff")
    with pytest.raises(MalformedCertificateError, match="absurd"):
        Bundle.read(bytes.fromhex("3011 020103 3000") + mac_data, b"sesame")


@pytest.mark.parametrize("content", [HOST.pem(key=True), SESAME, HOST.der])
@given(data=st.data())
def test_any_damage_is_told(content: bytes, data: st.DataObject) -> None:
    """Whatever octet is changed or lost, the file is read or refused, and nothing else is raised."""
    position = data.draw(st.integers(0, len(content) - 1))
    octet = data.draw(st.binary(max_size=2))
    damaged = content[:position] + octet + content[position + 1 :]
    with suppress(MalformedCertificateError, UnusableKeyError):
        Bundle.read(damaged, b"sesame")


@given(st.binary(max_size=200))
def test_random_octets(content: bytes) -> None:
    """Random octets are read or refused, and nothing else is raised."""
    with suppress(MalformedCertificateError, UnusableKeyError):
        Bundle.read(content, None)


def test_keys_are_not_shown() -> None:
    """A bundle that is printed, in a traceback say, shows no key."""
    assert "keys" not in repr(Bundle.read(HOST.pem(key=True)))


@pytest.mark.parametrize("label", ["RSA PRIVATE KEY", "CERTIFICATE", "PRIVATE KEY"])
def test_megabyte_of_boundaries(label: str) -> None:
    """A file of beginnings without an end is refused in one pass."""
    line = f"-----BEGIN {label}-----\n".encode()
    with pytest.raises(MalformedCertificateError, match="middle of a block"):
        Bundle.read(line * (1_000_000 // len(line)))


def test_byte_order_mark() -> None:
    """Windows editors put one in front of text."""
    assert Bundle.read(b"\xef\xbb\xbf" + HOST.pem(key=True)).keys

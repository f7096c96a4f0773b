"""Private keys: which are usable, how they are read, and that nothing of them shows."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.own.private_key import (
    KeyType,
    LockedKeyError,
    UnusableKeyError,
    belongs_to,
    encrypted_pem,
    generate,
    is_encrypted,
    kind_of,
    parse_der,
    parse_pem,
    to_pem,
)

from lab.certificates import new_key, self_signed

KEY = generate(KeyType.EC_P256)


def der(key: PrivateKeyTypes, password: bytes | None = None) -> bytes:
    """Return a key as PKCS#8 in DER."""
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize("kind", [KeyType.EC_P256, KeyType.EC_P384, KeyType.RSA_2048])
def test_what_is_made_is_what_was_asked_for(kind: KeyType) -> None:
    """The key in a certificate has the kind under which it was made, and belongs to it alone."""
    key = generate(kind)
    certificate = parse(self_signed("mail.contoso.test", key=key).der)
    assert kind_of(certificate) == kind
    assert belongs_to(key, certificate)
    assert not belongs_to(KEY, certificate)


@pytest.mark.parametrize(
    ("text", "says"),
    [("ed25519", "do not know Ed25519"), ("Ed448", "do not know"), ("rsa-1024", "none of ec-p256, ec-p384")],
)
def test_kinds_that_are_refused(text: str, says: str) -> None:
    """What peers cannot deal with is refused with the reason."""
    with pytest.raises(UnusableKeyError, match=says):
        KeyType.parse(text)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (new_key("rsa1024"), "below 2048 bits; this one has 1024"),
        (ed25519.Ed25519PrivateKey.generate(), "do not know Ed25519"),
        (ec.generate_private_key(ec.SECP256K1()), "few mail servers know the curve secp256k1"),
    ],
    ids=["short", "ed25519", "curve"],
)
def test_keys_that_are_refused(key: PrivateKeyTypes, says: str) -> None:
    """A key that peers refuse is not taken in, in whatever form it comes."""
    with pytest.raises(UnusableKeyError, match=says):
        parse_der(der(key))


def test_password_opens_a_key() -> None:
    """An encrypted key is opened by its password alone, in PEM and in DER."""
    pem = encrypted_pem(KEY, b"sesame")
    assert is_encrypted(pem)
    assert not is_encrypted(to_pem(KEY))
    assert to_pem(parse_pem(pem, b"sesame")) == to_pem(KEY)
    assert to_pem(parse_der(der(KEY, b"sesame"), b"sesame")) == to_pem(KEY)
    for password in (None, b"wrong"):
        with pytest.raises(LockedKeyError):
            parse_pem(pem, password)
        with pytest.raises(LockedKeyError):
            parse_der(der(KEY, b"sesame"), password)


def test_password_for_an_open_key_is_not_needed() -> None:
    """A password that nothing asks for does no harm."""
    assert to_pem(parse_pem(to_pem(KEY), b"sesame")) == to_pem(KEY)
    assert to_pem(parse_der(der(KEY), b"sesame")) == to_pem(KEY)


def test_damaged_key() -> None:
    """A damaged key is told as such, and nothing of it is in the words."""
    pem = to_pem(KEY).replace(b"MIG", b"MIH")
    with pytest.raises(UnusableKeyError) as caught:
        parse_pem(pem)
    assert str(caught.value) == "the private key is damaged, or of a kind that is not known here"
    with pytest.raises(UnusableKeyError):
        parse_der(der(KEY)[:-3])

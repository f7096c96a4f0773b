"""Private keys of our own certificates: which kinds there are, how one is made, read and compared.

Owns: PKCS#8 in and out; which keys other mail servers can deal with.
Must not know: where keys are kept.
Invariant: no text made here holds any part of a key or of a password.
Sources: RFC 5958 (PKCS#8), RFC 7468 section 10; CA/Browser Forum Baseline Requirements section 6.1.5.
"""

import re
from enum import StrEnum, unique

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certificate_structure import load
from domain_secure.policy.certificates.weaknesses import CURVES, LARGEST_RSA

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_SMALLEST_RSA = 2048
_ENCRYPTED = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4,ENCRYPTED", re.MULTILINE)
_EDWARDS = (
    "many mail servers do not know Ed25519 and Ed448: the handshake with them would fail, "
    "and no public authority issues certificates for them"
)


class UnusableKeyError(ValueError):
    """A private key cannot be used; the argument says why, *fix* what to do, in one clause for a person."""

    fix = "have one issued for a key of `domain-secure cert request`, which other servers can deal with"


class LockedKeyError(UnusableKeyError):
    """A private key is encrypted, and the password that was given, if any, does not open it."""

    fix = "give its password with --password-file"


class DamagedKeyError(UnusableKeyError):
    """What should be a private key cannot be read as one."""

    fix = "give the key as it was made, in PEM, DER or a PFX"


@unique
class KeyType(StrEnum):
    """What may be asked for in a request."""

    EC_P256 = "ec-p256"
    EC_P384 = "ec-p384"
    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"

    @classmethod
    def parse(cls, text: str) -> "KeyType":
        """Return the kind named *text*; raises UnusableKeyError with the reason for any other."""
        folded = text.strip().lower()
        if folded in set(cls):
            return cls(folded)
        if folded in {"ed25519", "ed448"}:
            raise UnusableKeyError(_EDWARDS)
        raise UnusableKeyError(f"{text!r} is none of {', '.join(cls)}")


def generate(kind: KeyType) -> PrivateKey:
    """Return a new key."""
    family, _, size = kind.partition("-")
    if family == "rsa":
        return rsa.generate_private_key(65537, int(size))
    return ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}[size])


def kind_of(certificate: Certificate) -> str:
    """Return the kind of a certificate's key in the words of `KeyType`, also for kinds not made here."""
    try:
        key = load(certificate.der).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "unknown"
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa-{key.key_size}"
    return f"ec-p{key.key_size}" if isinstance(key, ec.EllipticCurvePublicKey) else "unknown"


def is_encrypted(pem: bytes) -> bool:
    """Tell whether a PEM text holds an encrypted private key."""
    return _ENCRYPTED.search(pem) is not None


def parse_pem(block: bytes, password: bytes | None = None) -> PrivateKey:
    """Return the key in one PEM block; raises UnusableKeyError, LockedKeyError where it stays encrypted."""
    encrypted = is_encrypted(block)
    if encrypted and password is None:
        raise LockedKeyError("the private key is encrypted, and no password was given")
    given = password if encrypted else None
    try:
        # Whether it is consistent takes minutes to find out for a key of absurd length.
        usable(serialization.load_pem_private_key(block, given, unsafe_skip_rsa_key_validation=True))
        key = serialization.load_pem_private_key(block, given)
    except UnusableKeyError:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unreadable(encrypted=encrypted) from error
    return usable(key)


def parse_der(content: bytes, password: bytes | None = None) -> PrivateKey:
    """Return the key in DER, PKCS#8 or the older forms of one algorithm; raises as `parse_pem`."""
    try:
        return _loaded_der(content, None)
    except TypeError:
        if password is None:
            raise LockedKeyError("the private key is encrypted, and no password was given") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        if isinstance(error, UnusableKeyError):
            raise
        raise _unreadable(encrypted=False) from error
    try:
        return _loaded_der(content, password)
    except UnusableKeyError:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unreadable(encrypted=True) from error


def _loaded_der(content: bytes, password: bytes | None) -> PrivateKey:
    usable(serialization.load_der_private_key(content, password, unsafe_skip_rsa_key_validation=True))
    return usable(serialization.load_der_private_key(content, password))


def _unreadable(*, encrypted: bool) -> UnusableKeyError:
    if encrypted:
        return LockedKeyError("the password does not open the private key")
    return DamagedKeyError("the private key is damaged, or of a kind that is not known here")


def usable(key: object) -> PrivateKey:
    """Return *key* if other mail servers can deal with it; raises UnusableKeyError with the reason."""
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _SMALLEST_RSA:
            raise UnusableKeyError(
                f"mail servers refuse RSA keys below {_SMALLEST_RSA} bits; this one has {key.key_size}"
            )
        if key.key_size > LARGEST_RSA:
            raise UnusableKeyError(
                f"the RSA key has {key.key_size} bits, and each handshake with it keeps the server busy; "
                f"{LARGEST_RSA} are the most"
            )
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey):
        if key.curve.name not in CURVES:
            raise UnusableKeyError(f"few mail servers know the curve {key.curve.name}; use P-256 or P-384")
        return key
    if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        raise UnusableKeyError(_EDWARDS)
    raise UnusableKeyError("the private key is neither RSA nor of an elliptic curve for signatures")


def to_pem(key: PrivateKey) -> bytes:
    """Return the key unencrypted, for a file that only its owner may read."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def encrypted_pem(key: PrivateKey, password: bytes) -> bytes:
    """Return the key encrypted with a password, for a medium that may be lost."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password),
    )


def is_key_of(block: bytes, certificate: Certificate) -> bool:
    """Tell whether a PEM block is the private key of *certificate*, whether others can deal with it or not.

    Raises LockedKeyError, DamagedKeyError for what is no key, and UnusableKeyError for what OpenSSL does not
    load as Debian sets it up (SSL_CTX_set_security_level(3), level 2).
    """
    if is_encrypted(block):
        raise LockedKeyError("the private key is encrypted, and a mail server has nobody to ask")
    try:
        key = serialization.load_pem_private_key(block, None, unsafe_skip_rsa_key_validation=True)
        is_its = bool(load(certificate.der).public_key() == key.public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unreadable(encrypted=False) from error
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < _SMALLEST_RSA:
        usable(key)
    return is_its


def belongs_to(key: PrivateKey, certificate: Certificate) -> bool:
    """Tell whether *key* is the one the certificate is for; not whether the certificate is good."""
    try:
        return load(certificate.der).public_key() == key.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False

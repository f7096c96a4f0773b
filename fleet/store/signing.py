"""The administrator's key: made, read, and used for new revisions.

Owns: the file of the private key.  Source: RFC 8410 (PKCS#8 of Ed25519).
"""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.problems import Problem


def make_key(path: Path) -> PublicKey:
    """Write a new key that only its owner may read, and return its public half; raises Problem, OSError."""
    key, pem = new_key()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Problem("there is a file of this name", str(path), "name another file") from error
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem)
    return PublicKey.of(key)


def new_key() -> tuple[Ed25519PrivateKey, bytes]:
    """Return a new key, and what its file holds."""
    key = Ed25519PrivateKey.generate()
    return key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in a file; raises Problem."""
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise Problem(
            f"cannot read the signing key ({error.strerror})", str(path), "run this as its owner"
        ) from error
    return key_of(pem, path, _MAKE)


def key_of(pem: bytes, path: Path, fix: str) -> Ed25519PrivateKey:
    """Return the key that the file at *path* holds; raises Problem with this *fix*."""
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Problem("this is no private key without a passphrase", str(path), fix) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Problem("this is not an Ed25519 key", str(path), fix)
    return key


_MAKE = "make one with `domain-secure fleet key FILE`"

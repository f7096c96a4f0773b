"""What kind of key a certificate has, in a few words for people."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from .certificate import Certificate
from .certificate_structure import load


def key_text(certificate: Certificate) -> str:
    """Return kind and size, such as ``RSA, 2048 bits`` or ``EC, secp256r1``; raises nothing."""
    try:
        key = load(certificate.der).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        return "cannot be read"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA, {key.key_size} bits"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC, {key.curve.name}"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519"
    return "Ed448" if isinstance(key, ed448.Ed448PublicKey) else "of another kind"

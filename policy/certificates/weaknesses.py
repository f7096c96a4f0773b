"""What about a certificate by itself keeps other mail servers from accepting it: its key, its signature.

Owns: these two questions, for one certificate apart from any path.
Must not know: who is trusted, whose certificate it is.
Sources: RFC 5480 section 2.1.1 (named curves); RFC 4055 section 1.2 (id-RSASSA-PSS); CA/Browser Forum
Baseline Requirements sections 6.1.5 and 7.1.3.
"""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from .certificate import Certificate
from .certificate_structure import load
from .path_faults import key_fault_of, signature_fault_of

#: OpenSSL signs three to five times as long for each doubling, and public authorities issue none above it.
LARGEST_RSA = 4096
#: That mail servers know by what OpenSSL and Windows offer of themselves (RFC 8422 section 5.1.1).
CURVES = ("secp256r1", "secp384r1", "secp521r1")
_RSA_PSS = "1.2.840.113549.1.1.10"


def key_weakness(certificate: Certificate) -> str | None:
    """Return why servers cannot deal with the key of *certificate*, as ``key …``; None: they can."""
    try:
        loaded = load(certificate.der)
        kind, key = loaded.public_key_algorithm_oid.dotted_string, loaded.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        return "key cannot be read"
    if kind == _RSA_PSS:
        return "key is for RSA-PSS alone (id-RSASSA-PSS), which many mail servers do not know"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size > LARGEST_RSA:
        return f"key has {key.key_size} bits, and each handshake with it keeps the server busy"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in CURVES:
        # Explicit parameters of a known curve are read as that curve; of these the next question is.
        return f"key is on the curve {key.curve.name}, which few mail servers know; use P-256 or P-384"
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return "key is of Ed25519 or Ed448, which many mail servers do not know"
    return key_fault_of(certificate)


def signature_weakness(certificate: Certificate) -> str | None:
    """Return why the signature on *certificate* is no longer accepted, as ``signature …``; None: it is."""
    return signature_fault_of(certificate)

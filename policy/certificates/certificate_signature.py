"""Whether one certificate's key made the signature on another.

Owns: that question alone, for any two keys that a stranger may put side by side; names are not compared.
Invariant: no input raises.  A candidate whose key is of another kind, or cannot be read, did not sign.
Source: RFC 5280 section 4.1.1.3.
"""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

from .certificate import Certificate
from .certificate_structure import load

_RSA_PADDINGS = (padding.PKCS1v15, padding.PSS)


def may_have_signed(issuer: Certificate, subject: Certificate) -> bool:
    """Tell whether the signature on *subject* is by the key of *issuer*.

    True also for a signature by an algorithm that is no longer supported and so cannot be checked: which
    algorithms are refused is told by whoever judges the path, with a reason that people can act on.
    """
    try:
        signed = load(subject.der)
        parameters = signed.signature_algorithm_parameters
    except UnsupportedAlgorithm:
        return True
    except Exception:  # noqa: BLE001 - whatever a library makes of it, this candidate did not sign
        return False
    try:
        _verify(load(issuer.der).public_key(), signed, parameters)
    except UnsupportedAlgorithm:
        return True
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


def _verify(key: object, signed: x509.Certificate, parameters: object) -> None:
    """Raise an exception of any kind unless *key* made the signature."""
    signature, content = signed.signature, signed.tbs_certificate_bytes
    digest = signed.signature_hash_algorithm
    if isinstance(key, rsa.RSAPublicKey) and digest is not None:
        # The library knows no parameters of the digests that it no longer signs with.
        form = padding.PKCS1v15() if parameters is None else parameters
        if not isinstance(form, _RSA_PADDINGS):
            raise TypeError
        key.verify(signature, content, form, digest)
    elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(parameters, ec.ECDSA):
        key.verify(signature, content, parameters)
    elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey) and parameters is None:
        key.verify(signature, content)
    else:
        raise TypeError

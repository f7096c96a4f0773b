"""Certificates that no library makes: taken apart, changed, and signed again."""

from collections.abc import Callable
from typing import Any

from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from .certificates import Issued

Change = Callable[[Any], None]


def resigned(issued: Issued, signer: Issued, change: Change) -> bytes:
    """Return a certificate in DER after *change* to asn1crypto's view of it, signed by a P-256 key."""
    certificate = asn1.Certificate.load(issued.der)
    change(certificate)
    to_be_signed = certificate["tbs_certificate"].dump(force=True)
    assert isinstance(signer.key, ec.EllipticCurvePrivateKey)
    certificate["signature_value"] = signer.key.sign(to_be_signed, ec.ECDSA(hashes.SHA256()))
    return bytes(certificate.dump(force=True))

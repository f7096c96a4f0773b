"""Certificates that no library makes: taken apart, changed, and signed again."""

from collections.abc import Callable
from typing import Any

from asn1crypto import x509 as asn1
from cryptography import x509
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


def with_sha1(issued: Issued, signer: Issued) -> x509.Certificate:
    """Return the same certificate signed with SHA-1, which no library signs with any more."""
    certificate = asn1.Certificate.load(issued.der)
    for algorithm in (certificate["signature_algorithm"], certificate["tbs_certificate"]["signature"]):
        algorithm["algorithm"] = "sha1_ecdsa"
    to_be_signed = certificate["tbs_certificate"].dump(force=True)
    assert isinstance(signer.key, ec.EllipticCurvePrivateKey)
    certificate["signature_value"] = signer.key.sign(to_be_signed, ec.ECDSA(hashes.SHA1()))  # noqa: S303 - to be refused
    return x509.load_der_x509_certificate(certificate.dump(force=True))

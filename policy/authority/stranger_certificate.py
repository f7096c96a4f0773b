"""Certificates that nobody should believe, to see whether a partner's server refuses them.

Owns: what they say.  Must not know: where they are shown.
Invariant: no authority vouches for them, and their keys are made for one look and kept nowhere.
Source: RFC 5280 section 4.2.
"""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain_secure.policy.own.certificate_request import HOST_PURPOSES, host_key_usage
from domain_secure.policy.terms.domain import Domain

from .private_authority import LONGEST_COMMON_NAME

_HOUR = timedelta(hours=1)


def stranger_pem(name: Domain, now: datetime) -> bytes:
    """Return key and self-signed certificate for *name* in PEM, valid for an hour around *now*."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:LONGEST_COMMON_NAME])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _HOUR)
        .not_valid_after(now + _HOUR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(host_key_usage(key.public_key()), critical=True)
        .add_extension(HOST_PURPOSES, critical=False)
        .sign(key, hashes.SHA256())
    )
    encoded_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded_key + certificate.public_bytes(serialization.Encoding.PEM)

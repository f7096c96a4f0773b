"""PFX files as we write them: certificate, chain and key under one password.

Must not know: whether the key may leave the box.
Sources: RFC 7292; RFC 8018 (PBES2); SP 800-132 and current practice for the iteration count.
"""

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from .own_certificate import OwnCertificate

MINIMUM_PASSWORD = 8
_ITERATIONS = 600_000


def make_pfx(own: OwnCertificate, password: bytes) -> bytes:
    """Return the PFX, encrypted with AES-256; raises Problem where the key cannot be read."""
    certificate, *issuers = (x509.load_der_x509_certificate(one.der) for one in own.chain)
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(_ITERATIONS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(password)
    )
    name = (own.friendly_name or next(iter(own.names), own.sha1)).encode()
    return pkcs12.serialize_key_and_certificates(name, own.key(), certificate, issuers, encryption)

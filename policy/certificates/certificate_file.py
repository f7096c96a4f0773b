"""Files with certificates, as administrators send them to each other.

Owns: PEM, DER and PKCS#7; a private key in the file is stepped over and never decoded.
Sources: RFC 7468 (PEM), RFC 5652 section 5.1 (PKCS#7 without signers).
"""

from collections.abc import Iterator

from asn1crypto import core
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from .certificate_structure import MalformedCertificateError, without_warnings
from .pem import MalformedPemError, is_pem, pem_blocks, plain

_CERTIFICATE_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
_PKCS7_LABELS = frozenset({"PKCS7", "PKCS #7 SIGNED DATA", "CMS"})
CERTIFICATE_LABELS = _CERTIFICATE_LABELS | _PKCS7_LABELS  #: of blocks with certificates in them


def encoded_certificates(content: bytes) -> Iterator[bytes]:
    """Yield the DER of each certificate of a PEM, DER or PKCS#7 file, in its order and unexamined.

    Raises MalformedCertificateError where there is none.
    """
    content = plain(content)
    if not is_pem(content):
        yield from _of_binary(content)
        return
    none_yet = True
    labels: list[str] = []
    try:
        for block in pem_blocks(content):
            labels.append(block.label)
            if block.label in _CERTIFICATE_LABELS:
                none_yet = False
                yield block.der
            elif block.label in _PKCS7_LABELS:
                none_yet = False
                yield from _of_pkcs7(block.der)
    except MalformedPemError as error:
        raise MalformedCertificateError(str(error)) from error
    if none_yet:
        held = "a private key" if any("PRIVATE KEY" in label for label in labels) else "something else"
        raise MalformedCertificateError(f"it holds {held} and no certificate")


def _of_binary(content: bytes) -> Iterator[bytes]:
    if not content.strip():
        raise MalformedCertificateError("it is empty")
    try:
        first = core.Sequence.load(content, strict=True)[0]
    except (ValueError, KeyError) as error:
        raise MalformedCertificateError("it is neither PEM nor DER nor PKCS#7") from error
    if isinstance(first, core.ObjectIdentifier):
        yield from _of_pkcs7(content)
    elif isinstance(first, core.Integer):
        raise MalformedCertificateError("it is a PFX (PKCS#12) or a private key")
    else:
        yield content


def _of_pkcs7(content: bytes) -> Iterator[bytes]:
    # Loads a library of MIME, a mebibyte that a daemon which meets no such file should not hold.
    from cryptography.hazmat.primitives.serialization import pkcs7  # noqa: PLC0415

    try:
        with without_warnings():
            certificates = pkcs7.load_der_pkcs7_certificates(content)
            encoded = [certificate.public_bytes(serialization.Encoding.DER) for certificate in certificates]
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise MalformedCertificateError("it is not a PKCS#7 file with certificates") from error
    if not encoded:
        raise MalformedCertificateError("it is a PKCS#7 file without certificates")
    yield from encoded

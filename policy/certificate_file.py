"""Files with certificates, as administrators send them to each other.

Owns: PEM, DER and PKCS#7; a private key in the file is stepped over and never decoded.
Sources: RFC 7468 (PEM), RFC 5652 section 5.1 (PKCS#7 without signers).
"""

import base64
import binascii
import codecs
from collections.abc import Iterator

from asn1crypto import core
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from .certificate_structure import MalformedCertificateError, without_warnings

_BEGIN, _END, _DASHES = "-----BEGIN ", "-----END ", "-----"
_CERTIFICATE_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
_PKCS7_LABELS = frozenset({"PKCS7", "PKCS #7 SIGNED DATA", "CMS"})


def encoded_certificates(content: bytes) -> Iterator[bytes]:
    """Yield the DER of each certificate of a PEM, DER or PKCS#7 file, in its order and unexamined.

    Raises MalformedCertificateError where there is none.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        # Windows PowerShell redirects text into UTF-16.
        content = content.decode("utf-16", "replace").encode("ascii", "replace")
    if _BEGIN.encode() not in content:
        yield from _of_binary(content)
        return
    none_yet = True
    labels: list[str] = []
    for label, body in _pem_blocks(content.decode("ascii", "replace")):
        labels.append(label)
        if label in _CERTIFICATE_LABELS:
            none_yet = False
            yield _decoded(body)
        elif label in _PKCS7_LABELS:
            none_yet = False
            yield from _of_pkcs7(_decoded(body))
    if none_yet:
        held = "a private key" if any("PRIVATE KEY" in label for label in labels) else "something else"
        raise MalformedCertificateError(f"it holds {held} and no certificate")


def _pem_blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield label and body of each PEM block; text around and between them is skipped."""
    label = ""
    body: list[str] = []
    for raw_line in text.splitlines():
        line = raw_line.strip()
        if line.startswith(_BEGIN) and line.endswith(_DASHES):
            label, body = line[len(_BEGIN) : -len(_DASHES)], []
        elif label and line == f"{_END}{label}{_DASHES}":
            yield label, "".join(body)
            label = ""
        elif label:
            body.append(line)
    if label:
        raise MalformedCertificateError(f"it ends in the middle of a block ({label})")


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedCertificateError("a block in it is not base64") from error


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
    try:
        with without_warnings():
            certificates = pkcs7.load_der_pkcs7_certificates(content)
            encoded = [certificate.public_bytes(serialization.Encoding.DER) for certificate in certificates]
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise MalformedCertificateError("it is not a PKCS#7 file with certificates") from error
    if not encoded:
        raise MalformedCertificateError("it is a PKCS#7 file without certificates")
    yield from encoded

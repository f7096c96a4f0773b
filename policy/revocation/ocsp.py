"""OCSP: the question about one certificate, and answers as facts for choosing between them.

Owns: encoding a request, reading an answer whole and strictly once.
Must not know: HTTP, and whether an answer is to be believed; that is for ``revocation``.
Invariant: octets are an OcspAnswer or MalformedOcspAnswerError, whoever sent them.
Sources: RFC 6960 section 4; RFC 5019 for a request without nonce, which is what public responders answer.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certificate_structure import load, without_warnings

from .revocation_list import weak_signature

# An answer with the responder's certificate takes two or three kilobytes.
MAXIMUM_OCTETS = 64 * 1024
REQUEST_TYPE = "application/ocsp-request"  #: RFC 6960 appendix A.1
_MAXIMUM_ANSWERS = 16


class MalformedOcspAnswerError(ValueError):
    """The octets are no successful OCSP answer; the argument says why, in one clause for a person."""


@dataclass(frozen=True, slots=True)
class OcspAnswer:
    """What a responder says of one certificate; equal to another when the octets are."""

    digest: str  #: SHA-256 of the DER, in hexadecimal
    der: bytes = field(repr=False, compare=False)
    serial_number: int
    this_update: datetime = field(compare=False)
    next_update: datetime | None = field(compare=False)


def ocsp_request(certificate: Certificate, issuer: Certificate) -> bytes:
    """Return the request for one certificate, in DER.

    SHA-1 identifies the issuer here and secures nothing; it is the one digest that every responder knows
    (RFC 5019 section 2.1.1).
    """
    builder = ocsp.OCSPRequestBuilder().add_certificate(load(certificate.der), load(issuer.der), SHA1())  # noqa: S303
    return builder.build().public_bytes(Encoding.DER)


def parse_ocsp_answers(der: bytes) -> tuple[OcspAnswer, ...]:
    """Return what a response in DER says, one for each certificate; raises MalformedOcspAnswerError."""
    if len(der) > MAXIMUM_OCTETS:
        raise MalformedOcspAnswerError(f"it is larger than {MAXIMUM_OCTETS // 1024} KiB")
    try:
        with without_warnings():
            return _parsed(der)
    except MalformedOcspAnswerError:
        raise
    except (ValueError, TypeError, KeyError, OverflowError, UnsupportedAlgorithm) as error:
        raise MalformedOcspAnswerError("it is not an OCSP response as RFC 6960 wants it") from error
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion) as error:
        raise MalformedOcspAnswerError("it breaks the rules for OCSP responses (RFC 6960)") from error


def _parsed(der: bytes) -> tuple[OcspAnswer, ...]:
    response = ocsp.load_der_ocsp_response(der)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        status = response.response_status.name.lower().replace("_", " ")
        raise MalformedOcspAnswerError(f"the responder answers: {status}")
    _ = list(response.extensions), response.certificates
    if fault := weak_signature(response.signature_hash_algorithm):
        raise MalformedOcspAnswerError(fault)
    digest = hashlib.sha256(der).hexdigest()
    return tuple(
        OcspAnswer(
            digest=digest,
            der=der,
            serial_number=single.serial_number,
            this_update=single.this_update_utc,
            next_update=single.next_update_utc,
        )
        for single, _number in zip(response.responses, range(_MAXIMUM_ANSWERS), strict=False)
    )

"""Octets as statements: revocation lists and OCSP answers, from anybody and from the administrator's files.

Owns: reading each whole and strictly once, and the bounds on size.
Must not know: whether a statement applies to a certificate or is to be believed; that is for ``judge``.
Invariant: octets are statements or one of the two errors, whoever sent them.
Sources: RFC 5280 section 5; RFC 6960 section 4.2; RFC 7468 section 6 for the PEM label.
"""

import hashlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from asn1crypto import crl as asn1
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.x509 import ocsp

from domain_secure.policy.certificates.certificate_structure import without_warnings
from domain_secure.policy.certificates.distinguished_name import name_text
from domain_secure.policy.certificates.pem import MalformedPemError, is_pem, pem_blocks, plain
from domain_secure.policy.terms.problems import Problem

from .needs import http_locations
from .revocation import EVERY_REASON, OcspAnswer, RevocationList, Statement

# The largest lists in public use have some ten megabytes; they are being split.
MAXIMUM_LIST_OCTETS = 16 * 1024 * 1024
MAXIMUM_LISTS = 64  #: in one file
MAXIMUM_FILE_OCTETS = 64 * 1024 * 1024
# An answer with the responder's certificate takes two or three kilobytes.
MAXIMUM_ANSWER_OCTETS = 64 * 1024
_MAXIMUM_ANSWERS = 16
_LABEL = "X509 CRL"

_UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, UnsupportedAlgorithm)
_AGAINST_THE_RULES = (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion)


class MalformedRevocationListError(ValueError):
    """The octets are not a revocation list; the argument says why, in one clause for a person."""


class MalformedOcspAnswerError(ValueError):
    """The octets are no successful OCSP answer; the argument says why, in one clause for a person."""


def parse_statements(content: bytes, *, answers: bool) -> tuple[Statement, ...]:
    """Return what a location said, OCSP *answers* or lists; raises one of the two errors."""
    if answers:
        return parse_ocsp_answers(content)
    # RFC 5280 wants DER at a distribution point; private authorities publish PEM nevertheless.
    return read_revocation_lists(content)


def read_crl_files(files: Iterable[Path], configuration: Path) -> tuple[RevocationList, ...]:
    """Return the lists of ``trust.crl_files``; raises Problem, which names the key of *configuration*."""
    found: list[RevocationList] = []
    for file in files:
        where = f"{configuration}: trust.crl_files has {file}"
        try:
            with file.open("rb") as stream:
                found += read_revocation_lists(stream.read(MAXIMUM_FILE_OCTETS + 1))
        except OSError as error:
            raise Problem(
                f"cannot read a file of revocation lists ({error.strerror})",
                where,
                "name a file that the user of the daemon may read",
            ) from error
        except MalformedRevocationListError as error:
            raise Problem(
                f"a file of revocation lists cannot be used: {error}",
                where,
                "fetch it again from the authority, or remove it from the list",
            ) from error
    return tuple(dict.fromkeys(found))


def read_revocation_lists(content: bytes) -> tuple[RevocationList, ...]:
    """Return the lists of a file, PEM or DER; raises MalformedRevocationListError unless all can be read."""
    if len(content) > MAXIMUM_FILE_OCTETS:
        raise MalformedRevocationListError(f"it is larger than {MAXIMUM_FILE_OCTETS // 1024 // 1024} MiB")
    content = plain(content)
    if not is_pem(content):
        return (parse_revocation_list(content),)
    try:
        encoded = [block.der for block in pem_blocks(content) if block.label == _LABEL]
    except MalformedPemError as error:
        raise MalformedRevocationListError(str(error)) from error
    if not encoded:
        raise MalformedRevocationListError("it holds something else and no revocation list")
    if len(encoded) > MAXIMUM_LISTS:
        raise MalformedRevocationListError(f"it holds more than {MAXIMUM_LISTS} lists")
    return tuple(map(parse_revocation_list, encoded))


def parse_revocation_list(der: bytes) -> RevocationList:
    """Return one list in DER; raises MalformedRevocationListError for anything else.

    Some tens of milliseconds for a hundred thousand entries: not for a message's path.
    """
    if len(der) > MAXIMUM_LIST_OCTETS:
        raise MalformedRevocationListError(f"it is larger than {MAXIMUM_LIST_OCTETS // 1024 // 1024} MiB")
    try:
        # Odd versions and times of a stranger's list would warn.
        with without_warnings():
            return _revocation_list(der)
    except MalformedRevocationListError:
        raise
    except _UNREADABLE as error:
        raise MalformedRevocationListError("it is not a revocation list as RFC 5280 wants it") from error
    except _AGAINST_THE_RULES as error:
        raise MalformedRevocationListError("it breaks the rules for revocation lists (RFC 5280)") from error


def parse_ocsp_answers(der: bytes) -> tuple[OcspAnswer, ...]:
    """Return what a response in DER says, one for each certificate; raises MalformedOcspAnswerError."""
    if len(der) > MAXIMUM_ANSWER_OCTETS:
        raise MalformedOcspAnswerError(f"it is larger than {MAXIMUM_ANSWER_OCTETS // 1024} KiB")
    try:
        with without_warnings():
            return _ocsp_answers(der)
    except MalformedOcspAnswerError:
        raise
    except _UNREADABLE as error:
        raise MalformedOcspAnswerError("it is not an OCSP response as RFC 6960 wants it") from error
    except _AGAINST_THE_RULES as error:
        raise MalformedOcspAnswerError("it breaks the rules for OCSP responses (RFC 6960)") from error


def _revocation_list(der: bytes) -> RevocationList:
    loaded = x509.load_der_x509_crl(der)
    if fault := _weak_signature(loaded.signature_hash_algorithm):
        raise MalformedRevocationListError(fault)
    for entry in loaded:
        _ = entry.serial_number, entry.revocation_date_utc
    extensions = {extension.oid: extension.value for extension in loaded.extensions}
    number = extensions.get(x509.CRLNumber.oid)
    delta = extensions.get(x509.DeltaCRLIndicator.oid)
    scope = extensions.get(x509.IssuingDistributionPoint.oid)
    freshest = extensions.get(x509.FreshestCRL.oid)
    key = extensions.get(x509.AuthorityKeyIdentifier.oid)
    parts = asn1.CertificateList.load(der)
    # X.690 section 8.6.2.2: the first octet counts the unused bits.  A signature is whole octets; the library
    # passes over another count, and one list would have several forms.
    if parts["signature"].contents[:1] != b"\0":
        raise MalformedRevocationListError("its signature does not end with an octet")
    issuer = parts["tbs_cert_list"]["issuer"].dump()
    return RevocationList(
        digest=hashlib.sha256(der).hexdigest(),
        der=der,
        issuer=name_text(issuer),
        issuer_octets=issuer,
        signing_key=key.key_identifier if isinstance(key, x509.AuthorityKeyIdentifier) else None,
        number=number.crl_number if isinstance(number, x509.CRLNumber) else None,
        base_number=delta.crl_number if isinstance(delta, x509.DeltaCRLIndicator) else None,
        scope=scope.public_bytes() if isinstance(scope, x509.IssuingDistributionPoint) else b"",
        reasons=(isinstance(scope, x509.IssuingDistributionPoint) and scope.only_some_reasons)
        or EVERY_REASON,
        is_indirect=isinstance(scope, x509.IssuingDistributionPoint) and scope.indirect_crl,
        delta_locations=http_locations(freshest) if isinstance(freshest, x509.FreshestCRL) else (),
        this_update=loaded.last_update_utc,
        next_update=loaded.next_update_utc,
    )


def _ocsp_answers(der: bytes) -> tuple[OcspAnswer, ...]:
    response = ocsp.load_der_ocsp_response(der)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        status = response.response_status.name.lower().replace("_", " ")
        raise MalformedOcspAnswerError(f"the responder answers: {status}")
    _ = list(response.extensions), response.certificates
    if fault := _weak_signature(response.signature_hash_algorithm):
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
        for single in islice(response.responses, _MAXIMUM_ANSWERS)
    )


def _weak_signature(algorithm: HashAlgorithm | None) -> str | None:
    """Return what is wrong with a signature's digest, or None.

    Path validation refuses the same in certificates; the library does not ask for lists and OCSP answers.
    """
    if algorithm is not None and algorithm.name in {"md5", "sha1"}:
        return f"its signature uses {algorithm.name.upper()}, which is no longer trusted"
    return None

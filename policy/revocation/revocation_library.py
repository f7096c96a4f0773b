"""The library that judges revocation lists and OCSP answers, behind a guard.

Owns: handing one validated path to pyhanko-certvalidator and turning what it raises into an answer.
Must not know: which lists and answers are the newest; where they come from.
Invariant: only what the library has verified in full (signature, issuer, scope, reasons, date) is GOOD or
REVOKED; whatever it raises besides is UNKNOWN.  No input raises.
Source: RFC 5280 section 6.3, RFC 6960 section 3.2.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import crl, ocsp, x509
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import (
    CRLValidationError,
    OCSPValidationError,
    RevokedError,
    ValidationError,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    NO_REVOCATION,
    CertRevTrustPolicy,
    DisallowWeakAlgorithmsPolicy,
)
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.validate_crl import verify_crl
from pyhanko_certvalidator.revinfo.validate_ocsp import verify_ocsp_response
from pyhanko_certvalidator.validate import async_validate_path

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certificate_structure import UNREADABLE

from .revocation import OcspAnswer, RevocationList, RevocationStatus

# The library logs what we report ourselves, with tracebacks.
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)

_ALGORITHMS = DisallowWeakAlgorithmsPolicy(  # type: ignore[no-untyped-call]
    frozenset({"md2", "md5", "sha1"}), rsa_key_size_threshold=2048, dsa_key_size_threshold=1 << 30
)


@dataclass(frozen=True, slots=True)
class LibraryAnswer:
    """What the library says of one certificate, from one kind of evidence."""

    status: RevocationStatus
    revoked_at: datetime | None = None
    reason: str | None = None  #: RFC 5280 section 5.3.1, in words


_UNKNOWN = LibraryAnswer(RevocationStatus.UNKNOWN)


def by_lists(
    path: Sequence[Certificate], index: int, lists: Iterable[RevocationList], at: datetime
) -> LibraryAnswer:
    """Return what the lists say of ``path[index]``; *path* is validated, leaf first, trust anchor last."""
    lists = tuple(lists)
    found = _ask(path, index, at, verify_crl, lists=lists)
    if found.status is RevocationStatus.UNKNOWN and any(one.delta_locations for one in lists):
        # Without the delta list that it points to, a complete list still holds until its own next update
        # (RFC 5280 section 5.2.6); the library gives up there.
        complete = [one for one in lists if one.base_number is None]
        found = _ask(path, index, at, _without_deltas, lists=complete)
    return found


def by_answers(
    path: Sequence[Certificate], index: int, answers: Iterable[OcspAnswer], at: datetime
) -> LibraryAnswer:
    """Return what OCSP answers say of ``path[index]``; a responder's own revocation is not asked for.

    As its authority wishes where the responder's certificate carries ocsp-nocheck (RFC 6960 section
    4.2.2.2.1), and by our choice elsewhere: its certificates are short-lived by custom.
    """
    return _ask(path, index, at, verify_ocsp_response, answers=tuple(answers))


async def _without_deltas(
    certificate: x509.Certificate, path: ValidationPath, context: ValidationContext
) -> None:
    await verify_crl(certificate, path, context, use_deltas=False)


def _ask(
    path: Sequence[Certificate],
    index: int,
    at: datetime,
    verify: Callable[[x509.Certificate, ValidationPath, ValidationContext], Awaitable[None]],
    *,
    lists: Sequence[RevocationList] = (),
    answers: Sequence[OcspAnswer] = (),
) -> LibraryAnswer:
    try:
        # Fresh objects each time: the library's parser changes some certificates while reading them.
        *certificates, anchor = (_fresh(certificate) for certificate in path)
        trusted = CertTrustAnchor(anchor)
        context = ValidationContext(
            trust_manager=SimpleTrustManager.build([trusted]),
            other_certs=certificates,
            crls=[crl.CertificateList.load(one.der, strict=True) for one in lists],
            ocsps=[ocsp.OCSPResponse.load(one.der, strict=True) for one in answers],
            moment=at,
            allow_fetching=False,
            revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
            algorithm_usage_policy=_ALGORITHMS,
            time_tolerance=timedelta(0),
        )
        whole = ValidationPath(trusted, certificates[:0:-1], certificates[0])
        asyncio.run(_verified(certificates[index], whole, context, verify))
    except RevokedError as error:
        if error.is_side_validation:
            return _UNKNOWN
        return LibraryAnswer(RevocationStatus.REVOKED, error.revocation_dt, error.reason.human_friendly)
    except (ValidationError, CRLValidationError, OCSPValidationError):
        return _UNKNOWN
    except UNREADABLE:
        return _UNKNOWN
    return LibraryAnswer(RevocationStatus.GOOD)


async def _verified(
    certificate: x509.Certificate,
    path: ValidationPath,
    context: ValidationContext,
    verify: Callable[[x509.Certificate, ValidationPath, ValidationContext], Awaitable[None]],
) -> None:
    # The context remembers that the path holds, and with it who may sign lists and answers.
    await async_validate_path(context, path)
    await verify(certificate, path, context)


def _fresh(certificate: Certificate) -> x509.Certificate:
    return x509.Certificate.load(certificate.der, strict=True)

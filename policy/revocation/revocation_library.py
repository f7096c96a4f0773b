"""The library that judges revocation lists and OCSP answers, behind a guard.

Owns: handing one validated path to pyhanko-certvalidator and turning what it raises into an answer.
Must not know: which lists and answers are the newest, and whether they are current; where they come from.
Invariant: only what the library has verified in full (signature, issuer, scope, reasons) is GOOD or REVOKED;
whatever it raises besides is UNKNOWN.  No input raises.
Source: RFC 5280 section 6.3, RFC 6960 section 3.2.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from asn1crypto import crl, ocsp, x509
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import (
    CRLNoMatchesError,
    RevokedError,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    NO_REVOCATION,
    CertRevTrustPolicy,
    DisallowWeakAlgorithmsPolicy,
)
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.validate_crl import collect_relevant_crls_with_paths, verify_crl
from pyhanko_certvalidator.revinfo.validate_ocsp import verify_ocsp_response
from pyhanko_certvalidator.validate import async_validate_path

from domain_secure.policy.certificates.certificate import Certificate

from .list_choice import Amended
from .revocation import FOREVER, OcspAnswer, RevocationList, RevocationStatus, ValidatedPath, ends

# The library logs what we report ourselves, with tracebacks.
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)

_ALGORITHMS = DisallowWeakAlgorithmsPolicy(  # type: ignore[no-untyped-call]
    frozenset({"md2", "md5", "sha1"}), rsa_key_size_threshold=2048, dsa_key_size_threshold=1 << 30
)
_Verify = Callable[[x509.Certificate, ValidationPath, ValidationContext], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class LibraryAnswer:
    """What the library says of one certificate, from one kind of evidence."""

    status: RevocationStatus
    revoked_at: datetime | None = None
    reason: str | None = None  #: RFC 5280 section 5.3.1, in words


_UNKNOWN = LibraryAnswer(RevocationStatus.UNKNOWN)


# The library uses a delta list only where the complete list itself points to one (freshest CRL), and then
# does not do without.  Which one is used is decided by ``list_choice``, whoever points to it.
class _Alone(crl.CertificateList):  # type: ignore[misc]
    freshest_crl_value: ClassVar[Any] = None
    delta_crl_indicator_value: ClassVar[Any] = None


class _WithDelta(crl.CertificateList):  # type: ignore[misc]
    freshest_crl_value: ClassVar[Any] = (True,)


def speaks_about(path: ValidatedPath, index: int, one: RevocationList) -> bool:
    """Tell whether ``path[index]`` is in the scope of a list, complete or delta; its signature is not asked.

    *path* is leaf first, trust anchor last, here and below, and validated.
    """

    def statements() -> dict[str, Any]:
        return {"crls": [_Alone.load(one.der)]}

    return _ask(path, index, one.this_update, _has_scope, statements).status is RevocationStatus.GOOD


def by_lists(path: ValidatedPath, index: int, lists: Sequence[Amended], at: datetime) -> LibraryAnswer:
    """Return what lists say of ``path[index]`` together; those that are past are taken as if it were then."""

    def statements() -> dict[str, Any]:
        complete = [(_WithDelta if one.delta else _Alone).load(one.complete.der) for one in lists]
        deltas = [crl.CertificateList.load(one.delta.der) for one in lists if one.delta]
        return {"crls": complete + deltas}

    end = min(ends(one) for amended in lists for one in amended.lists)
    return _ask(path, index, at, _lists_say, statements, past=at - end)


def by_answer(path: ValidatedPath, index: int, answer: OcspAnswer, at: datetime) -> LibraryAnswer:
    """Return what an OCSP answer says of ``path[index]``; one that is past is taken as if it were then.

    A responder's own revocation is not asked for: as its authority wishes where the responder's certificate
    carries ocsp-nocheck (RFC 6960 section 4.2.2.2.1), and by our choice elsewhere: its certificates are
    short-lived by custom.
    """

    def statements() -> dict[str, Any]:
        return {"ocsps": [ocsp.OCSPResponse.load(answer.der)]}

    return _ask(path, index, at, _answers_say, statements, past=at - ends(answer))


async def _has_scope(certificate: x509.Certificate, path: ValidationPath, context: ValidationContext) -> None:
    manager = context.revinfo_manager
    found = await collect_relevant_crls_with_paths(certificate, path, manager, FOREVER)
    if not found.crls:
        raise CRLNoMatchesError


async def _lists_say(certificate: x509.Certificate, path: ValidationPath, context: ValidationContext) -> None:
    # The context remembers that the path holds, and with it who may sign lists and answers.
    await async_validate_path(context, path)
    await verify_crl(certificate, path, context)


async def _answers_say(
    certificate: x509.Certificate, path: ValidationPath, context: ValidationContext
) -> None:
    await async_validate_path(context, path)
    await verify_ocsp_response(certificate, path, context)


def _ask(
    path: Sequence[Certificate],
    index: int,
    at: datetime,
    verify: _Verify,
    statements: Callable[[], dict[str, Any]],
    *,
    past: timedelta = timedelta(0),
) -> LibraryAnswer:
    """Return what the library says at *at*, which passes over dates that are *past* by no more than that."""
    try:
        # Fresh objects each time: the library's parser changes some certificates while reading them.
        *certificates, anchor = (_fresh(certificate) for certificate in path)
        trusted = CertTrustAnchor(anchor)
        context = ValidationContext(
            trust_manager=SimpleTrustManager.build([trusted]),
            other_certs=certificates,
            moment=at,
            allow_fetching=False,
            revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
            algorithm_usage_policy=_ALGORITHMS,
            time_tolerance=max(past, timedelta(0)),
            **statements(),
        )
        whole = ValidationPath(trusted, certificates[:0:-1], certificates[0])
        asyncio.run(verify(certificates[index], whole, context))
    except RevokedError as error:
        if error.is_side_validation:
            return _UNKNOWN
        return LibraryAnswer(RevocationStatus.REVOKED, error.revocation_dt, error.reason.human_friendly)
    except Exception:  # noqa: BLE001 - what the library stumbles over is a stranger's, and proves nothing
        return _UNKNOWN
    return LibraryAnswer(RevocationStatus.GOOD)


def _fresh(certificate: Certificate) -> x509.Certificate:
    return x509.Certificate.load(certificate.der)

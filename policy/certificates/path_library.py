"""The library that validates certification paths, behind a guard.

Owns: handing one path to pyhanko-certvalidator, and turning what it raises into a clause.
Must not know: how the path was found, names of partners, revocation.
Invariant: no fault is returned only for a path that the library has validated in full.  No input raises.  The
library's own search for paths is never used: certificates that vouch for each other in circles keep it busy
for ever.
Source: RFC 5280 section 6.1; RFC 9618 for certificate policies.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from asn1crypto import x509
from pyhanko_certvalidator.authority import CertTrustAnchor, TrustQualifiers, derive_quals_from_cert
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import ValidationError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import NO_REVOCATION, CertRevTrustPolicy, PKIXValidationParams
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.validate import SUPPORTED_EXTENSIONS, validate_path

from .certificate import Certificate
from .certificate_structure import UNREADABLE

# The library logs what we report ourselves, with tracebacks.
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)

_PREAMBLE = "The path could not be validated because "
_LONGEST_CLAUSE = 250

ANY_POLICY = PKIXValidationParams()  #: the inputs of RFC 5280 section 6.1.1: any policy will do, as will none


def library_fault(
    path: Sequence[Certificate], at: datetime, inputs: PKIXValidationParams = ANY_POLICY
) -> str | None:
    """Return what the library finds wrong with *path* at the time *at*, in one clause, or None.

    *path* is leaf first, trust anchor last, with at least one certificate under the anchor.  The anchor's own
    name constraints, path length and dates bind like those of any authority (RFC 5937); its policies do not.
    """
    try:
        # New objects each time: looking at some certificates changes them.
        leaf, *intermediates, root = (x509.Certificate.load(certificate.der) for certificate in path)
        anchor = CertTrustAnchor(root, _qualifiers(root))
        context = ValidationContext(
            trust_manager=SimpleTrustManager.build([anchor]),
            moment=at,
            allow_fetching=False,
            revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
            time_tolerance=timedelta(0),
        )
        validate_path(context, ValidationPath(anchor, reversed(intermediates), leaf), inputs)
    except ValidationError as error:
        return _clause(error.failure_msg)
    except Exception:  # noqa: BLE001 - what the library cannot judge is not trusted, and no fault of ours
        return "something in its chain cannot be judged by the rules for certificates (RFC 5280)"
    return None


def has_unsupported_extension(certificate: Certificate) -> bool:
    """Tell whether a certificate has a critical extension that the library does not take into account.

    For a certificate that is trusted as itself; in a path the library asks.
    """
    try:
        critical: set[str] = x509.Certificate.load(certificate.der).critical_extensions
    except UNREADABLE:
        return True
    return bool(critical - SUPPORTED_EXTENSIONS)


def _qualifiers(root: x509.Certificate) -> TrustQualifiers:
    derived = derive_quals_from_cert(root)
    found = derived.standard_parameters
    names = found and PKIXValidationParams(
        initial_permitted_subtrees=found.initial_permitted_subtrees,
        initial_excluded_subtrees=found.initial_excluded_subtrees,
    )
    # The library counts down both lengths where it is given one.
    return replace(derived, standard_parameters=names, max_aa_path_length=derived.max_path_length)


def _clause(message: str) -> str:
    clause = message.removeprefix(_PREAMBLE).strip().removesuffix(".")
    printable = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in clause
    )
    return printable[:_LONGEST_CLAUSE]

"""What path validation found, as frozen values.

Owns: the outcomes.  How they are found is ``path_validation``'s part.
Source: RFC 5280 section 6.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique

from .certificate import Certificate


@unique
class PathOutcome(StrEnum):
    """What path validation found (RFC 5280 section 6)."""

    TRUSTED = "trusted"
    EXPIRED = "expired"  #: only the dates are wrong; also: not yet valid
    UNTRUSTED = "untrusted"
    DISTRUSTED = "distrusted"  #: it, or an authority it leads to, was said to authenticate nobody


@dataclass(frozen=True, slots=True)
class PathValidation:
    """The outcome for one certificate at one time.

    not_before, not_after: the interval in which every certificate of the path is valid, so that a
    trusted outcome may be kept; equal to the leaf's own where there is no path.
    """

    outcome: PathOutcome
    detail: str  #: one clause for both administrators
    not_before: datetime
    not_after: datetime
    certificates: tuple[Certificate, ...] = ()  #: leaf first, trust anchor last; empty unless TRUSTED
    #: UNTRUSTED only because nobody at hand issued this one
    without_issuer: Certificate | None = field(default=None, compare=False)
    #: UNTRUSTED only because the chain ends in this authority, which nobody trusts
    untrusted_authority: Certificate | None = field(default=None, compare=False)

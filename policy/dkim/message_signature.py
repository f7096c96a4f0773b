"""What is known of the DKIM signatures of one message, and where their keys may be learned from.

Owns: the values, and when a signature speaks for a claim.
Must not know: the wire format of signatures, DNS.
Invariant: whatever is not VALID proves nothing.
Source: RFC 6376.
"""

from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Protocol

from domain_secure.policy.terms.domain import Domain, Entry, entry_base, lies_under


@unique
class SignatureStatus(StrEnum):
    """What the check of one signature ended in."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"  #: its key could not be looked up


@dataclass(frozen=True, slots=True)
class MessageSignature:
    """One signature, checked."""

    domain: Domain  #: who signed (``d=``)
    selector: str  #: "" where it says why there may be signatures that nobody looked at
    status: SignatureStatus
    detail: str = ""  #: one clause for both administrators; of a valid one nothing
    uncovered: frozenset[str] = frozenset()  #: author fields that are there more often than it covers
    #: of a valid one: the header fields it covers, in lower case
    covered: frozenset[str] = field(default=frozenset(), compare=False)

    def __str__(self) -> str:
        """Return how both administrators find the signature and its key."""
        return f"d={self.domain} s={self.selector}"


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """The TXT records under the name of a key: none and no failure means that there is no key."""

    records: tuple[bytes, ...] = ()
    failure: str = ""  #: why nobody knows


class KeySource(Protocol):
    """Something that knows the keys that domains publish for DKIM."""

    def find(self, name: str) -> Future[KeyAnswer]:
        """Return a future of what DNS says for the *name* of a key; returns without waiting."""


def is_aligned(signer: Domain, claimed: Domain, entry: Entry) -> bool:
    """Tell whether a signature of *signer* may speak for a *claimed* domain that *entry* covers.

    A domain signs for itself and for what lies under it, as far up as the list entry reaches.  One under it
    does not sign for it: names below a domain are given to others more easily than the domain itself.
    """
    if signer == claimed:
        return True
    base = entry_base(entry)
    return lies_under(claimed, signer) and (signer == base or lies_under(signer, base))

"""TLSA records, and where they may be learned from.

Owns: the values, and which records are usable for SMTP.
Must not know: DNS messages, resolvers, certificates.
Invariant: the records of a TlsaAnswer were validated by DNSSEC, from the MX record on.
Sources: RFC 6698 section 2, RFC 7218 (acronyms), RFC 7672 section 3.1.
"""

from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Protocol

from domain_secure.policy.terms.domain import Domain, Entry


@unique
class Usage(IntEnum):
    """Certificate usages that SMTP knows; PKIX-TA(0) and PKIX-EE(1) are unusable (RFC 7672 section 3.1.3)."""

    DANE_TA = 2
    DANE_EE = 3


@unique
class Selector(IntEnum):
    """What of the certificate is matched."""

    CERTIFICATE = 0
    PUBLIC_KEY = 1


@unique
class Matching(IntEnum):
    """How it is matched."""

    FULL = 0
    SHA2_256 = 1
    SHA2_512 = 2


_DIGEST_OCTETS = {Matching.SHA2_256: 32, Matching.SHA2_512: 64}
_SHOWN_OCTETS = 8


@dataclass(frozen=True, slots=True, order=True)
class TlsaRecord:
    """One usable record."""

    usage: Usage
    selector: Selector
    matching: Matching
    data: bytes = field(repr=False)

    @classmethod
    def of(cls, usage: int, selector: int, matching: int, data: bytes) -> "TlsaRecord | None":
        """Return the record, or None where it is unusable: a number nobody knows, a digest of odd length."""
        try:
            record = cls(Usage(usage), Selector(selector), Matching(matching), data)
        except ValueError:
            return None
        wanted = _DIGEST_OCTETS.get(record.matching, len(data) or None)
        return record if len(data) == wanted else None

    def __str__(self) -> str:
        """Return it as in a zone file, the data cut short."""
        cut = "…" if len(self.data) > _SHOWN_OCTETS else ""
        return f"{self.usage:d} {self.selector:d} {self.matching:d} {self.data[:_SHOWN_OCTETS].hex()}{cut}"


@dataclass(frozen=True, slots=True)
class TlsaAnswer:
    """What DNS says for a partner: no records and no failure means that it does not use DANE."""

    records: frozenset[TlsaRecord] = frozenset()
    failures: tuple[str, ...] = ()  #: look-ups that failed, so that there may be more records
    #: Of one server: the name under which its records stand, its own or what that is an alias of (RFC 7672
    #: section 2.2.2).  None: there are none, or they are of several servers.
    base: Domain | None = None


class TlsaSource(Protocol):
    """Something that knows the TLSA records of a partner's mail servers."""

    def find(self, entry: Entry) -> Future[TlsaAnswer]:
        """Return a future of what DNS says for a list entry.

        Returns without waiting.  The future is not cancelled when nobody waits for it any longer.
        """

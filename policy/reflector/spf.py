"""What is known of a client's right to send for a domain (SPF), and where that may be learned from.

Owns: the values.  How records are evaluated is for whoever asks DNS.
Source: RFC 7208 section 2.6.
"""

from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Protocol

from domain_secure.policy.terms.mailbox import Mailbox


@unique
class SpfResult(StrEnum):
    """The results of RFC 7208 section 2.6, and one that is no result for its author."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"
    EVERYBODY = "it passes for clients anywhere"  #: whoever asks, so that it speaks for nobody


@dataclass(frozen=True, slots=True)
class SpfQuestion:
    """May this client send with this reverse-path?"""

    client_address: str  #: IPv4 or IPv6, without brackets
    reverse_path: Mailbox


class SpfSource(Protocol):
    """Something that evaluates the records that domains publish."""

    def find(self, question: SpfQuestion, deadline: float) -> Future[SpfResult]:
        """Return a future of the result; returns without waiting.

        What has not been found by the *deadline*, a time of ``time.monotonic``, is a temporary error.
        """

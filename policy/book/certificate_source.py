"""Where a certificate's content may be learned from, at once or later.

Owns: what a source is asked and how long an answer is waited for.
Must not know: books, probes, sockets.
Invariant: an answer counts only if its first certificate is the one that was asked for.
"""

import logging
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass
from typing import Protocol

from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

from . import events

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CertificateQuery:
    """Which certificate is looked for, and what is known of the peer that showed it."""

    fingerprint: Pin
    entries: tuple[Entry, ...]  #: the list entries the message claims
    client_address: str


class CertificateSource(Protocol):
    """Something that may know a certificate's content."""

    def find(self, query: CertificateQuery) -> Future[Chain | None]:
        """Return a future of the chain, or of None where this source does not know it.

        Returns without waiting.  The future is not cancelled when nobody waits for it any longer: what is
        found late is for the next attempt.
        """


def first_answer(
    sources: Iterable[CertificateSource], query: CertificateQuery, timeout: float
) -> Chain | None:
    """Return the chain of the first source that knows it, or None after *timeout* seconds.

    Sources are asked in order; one that answers at once keeps the later ones from being asked.  A source
    that fails is logged and counts as one that does not know.
    """
    deadline = time.monotonic() + timeout
    waiting: dict[Future[Chain | None], str] = {}
    for source in sources:
        name = type(source).__name__
        try:
            future = source.find(query)
        except Exception as error:  # noqa: BLE001 - whatever a source does, the message needs an answer
            _failed(name, error)
            continue
        if not future.done():
            waiting[future] = name
        elif (chain := _answer(future, name, query)) is not None:
            return chain
    while waiting:
        done, _ = wait(waiting, max(0.0, deadline - time.monotonic()), FIRST_COMPLETED)
        if not done:
            return None
        for future in done:
            if (chain := _answer(future, waiting.pop(future), query)) is not None:
                return chain
    return None


def _answer(future: Future[Chain | None], name: str, query: CertificateQuery) -> Chain | None:
    try:
        chain = future.result()
    except (Exception, CancelledError) as error:  # noqa: BLE001 - as above
        _failed(name, error)
        return None
    return chain if chain and chain[0].certificate_pin == query.fingerprint else None


def _failed(name: str, error: BaseException) -> None:
    event = events.evidence_source_failed(name, error)
    _log.log(event.level, event)

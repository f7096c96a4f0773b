"""What partners are known by: the certificates and the servers with which their mail has passed.

Owns: how much of it is remembered; the history has it over a restart.
Must not know: what follows from a message being a partner's or not.
Invariants: only what passed makes a partner familiar, so that nobody else can add to it; asking never raises.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.decision.attribution import Attribution, Familiarity, attributions
from domain_secure.policy.decision.decision import Decision
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem

from . import events

_log = logging.getLogger("domain_secure")

_MOST = 256  #: addresses, and certificates, of one partner
_NOBODY: Mapping[Entry, Attribution] = MappingProxyType({})

#: Partners with the addresses and the certificates with which their mail has passed; may raise Problem.
Seen = Callable[[], Iterable[tuple[Entry, str, Pin | None]]]


class FamiliarPartners:
    """Remembers them; its methods are called from many threads at once."""

    def __init__(self, book: CertificateBook, seen: Seen = tuple) -> None:
        """Begin with what was *seen* before, asked for with the first message that matters."""
        self._book = book
        self._seen: Seen | None = seen
        self._lock = threading.Lock()
        self._addresses: dict[Entry, dict[str, None]] = {}
        self._certificates: dict[Entry, dict[Pin, None]] = {}

    def attributed(self, decision: Decision, client_address: str) -> Mapping[Entry, Attribution]:
        """Return whose message it was, by list entry that it was not let in as; learn from what passed."""
        if decision.verdict is Verdict.NONE or decision.verdict is Verdict.EXEMPT:
            return _NOBODY
        session = decision.session
        if decision.effect is Effect.ACCEPT and session is not None:
            for finding in decision.findings:
                if finding.verdict is Verdict.PASS:
                    self._met(finding.claim.entry, client_address, session.certificate_pin)
        if decision.verdict is Verdict.PASS:
            return _NOBODY
        entries = {finding.claim.entry for finding in decision.findings}
        return attributions(decision, client_address, {entry: self.known(entry) for entry in entries})

    def known(self, entry: Entry) -> Familiarity:
        """Return what a partner is known by."""
        self._read_seen()
        try:
            imported = self._book.imported_for(entry)
        except Problem:  # the book is a part of the daemon's health, which is told elsewhere
            imported = frozenset()
        with self._lock:
            certificates = imported | frozenset(self._certificates.get(entry, ()))
            return Familiarity(certificates, frozenset(self._addresses.get(entry, ())))

    def _met(self, entry: Entry, address: str, certificate: Pin | None) -> None:
        with self._lock:
            _put(self._addresses.setdefault(entry, {}), address)
            if certificate is not None:
                _put(self._certificates.setdefault(entry, {}), certificate)

    def _read_seen(self) -> None:
        with self._lock:
            seen, self._seen = self._seen, None
        if seen is None:
            return
        try:
            found = tuple(seen())
        except Problem as problem:
            event = events.partners_unfamiliar(str(problem))
            _log.log(event.level, event)
            return
        for entry, address, certificate in found:
            self._met(entry, address, certificate)


Met = TypeVar("Met")


def _put(kept: dict[Met, None], one: Met) -> None:
    """Note one as met last, in place of the one that was met longest ago where there are too many."""
    kept.pop(one, None)
    kept[one] = None
    if len(kept) > _MOST:
        del kept[next(iter(kept))]

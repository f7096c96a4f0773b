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

from domain_secure.policy.book.book_file import Look
from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.decision.attribution import Attribution, Familiarity, attributions
from domain_secure.policy.decision.decision import Decision
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem

from . import events
from .at_hand import NotAtHandError

_log = logging.getLogger("domain_secure")

_MOST = 256  #: addresses, and certificates, of one partner
_REMEMBERED = 4096  #: partners whose imported certificates are not looked up each time
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
        self._look: Look | None = None  #: of the book, when `_imported` was read
        self._imported: dict[Entry, frozenset[Pin]] = {}
        self._addresses: dict[Entry, dict[str, None]] = {}
        self._certificates: dict[Entry, dict[Pin, None]] = {}

    def attributed(
        self, decision: Decision, client_address: str, *, at_once: bool = False
    ) -> Mapping[Entry, Attribution]:
        """Return whose message it was, by list entry that it was not let in as; learn from what passed.

        Raises NotAtHandError where it is to be told *at_once* and a file would have to be read.
        """
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
        known = {entry: self.known(entry, at_once=at_once) for entry in entries}
        return attributions(decision, client_address, known)

    def known(self, entry: Entry, *, at_once: bool = False) -> Familiarity:
        """Return what a partner is known by; raises NotAtHandError as attributed() does."""
        if at_once and self._seen is not None:
            raise NotAtHandError
        self._read_seen()
        imported = self._imported_for(entry, at_once=at_once)
        with self._lock:
            certificates = imported | frozenset(self._certificates.get(entry, ()))
            return Familiarity(certificates, frozenset(self._addresses.get(entry, ())))

    def _imported_for(self, entry: Entry, *, at_once: bool) -> frozenset[Pin]:
        look = self._book.look()
        with self._lock:
            if look is None or look != self._look:
                self._look = look
                self._imported.clear()
            imported = self._imported.get(entry)
        if imported is not None:
            return imported
        if at_once:
            raise NotAtHandError
        try:
            imported = self._book.imported_for(entry)
        except Problem:  # the book is a part of the daemon's health, which is told elsewhere
            return frozenset()
        with self._lock:
            # What it looked like was noted before the reading.
            if look is not None and look == self._look and len(self._imported) < _REMEMBERED:
                self._imported[entry] = imported
        return imported

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

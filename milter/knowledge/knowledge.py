"""What is known of a peer certificate at the time of a message.

Owns: asking the sources, validating the path once, remembering the outcome for as long as it holds, and who
asks about revocation: a message, about a trusted path in a partner's name (``policy/revocation``).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.book.certificate_source import CertificateQuery, CertificateSource, first_answer
from domain_secure.policy.certificates.certificate import Certificate, Chain
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import Revocation
from domain_secure.policy.configuration.configuration import Method
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaSource
from domain_secure.policy.decision.evidence import KnownCertificate, Session
from domain_secure.policy.decision.methods import is_in_name_of
from domain_secure.policy.dkim.message_signature import KeyAnswer, KeySource
from domain_secure.policy.files.known_time import KnownTime
from domain_secure.policy.reflector.spf import SpfSource
from domain_secure.policy.revocation.revocation import RevocationSource, RevocationStatus, ValidatedPath
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem

from . import events
from .at_hand import NotAtHandError, at_hand
from .familiar_partners import FamiliarPartners
from .live_configuration import Live

# Where revocation is preferred, a message whose certificate nobody has asked about yet waits no longer.
_SHORT_WAIT = 1.0
_PREPARED = 1000  #: chains of the book that are looked into before their first message
# Partners have a handful of certificates each; the bound only keeps a flood of strangers out of memory.
_REMEMBERED = 4096
_MISSING = 4  #: authorities of one chain that are fetched; real ones have at most four altogether
_FEW_NAMES = 100  #: of a certificate, that are compared with a partner's in no time

Basis = tuple[TrustAnchors, frozenset[Pin]]  #: what a path is judged by: who is trusted, who is not

_log = logging.getLogger(__name__)


class IssuerSource(Protocol):
    """Something that may have the certificate of a missing authority, at once or later."""

    def find(self, certificate: Certificate, *, private: bool) -> Future[tuple[Certificate, ...]]:
        """Return a future of the authorities that issued a certificate, by name and signature.

        Of none where none can be had now; returns without waiting.  *private*: at any address.
        """


class Background(Protocol):
    """Something that works by itself while the daemon runs."""

    def start(self) -> None:
        """Begin; returns without waiting."""

    def stop(self) -> None:
        """End soon; returns without waiting."""


@dataclass(frozen=True, slots=True)
class StrangerSources:
    """Where evidence about domains comes from that no list has; with threads of its own to wear out.

    *shown* gives the chain with that certificate if the client of that address shows it on port 25.
    """

    spf: SpfSource | None = None
    keys: KeySource | None = None
    tlsa: TlsaSource | None = None
    shown: Callable[[str, Pin], Future[Chain | None]] | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """Where evidence comes from that Postfix does not tell, apart from the certificate book."""

    certificates: tuple[CertificateSource, ...] = ()
    tlsa: TlsaSource | None = None
    background: tuple[Background, ...] = ()  #: what keeps them up to date
    revocation: RevocationSource | None = None
    issuers: IssuerSource | None = None
    keys: KeySource | None = None
    strangers: StrangerSources = StrangerSources()


class _NoKeys:
    """The KeySource of a daemon that asks nobody."""

    def find(self, name: str) -> Future[KeyAnswer]:
        future: Future[KeyAnswer] = Future()
        future.set_result(KeyAnswer(failure=f"nobody was asked for {name}"))
        return future


NO_KEYS = _NoKeys()


class CertificateKnowledge:
    """Finds and judges peer certificates; safe from many threads."""

    def __init__(
        self,
        book: CertificateBook,
        sources: Sources = Sources(),
        known_time: KnownTime | None = None,
        familiar: FamiliarPartners | None = None,
    ) -> None:
        self._book = book
        self.familiar = familiar or FamiliarPartners(book)
        self.known_time = known_time or KnownTime(datetime.min.replace(tzinfo=UTC))
        self._sources: tuple[CertificateSource, ...] = (book, *sources.certificates)
        self._tlsa = sources.tlsa
        self._revocation = sources.revocation
        self._issuers = sources.issuers
        self.keys: KeySource = sources.keys or NO_KEYS  #: of DKIM signatures
        self._lock = threading.Lock()
        self._basis: Basis | None = None  #: of `_trusted`
        self._trusted: dict[Pin, KnownCertificate] = {}

    def known_certificate(
        self,
        session: Session | None,
        entries: tuple[Entry, ...],
        client_address: str,
        live: Live,
        now: datetime,
        *,
        note: bool = True,
    ) -> KnownCertificate | None:
        """Return the session's peer certificate with its path judged at *now*.

        None where no source knows it within ``probe_timeout``; unless *note* is False it is then noted as
        pending for *entries*.
        """
        if session is None or session.certificate_pin is None:
            return None
        deadline = time.monotonic() + live.configuration.inbound.probe_timeout
        fingerprint = session.certificate_pin
        basis = live.anchors, live.configuration.trust.distrusted
        remembered = self._remembered(fingerprint, basis, now)
        if remembered is not None:
            return self._with_revocation(remembered, entries, live, deadline)
        query = CertificateQuery(fingerprint, entries, client_address)
        chain = first_answer(self._sources, query, live.configuration.inbound.probe_timeout)
        if not chain:
            if note:
                self.note_pending(session, entries, client_address, now)
            return None
        known = _validated(chain, live, now)
        # A stranger must not choose where we connect to for less than a partner's name.
        if known.path.without_issuer and is_in_name_of(
            known.certificate, entries, live.configuration, (Method.PKIX, Method.DANE)
        ):
            known = self._with_issuers(known, query, live, now, deadline)
        if known.path.outcome is PathOutcome.TRUSTED:
            self._remember(fingerprint, basis, known)
        return self._with_revocation(known, entries, live, deadline)

    def certificate_at_hand(
        self, session: Session | None, entries: tuple[Entry, ...], live: Live, now: datetime
    ) -> KnownCertificate | None:
        """Return what known_certificate() would; raises NotAtHandError where that takes its time."""
        if session is None or session.certificate_pin is None:
            return None
        basis = live.anchors, live.configuration.trust.distrusted
        remembered = self._remembered(session.certificate_pin, basis, now)
        if remembered is None or len(remembered.certificate.dns_names) > _FEW_NAMES:
            raise NotAtHandError
        return self._with_revocation(remembered, entries, live, None)

    def judged(
        self, chain: Chain, entries: tuple[Entry, ...], live: Live, now: datetime, deadline: float
    ) -> KnownCertificate:
        """Return a certificate that no source has, judged for *entries*; nothing is kept of it.

        *chain* is what somebody showed, which is not empty; *deadline* a time of ``time.monotonic``.
        """
        return self._with_revocation(_validated(chain, live, now), entries, live, deadline)

    def note_pending(
        self, session: Session, entries: tuple[Entry, ...], client_address: str, now: datetime
    ) -> None:
        """Note for people that a certificate did not pass for *entries* and waits for a decision."""
        if session.certificate_pin is None:
            return
        for entry in entries:
            shown = session.certificate_pin, session.public_key_pin
            self._book.note_pending(*shown, entry, client_address, now)

    def partners_paths(self, live: Live, now: datetime) -> Iterator[ValidatedPath]:
        """Yield the trusted paths of certificates that are in their partner's name; raises Problem.

        One at a time, as each costs some milliseconds.
        """
        trust, listed = live.configuration.trust, live.configuration.receive
        if trust.revocation is Revocation.OFF:
            return
        for known in self._book.all(_PREPARED):
            leaf, *intermediates = known.chain
            entries = tuple(origin.entry for origin in known.origins if origin.entry in listed)
            if is_in_name_of(leaf, entries, live.configuration):
                path = validate(
                    leaf, intermediates, live.anchors, trust.client_purpose, now, trust.distrusted
                )
                if path.outcome is PathOutcome.TRUSTED:
                    yield path.certificates

    def _with_issuers(
        self, known: KnownCertificate, query: CertificateQuery, live: Live, now: datetime, deadline: float
    ) -> KnownCertificate:
        """Return the certificate with the authorities it lacks, as far as they can be had by the deadline.

        First from where the certificates name them, then from whoever else may know the whole chain.  They
        are kept where they lead to a trusted authority: nobody has to have a key to offer others of its name.
        """
        fetched: set[Certificate] = set()
        for _ in range(_MISSING):
            missing = known.path.without_issuer
            issuers = () if missing is None else self._issuers_of(missing, live, deadline)
            if not issuers:
                break
            fetched.update(issuers)
            known = _validated((known.certificate, *known.intermediates, *issuers), live, now)
        if needed := tuple(one for one in known.path.certificates if one in fetched):
            self._keep(query.fingerprint, needed)
        if known.path.without_issuer is not None:
            others = self._sources[1:]
            further = first_answer(others, query, max(0.0, deadline - time.monotonic()))
            if further:
                known = _validated((known.certificate, *known.intermediates, *further), live, now)
        return known

    def _issuers_of(self, certificate: Certificate, live: Live, deadline: float) -> Chain:
        if self._issuers is None:
            return ()
        future = self._issuers.find(certificate, private=live.configuration.trust.fetch_private)
        try:
            return future.result(max(0.0, deadline - time.monotonic()))
        except FutureTimeoutError:
            return ()

    def _keep(self, fingerprint: Pin, issuers: Chain) -> None:
        try:
            self._book.add_issuers(fingerprint, issuers)
        except Problem as problem:
            event = events.issuers_not_kept(str(fingerprint), str(problem))
            _log.log(event.level, event)

    def _with_revocation(
        self, known: KnownCertificate, entries: tuple[Entry, ...], live: Live, deadline: float | None
    ) -> KnownCertificate:
        """Return the certificate with what is known of its revocation, where the verdict may hang on that.

        Nobody is asked about a certificate that is not in the partner's name: a stranger must not choose
        where we connect to.  Without a *deadline* that is to be known at once, or NotAtHandError is raised.
        """
        wanted = live.configuration.trust.revocation
        if (
            self._revocation is None
            or wanted is Revocation.OFF
            or known.path.outcome is not PathOutcome.TRUSTED
            or not is_in_name_of(known.certificate, entries, live.configuration)
        ):
            return known
        asked = self._revocation.find(known.path.certificates)
        patience = 0.0 if deadline is None else max(0.0, deadline - time.monotonic())
        if wanted is not Revocation.REQUIRE:
            patience = min(patience, _SHORT_WAIT)
        try:
            judgement = at_hand(asked) if deadline is None else asked.result(patience)
        except FutureTimeoutError:
            return replace(known, revocation_detail="it is being looked into")
        return replace(known, revocation=judgement.status, revocation_detail=judgement.detail)

    def tlsa(self, entries: tuple[Entry, ...], deadline: float | None) -> Mapping[Entry, TlsaAnswer]:
        """Return what DNS says for each list entry; what has not come by the *deadline* has failed.

        *deadline* is a time of ``time.monotonic``; without one, NotAtHandError is raised where anything has
        not come yet.  Without a source nobody has an opinion.
        """
        if self._tlsa is None:
            return {}
        futures = {entry: self._tlsa.find(entry) for entry in entries}
        return {
            entry: at_hand(future) if deadline is None else tlsa_by(future, deadline)
            for entry, future in futures.items()
        }

    def _remembered(self, fingerprint: Pin, basis: Basis, now: datetime) -> KnownCertificate | None:
        with self._lock:
            if not self._is_basis(basis):
                self._basis = basis
                self._trusted.clear()
            found = self._trusted.get(fingerprint)
        return found if found and found.path.not_before <= now <= found.path.not_after else None

    def _remember(self, fingerprint: Pin, basis: Basis, known: KnownCertificate) -> None:
        with self._lock:
            if self._is_basis(basis) and len(self._trusted) < _REMEMBERED:
                self._trusted[fingerprint] = known

    def _is_basis(self, basis: Basis) -> bool:
        (anchors, distrusted), present = basis, self._basis
        return present is not None and anchors is present[0] and distrusted == present[1]


def _validated(chain: Chain, live: Live, now: datetime) -> KnownCertificate:
    leaf, *intermediates = dict.fromkeys(chain)
    trust = live.configuration.trust
    path = validate(leaf, intermediates, live.anchors, trust.client_purpose, now, trust.distrusted)
    return KnownCertificate(leaf, path, RevocationStatus.UNKNOWN, tuple(intermediates))


def tlsa_by(future: Future[TlsaAnswer], deadline: float) -> TlsaAnswer:
    """Return an answer; one that has not come by the *deadline*, a time of ``time.monotonic``, has failed."""
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except FutureTimeoutError:
        return TlsaAnswer(failures=("no answer in time",))

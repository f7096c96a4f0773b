"""What is known of a peer certificate at the time of a message.

Owns: asking the sources, validating the path once, and remembering the outcome for as long as it holds.
"""

import threading
from datetime import datetime

from ..policy.certificate import Certificate
from ..policy.certificate_book import CertificateBook
from ..policy.certificate_source import CertificateQuery, CertificateSource, first_answer
from ..policy.domain import Entry
from ..policy.evidence import KnownCertificate, PathOutcome, PathValidation, RevocationStatus, Session
from ..policy.path_validation import TrustAnchors, validate
from ..policy.pin import Pin
from .live_configuration import Live

# Partners have a handful of certificates each; the bound only keeps a flood of strangers out of memory.
_REMEMBERED = 4096


class CertificateKnowledge:
    """Finds and judges peer certificates; safe from many threads."""

    def __init__(self, book: CertificateBook, *further_sources: CertificateSource) -> None:
        self._book = book
        self._sources: tuple[CertificateSource, ...] = (book, *further_sources)
        self._lock = threading.Lock()
        self._anchors: TrustAnchors | None = None
        self._trusted: dict[Pin, tuple[Certificate, PathValidation]] = {}

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
        fingerprint = session.certificate_pin
        remembered = self._remembered(fingerprint, live.anchors, now)
        if remembered is not None:
            return KnownCertificate(*remembered, RevocationStatus.UNKNOWN)
        chain = first_answer(
            self._sources,
            CertificateQuery(fingerprint, entries, client_address),
            live.configuration.inbound.probe_timeout,
        )
        if not chain:
            for entry in entries if note else ():
                self._book.note_pending(fingerprint, session.public_key_pin, entry, client_address, now)
            return None
        leaf, *intermediates = chain
        path = validate(leaf, intermediates, live.anchors, live.configuration.trust.client_purpose, now)
        if path.outcome is PathOutcome.TRUSTED:
            self._remember(fingerprint, live.anchors, leaf, path)
        return KnownCertificate(leaf, path, RevocationStatus.UNKNOWN)

    def _remembered(
        self, fingerprint: Pin, anchors: TrustAnchors, now: datetime
    ) -> tuple[Certificate, PathValidation] | None:
        with self._lock:
            if anchors is not self._anchors:
                self._anchors = anchors
                self._trusted.clear()
            found = self._trusted.get(fingerprint)
        return found if found and found[1].not_before <= now <= found[1].not_after else None

    def _remember(
        self, fingerprint: Pin, anchors: TrustAnchors, leaf: Certificate, path: PathValidation
    ) -> None:
        with self._lock:
            if anchors is self._anchors and len(self._trusted) < _REMEMBERED:
                self._trusted[fingerprint] = leaf, path

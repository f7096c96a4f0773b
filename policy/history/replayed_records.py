"""Judge the records of the history again: each as it was written, with the certificates that are kept.

Must not know: what is made of it, and how records are shown.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from domain_secure.policy.book.certificate_book import FILE_NAME as BOOK
from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.record.decision_document import KIND, RecordedEvidence, recorded_evidence
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.pin import Pin

from .history import History, Record
from .replay import Replay, Replayer


class RecordedCertificates:
    """Finds certificates by fingerprint, in the history first and then in the book of today."""

    def __init__(self, history: History, state: Path) -> None:
        self._history = history
        self._book = CertificateBook(state / BOOK)
        self._found: dict[tuple[Pin, ...], Chain] = {}

    def __call__(self, fingerprints: tuple[Pin, ...]) -> Chain:
        """Return the chain, or nothing."""
        if fingerprints not in self._found:
            kept = self._history.certificates(fingerprints)
            if fingerprints[0] in kept:
                chain = tuple(kept[one] for one in fingerprints if one in kept)
            else:
                chain = self._book.chain(fingerprints[0]) or ()
            self._found[fingerprints] = chain
        return self._found[fingerprints]


def replays(
    records: Iterable[Record], replayer: Replayer, *, known_since: bool = False
) -> Iterator[tuple[Record, Replay | None]]:
    """Yield each record of a decision with that decision taken again, None where it cannot be read.

    With *known_since* a certificate counts that nobody knew then and that is known by now: what would become
    of the same message if it came once more.
    """
    for record in records:
        if record.kind == KIND:
            try:
                recorded = recorded_evidence(record.document)
            except (AttributeError, KeyError, TypeError, ValueError):
                yield record, None
            else:
                yield record, replayer.replay(_as_known_now(recorded) if known_since else recorded)


def _as_known_now(recorded: RecordedEvidence) -> RecordedEvidence:
    if not recorded.was_certificate_unknown:
        return recorded
    # Nobody asked about a certificate that nobody knew.
    revocation = recorded.revocation or RevocationStatus.UNKNOWN
    return replace(recorded, was_certificate_unknown=False, revocation=revocation)

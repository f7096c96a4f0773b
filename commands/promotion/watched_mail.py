"""What was seen of a partner's mail, judged by the rule as it is now.

Owns: gathering that from the history, and the words for what would let a message in.
Must not know: what follows of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from domain_secure.milter.knowledge.live_configuration import Live, read_live
from domain_secure.policy.book.certificate_book import FILE_NAME as BOOK
from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.configuration.configuration import Configuration, Mode
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.decision.decision import Finding
from domain_secure.policy.decision.settling import settling_steps
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.history.history import History, Record, RecordQuery
from domain_secure.policy.history.replay import Replay, Replayer
from domain_secure.policy.promotion.promotion import Judged, Watched
from domain_secure.policy.promotion.watch_file import read as ran
from domain_secure.policy.record.decision_document import KIND, recorded_evidence
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

#: What lets mail in that no certificate would: it is the partner who has to do it.
_ASK: Mapping[Verdict, str] = {
    Verdict.NO_TLS: "ask the partner to send over TLS (docs/replies.md)",
    Verdict.WEAK_TLS: "ask the partner for a newer TLS, or see `partner set minimum_tls`",
    Verdict.NO_CERTIFICATE: "ask the partner to show a client certificate",
    Verdict.NO_SIGNATURE: "ask the partner to sign with DKIM for its own domain",
    Verdict.NOT_SET_UP: "pin or import what the partner shows, see `domain-secure pending`",
    Verdict.UNKNOWN_CERTIFICATE: "see `domain-secure pending`, and import the certificate",
    Verdict.REVOCATION_UNKNOWN: "see `domain-secure cert revocation`: what the authority does not answer",
}
_LOOK = "look at these messages with `domain-secure log show`"


def watched_mail(path: Path, entry: Entry, since: datetime, until: datetime) -> Watched:
    """Return what is known of the mail of a list entry; raises Problem where the history cannot be read."""
    live = enforced(read_live(load, path), entry)
    state = live.configuration.state
    history = History(state)
    query = RecordQuery(Direction.RECEIVE, entries=(entry,), since=since, until=until)
    records = [one for one in history.records(query) if one.kind == KIND]
    judged = list(_judged(records, live, entry, _Certificates(history, state)))
    counted = sum(
        one.count for one in history.hourly(since, until, entry) if one.direction is Direction.RECEIVE
    )
    return Watched(
        entry, since, until, judged, _first(history, entry), ran(state), max(counted - len(judged), 0)
    )


def enforced(live: Live, entry: Entry) -> Live:
    """Return what would be in force if mail of the entry were refused, and no bypass let it in."""
    configuration = live.configuration
    rule = replace(configuration.partner(entry), mode=Mode.ENFORCE)
    partners = {**configuration.partners, entry: rule}
    return replace(live, configuration=replace(configuration, partners=partners, bypasses=()))


def _judged(
    records: list[Record], live: Live, entry: Entry, certificates: "_Certificates"
) -> Iterator[Judged]:
    configuration = live.configuration
    replayer = Replayer(configuration, live.anchors, certificates)
    for record in records:
        try:
            recorded = recorded_evidence(record.document)
            whose = _whose(record, entry)
        except (AttributeError, KeyError, TypeError, ValueError):
            continue  # counted, and so told as not recorded
        replay = replayer.replay(recorded)
        finding = next((one for one in replay.decision.findings if one.claim.entry == entry), None)
        if finding is None:
            continue
        fails = finding.effect in {Effect.DEFER, Effect.REJECT}
        mends = _mends(replay, finding, configuration, record.time) if fails else ()
        yield Judged(record.time, finding.verdict, finding.effect, finding.detail, whose, mends, replay.gaps)


def _whose(record: Record, entry: Entry) -> Attribution | None:
    word = next(
        (one.get("attribution") for one in record.document["findings"] if one["domain"] == entry), None
    )
    return Attribution(word) if word else None


def _mends(replay: Replay, finding: Finding, configuration: Configuration, at: datetime) -> tuple[str, ...]:
    evidence = replay.decision.evidence
    known = evidence.known_certificate if evidence else None
    if known is not None:
        purpose = configuration.trust.client_purpose
        steps = settling_steps(finding.claim.entry, finding, known, purpose, at)
        told = tuple(f"{one.what}: {one.command}" if one.command else one.what for one in steps)
        if told:
            return told
    return (_ASK.get(finding.verdict, _LOOK),)


def _first(history: History, entry: Entry) -> datetime | None:
    """Return when the first message was seen that is still known."""
    query = RecordQuery(Direction.RECEIVE, entries=(entry,))
    return next((one.time for one in history.records(query)), None)


class _Certificates:
    """Finds certificates by fingerprint, in the history first and then in the book of today."""

    def __init__(self, history: History, state: Path) -> None:
        self._history = history
        self._book = CertificateBook(state / BOOK)

    def __call__(self, fingerprints: tuple[Pin, ...]) -> Chain:
        """Return the chain, or nothing."""
        kept = self._history.certificates(fingerprints)
        if fingerprints[0] in kept:
            return tuple(kept[one] for one in fingerprints if one in kept)
        return self._book.chain(fingerprints[0]) or ()

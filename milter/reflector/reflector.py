"""Letters to the reflector: each is refused with a reason, or answered once.

Owns: the order of the questions, the cheap ones first, and what is told of each letter.
Must not know: how Postfix is asked and answered (``callbacks``), how DNS is.
Invariants: nothing is written to anybody but the letter's author, and only where his certificate, SPF or DKIM
speaks for him; an answer is counted on disk before it is sent; whatever fails here, nobody is answered and no
other recipient of the message feels it.  A letter is refused in the session that brings it, so that whoever
sent it hears of that from his own server: we send no notification.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from domain_secure.milter.knowledge.knowledge import NO_KEYS, CertificateKnowledge, StrangerSources
from domain_secure.milter.knowledge.live_configuration import Live
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.milter.proof.door import Door
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.decision.decision import Decision
from domain_secure.policy.decision.evidence import Session
from domain_secure.policy.decision.reply import Reply, worded_reply
from domain_secure.policy.reflector.alignment import (
    Alignment,
    Means,
    aligned,
    by_certificate,
    has_authors_path,
)
from domain_secure.policy.reflector.letter import Letter, Objection, objection_to
from domain_secure.policy.reflector.reason import Reason
from domain_secure.policy.reflector.spf import SpfQuestion, SpfResult
from domain_secure.policy.terms.event import Event, internal_error
from domain_secure.policy.terms.mailbox import Mailbox

from . import events
from .answering import Answering, Arrived, Reach
from .gathering import Gathering
from .ledger import Entry, Ledger

_AT_ONCE = 8  #: letters for which DNS is asked at a time; each keeps a session waiting

_log = logging.getLogger("domain_secure")

_CLAUSES = {
    Reason.OWN_RELAY: "it came by a server of the receiving side, whose session says nothing about yours",
    Reason.AUTHOR_LIMIT: "you were answered often enough for today",
    Reason.DOMAIN_LIMIT: "your domain was answered often enough for today",
    Reason.CLIENT_LIMIT: "letters from this client were answered often enough for today",
    Reason.DAY_LIMIT: "there were enough answers for today",
    Reason.BUSY: "too many letters are being looked at",
    Reason.FAULT: "there was a fault on the receiving side",
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A letter at its end, with what is known of the session and was decided about the message."""

    gathering: Gathering
    live: Live
    reverse_path: str  #: as the client wrote it
    recipients: int
    client_address: str
    client: str  #: for the log
    host: str  #: our name
    queue_id: str
    session: Session | None
    decision: Decision
    is_own_relay: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    reason: Reason
    clause: str
    author: Mailbox | None = None
    means: Means | None = None


class Reflector:
    """Receives letters, from many threads at once, and answers them in threads of its own.

    *door* returns where our own smtpd listens, None where there is none; it may raise Problem.
    """

    def __init__(
        self,
        state: Path,
        knowledge: CertificateKnowledge,
        sources: StrangerSources,
        door: Callable[[Configuration], Door | None],
        metrics: Metrics,
        log: Callable[[Event], None],
    ) -> None:
        self._ledger = Ledger(state)
        self._spf = sources.spf
        self._keys = sources.keys or NO_KEYS
        self._metrics = metrics.reflector
        self._log = log
        #: Tells whether Postfix keeps recipients apart that an alias leads to one mailbox; where it takes
        #: them for one, removing the reflector would remove whoever has its mail.  May raise.
        self.keeps_recipients_apart: Callable[[Configuration], bool] = lambda _: True
        self._asking = threading.BoundedSemaphore(_AT_ONCE)
        self._answering = Answering(
            knowledge, Reach(sources.shown, sources.tlsa, door), metrics.reflector, log
        )

    def start(self) -> None:
        """Begin to send answers; returns without waiting."""
        self._answering.start()

    def stop(self) -> None:
        """End soon; returns without waiting.  Letters that wait for their answer get none."""
        self._answering.stop()

    def is_removable(self, configuration: Configuration) -> bool:
        """Tell whether the reflector may be taken off a message that others are to have.  Raises nothing."""
        try:
            return self.keeps_recipients_apart(configuration)
        except Exception as error:  # noqa: BLE001 - a copy too many costs less than one that is lost
            self._log(internal_error("reflector-recipients", error))
            return False

    def receive(self, arrival: Arrival) -> Reply | None:
        """Take a letter in and return its refusal; None: it is answered, or was.  Raises nothing."""
        try:
            outcome = self._received(arrival)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody is answered
            is_file = isinstance(error, sqlite3.Error | OSError)
            detail = f"its file {self._ledger.path}: {error}" if is_file else _CLAUSES[Reason.FAULT]
            outcome = _Outcome(Reason.FAULT, detail)
            if not is_file:
                self._log(internal_error("reflector", error))
                _log.debug("traceback of the internal error", exc_info=error)
        self._metrics.letter(outcome.reason)
        self._log(
            events.reflector_letter(
                outcome.reason,
                queue_id=arrival.queue_id,
                client=arrival.client,
                domain=outcome.author.domain if outcome.author else None,
                means=outcome.means,
                detail=outcome.clause,
            )
        )
        return _reply(outcome, arrival.queue_id, arrival.live.configuration.inbound.help_url)

    def _received(self, arrival: Arrival) -> _Outcome:
        limits, now = arrival.live.configuration.reflector, datetime.now(UTC)
        letter = arrival.gathering.letter(arrival.reverse_path, arrival.recipients)
        address = limits.address or ""
        objection = objection_to(letter, address, now)
        if arrival.is_own_relay:
            objection = Objection(Reason.OWN_RELAY, _CLAUSES[Reason.OWN_RELAY])
        if objection is not None:
            return _Outcome(objection.reason, objection.clause)
        author, identifier = letter.author, letter.identifier
        if author is None or identifier is None:
            raise ValueError("a letter without an author had no objection")
        entry = Entry(author, arrival.client_address, identifier)
        refusal = self._ledger.refusal(entry, limits, now.timestamp())
        if refusal is None and self._answering.is_full:
            refusal = Reason.BUSY
        alignment = None if refusal else self._alignment(arrival, letter, author, address, now)
        if alignment is None:
            refusal = refusal or Reason.BUSY
            return _Outcome(refusal, _CLAUSES.get(refusal, ""), author)
        if alignment.means is None:
            reason = Reason.UNALIGNED if alignment.is_known else Reason.UNKNOWN
            return _Outcome(reason, _unaligned(author, alignment), author)
        arrived = _arrived(arrival, now, author, identifier, alignment)
        refusal = self._ledger.reserve(entry, limits, now.timestamp())
        if refusal is None and not self._answering.put(arrived):
            # Or it would be taken for one that was answered when it comes again.
            self._ledger.release(entry)
            refusal = Reason.BUSY
        if refusal is not None:
            return _Outcome(refusal, _CLAUSES.get(refusal, ""), author, alignment.means)
        return _Outcome(Reason.ANSWERED, alignment.detail, author, alignment.means)

    def _alignment(
        self, arrival: Arrival, letter: Letter, author: Mailbox, address: str, now: datetime
    ) -> Alignment | None:
        """Return what speaks for the author; None: too many are being asked about."""
        if by_certificate(author.domain, arrival.decision):
            detail = f"the certificate of a session that proved to be {author.domain}"
            return Alignment(Means.CERTIFICATE, is_known=True, detail=detail)
        if not self._asking.acquire(blocking=False):
            return None
        try:
            deadline = time.monotonic() + arrival.live.configuration.inbound.probe_timeout
            asked = self._asked_for_spf(arrival, letter, author, deadline)
            signatures = arrival.gathering.signed.signatures(self._keys, deadline, now)
            return aligned(letter, address, _result(asked, deadline), signatures)
        finally:
            self._asking.release()

    def _asked_for_spf(
        self, arrival: Arrival, letter: Letter, author: Mailbox, deadline: float
    ) -> Future[SpfResult] | None:
        if self._spf is None or not has_authors_path(letter, author) or _is_local(arrival.client_address):
            return None
        return self._spf.find(SpfQuestion(arrival.client_address, author), deadline)


def _arrived(
    arrival: Arrival, now: datetime, author: Mailbox, identifier: str, alignment: Alignment
) -> Arrived:
    return Arrived(
        arrival.live,
        arrival.session,
        arrival.client_address,
        arrival.host,
        arrival.queue_id,
        now,
        author,
        identifier,
        arrival.live.configuration.reflector.address or "",
        alignment,
    )


def _result(asked: Future[SpfResult] | None, deadline: float) -> SpfResult | None:
    if asked is None:
        return None
    try:
        return asked.result(max(0.0, deadline - time.monotonic()))
    except FutureTimeoutError:
        return SpfResult.TEMPERROR


def _is_local(address: str) -> bool:
    """Tell whether a client is on this machine, or none that could be told: no record speaks of it."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return True


def _unaligned(author: Mailbox, alignment: Alignment) -> str:
    return (
        f"nothing shows that it is from {author.domain}: no certificate that proves it; {alignment.detail}. "
        "Send it from a server that SPF allows, with your own address as reverse-path, or sign it with DKIM"
    )


def _reply(outcome: _Outcome, queue_id: str, help_url: str | None) -> Reply | None:
    reason = outcome.reason
    if reason in {Reason.ANSWERED, Reason.DUPLICATE}:
        return None
    status = ("451", "4.7.1") if reason.is_temporary else ("550", "5.7.1")
    clause = _CLAUSES[Reason.FAULT] if reason is Reason.FAULT else outcome.clause
    told = f"this letter is not answered: {clause}"
    return worded_reply(status, told, f"reflector-{reason}", queue_id, help_url)

"""Answers to letters that were taken in: find out what is not known yet, write, hand over to our own Postfix.

Owns: how many answers wait and are worked on, and how long one may take.
Must not know: why a letter is answered.
Invariants: an answer goes to one address, the author's, from the empty reverse-path; who waits is bounded;
one that could not be handed over is dropped, because it was counted and may be in Postfix's hands.
Sources: RFC 3834 section 3.3 (the empty reverse-path), RFC 5321.
"""

import contextlib
import logging
import queue
import smtplib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex

from domain_secure.milter.knowledge.knowledge import CertificateKnowledge, tlsa_by
from domain_secure.milter.knowledge.live_configuration import Live
from domain_secure.milter.metrics.reflector_metrics import ReflectorMetrics
from domain_secure.milter.proof.door import Door, DoorClient, told, unchecked_context
from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaSource
from domain_secure.policy.decision.decision import Inquiries, decide_about_session, decide_with
from domain_secure.policy.decision.evidence import KnownCertificate, Session
from domain_secure.policy.reflector.alignment import Alignment
from domain_secure.policy.reflector.answer import Seen, answer_to
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.event import Event, internal_error
from domain_secure.policy.terms.mailbox import Mailbox
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem

from . import events

_WAITING = 64
_THREADS = 2
_SECONDS = 30.0  #: for a step of the session with our own Postfix

_log = logging.getLogger("domain_secure")


@dataclass(frozen=True, slots=True)
class Reach:
    """How the reflector reaches the world.

    *shown* returns a future of the chain that a client shows on port 25 if it has the certificate asked for,
    *tlsa* knows the records of domains that no list has.
    *door* returns where our own smtpd listens, None where there is none; it may raise Problem.
    """

    shown: Callable[[str, Pin], Future[Chain | None]] | None = None
    tlsa: TlsaSource | None = None
    door: Callable[[Configuration], Door | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A letter that is to be answered."""

    live: Live
    session: Session | None
    client_address: str
    host: str
    queue_id: str
    received: datetime
    author: Mailbox
    identifier: str
    address: str  #: the reflector's
    alignment: Alignment


class Answering:
    """Threads that answer; ``put`` may be called from many."""

    def __init__(
        self,
        knowledge: CertificateKnowledge,
        reach: Reach,
        metrics: ReflectorMetrics,
        log: Callable[[Event], None],
    ) -> None:
        self._knowledge = knowledge
        self._reach = reach
        self._metrics = metrics
        self._log = log
        self._waiting: queue.Queue[Arrived | None] = queue.Queue(_WAITING)

    @property
    def is_full(self) -> bool:
        """Tell whether no more may wait."""
        return self._waiting.full()

    def put(self, arrived: Arrived) -> bool:
        """Have a letter answered, and tell whether there was room."""
        try:
            self._waiting.put_nowait(arrived)
        except queue.Full:
            return False
        return True

    def start(self) -> None:
        """Begin; returns without waiting."""
        for _ in range(_THREADS):
            threading.Thread(target=self._run, name="reflector", daemon=True).start()

    def stop(self) -> None:
        """End soon; returns without waiting."""
        for _ in range(_THREADS):
            with contextlib.suppress(queue.Full):
                self._waiting.put_nowait(None)

    def _run(self) -> None:
        while (arrived := self._waiting.get()) is not None:
            try:
                self._answer(arrived)
                sent, detail = True, "our own Postfix has taken it"
            except (OSError, smtplib.SMTPException) as error:
                sent, detail = False, told(error)
            except Problem as problem:
                sent, detail = False, str(problem)
            except Exception as error:  # noqa: BLE001 - the next letter is to be answered all the same
                self._log(internal_error("reflector-answer", error))
                _log.debug("traceback of the internal error", exc_info=error)
                sent, detail = False, "there was a fault of ours"
            self._metrics.answer(sent=sent)
            self._log(
                events.reflector_answer(
                    queue_id=arrived.queue_id, domain=arrived.author.domain, sent=sent, detail=detail
                )
            )

    def _answer(self, arrived: Arrived) -> None:
        configuration = arrived.live.configuration
        door = self._reach.door(configuration)
        if door is None:
            raise Problem("Postfix has no smtpd on port 25", str(configuration.config_directory), "run check")
        message = answer_to(self._seen(arrived), configuration, f"<{token_hex(16)}@{arrived.host}>")
        with DoorClient(door, arrived.host, _SECONDS) as client:
            client.ehlo()
            if client.has_extn("starttls"):
                client.starttls(context=unchecked_context())
            client.sendmail("", [str(arrived.author)], message.as_bytes())

    def _seen(self, arrived: Arrived) -> Seen:
        """Return all that is known of the session, the author's domain being judged as if it were listed."""
        live, domain, now = arrived.live, arrived.author.domain, arrived.received
        listed = live.configuration.receive.match(domain)
        entry = Entry(domain) if listed is None else listed
        deadline = time.monotonic() + live.configuration.inbound.probe_timeout
        known: KnownCertificate | None = None
        records: Mapping[Entry, TlsaAnswer] = {}

        def certificate(entries: tuple[Entry, ...]) -> KnownCertificate | None:
            nonlocal known
            known = self._known(arrived, entries, deadline)
            return known

        def tlsa(entries: tuple[Entry, ...]) -> Mapping[Entry, TlsaAnswer]:
            nonlocal records
            records = self._tlsa(entries, deadline, is_listed=listed is not None)
            return records

        claims = (Claim(entry, domain, "from"),)
        inquiries = Inquiries(certificate, tlsa, lambda: None, self._knowledge.known_time.after(now))
        decision = decide_with(inquiries, claims, arrived.session, live.configuration, now)
        if decision.evidence is not None:
            decision = decide_about_session(claims, decision.evidence, live.configuration, now)
        if known is None:
            # A pin decides without it; whoever asks what we saw wants to see it all the same.
            certificate((entry,))
        return Seen(
            arrived.author,
            arrived.identifier,
            arrived.address,
            arrived.host,
            arrived.queue_id,
            now,
            arrived.client_address,
            arrived.session,
            arrived.alignment,
            decision,
            known,
            records,
            is_listed=listed is not None,
        )

    def _tlsa(
        self, entries: tuple[Entry, ...], deadline: float, *, is_listed: bool
    ) -> Mapping[Entry, TlsaAnswer]:
        """Return what DNS says; partners' look-ups do not wait for those of domains that anybody may have."""
        if is_listed:
            return self._knowledge.tlsa(entries, deadline)
        if self._reach.tlsa is None:
            return {}
        return {entry: tlsa_by(self._reach.tlsa.find(entry), deadline) for entry in entries}

    def _known(
        self, arrived: Arrived, entries: tuple[Entry, ...], deadline: float
    ) -> KnownCertificate | None:
        session, live, now = arrived.session, arrived.live, arrived.received
        if session is None or session.certificate_pin is None:
            return None
        found = self._knowledge.known_certificate(
            session, entries, arrived.client_address, live, now, note=False
        )
        if found is not None or self._reach.shown is None:
            return found
        # He connected to us, and is known to be the author's: his own server may be asked what it shows.
        shown = self._reach.shown(arrived.client_address, session.certificate_pin)
        try:
            chain = shown.result(max(0.0, deadline - time.monotonic()))
        except FutureTimeoutError:
            return None
        return self._knowledge.judged(chain, entries, live, now, deadline) if chain else None

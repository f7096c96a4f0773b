"""One message from its first fact to its outcome: the shell around the decision.

Owns: the order of steps (claims, exemption, evidence, decision, certificate look-up, marks, reply), and what
happens when one of them fails.  The rules themselves are in ``policy``.

Invariant: a fault here defers a message that claims a listed domain, and never lets a mark through that was
not made here.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from domain_secure.milter.knowledge.knowledge import CertificateKnowledge
from domain_secure.milter.knowledge.live_configuration import Live
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.milter.proof.canary import Canaries
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.claims.claims import envelope_claims, header_claims
from domain_secure.policy.configuration.configuration import Condition, WhenDown
from domain_secure.policy.decision.decision import (
    NOT_LISTED,
    Decision,
    Inquiries,
    decide_with,
    exempted,
    undecidable,
)
from domain_secure.policy.decision.evidence import Evidence, Session
from domain_secure.policy.decision.exemption import (
    RELAY_CERTIFICATE,
    exemption_of,
    is_relay_certificate,
    is_within,
)
from domain_secure.policy.decision.marks import is_forged_mark, mark_headers
from domain_secure.policy.decision.reply import Reply, reply_to
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.dkim.message_signature import MessageSignature
from domain_secure.policy.dkim.signed_message import SignedMessage
from domain_secure.policy.record.decision_document import AUTHENTICATED
from domain_secure.policy.record.decision_record import DecisionRecord
from domain_secure.policy.terms.event import Event, internal_error

from . import events
from .delegation import NO_OPINION, DelegatedFacts
from .joined import MilterSessions, RecentRequests, agreed_session
from .macros import MilterFacts

_log = logging.getLogger("domain_secure")

# Postfix looks for each field from the top: half a million of them, which fit into a message of ordinary
# size, would keep it busy for hours.
MOST_FORGED_MARKS = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the milter has to do at the end of a message."""

    reply: Reply | None = None  #: None: let the message in
    removed_headers: tuple[tuple[str, int], ...] = ()  #: name and which one of that name, from 1, ascending
    added_headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Transaction:
    """What is gathered of one message; judged by the configuration that was in force at its MAIL."""

    live: Live
    facts: MilterFacts
    exemption: str | None  #: why the client is never refused
    is_trusted_relay: bool
    authserv_id: str
    reverse_path: str = ""  #: as the client wrote it
    claims: set[Claim] = field(default_factory=set)
    forged: list[tuple[str, int]] = field(default_factory=list)
    fault: BaseException | None = None
    signed: SignedMessage | None = (
        None  #: where a signature may decide, and the milter sees the whole message
    )
    _seen: dict[str, int] = field(default_factory=dict)

    def note_author(self, name: str, value: bytes) -> None:
        """Note the listed domains that an author header claims."""
        try:
            self.claims |= header_claims(name, value, self.live.configuration.receive)
        except Exception as error:  # noqa: BLE001 - libmilter must see none; the end of message defers
            self.fault = error

    def note_field(self, name: bytes, value: bytes) -> None:
        """Note any header field, with the white space behind its colon."""
        if self.signed is not None:
            self.signed.add_field(name, value)

    def begin_body(self) -> None:
        """Note that the header is complete; from here on a message that needs no signature is not kept."""
        if self.signed is None:
            return
        partner = self.live.configuration.partner
        claims = [claim for claim in self.claims if Condition.DKIM in partner(claim.entry).require]
        if claims:
            self.signed.begin_body(claims)
        else:
            self.signed = None

    def note_body(self, chunk: bytes) -> bool:
        """Note a part of the body, and tell whether the rest of it is wanted."""
        if self.signed is None:
            return False
        self.signed.add_body(chunk)
        return True

    def note_mark(self, name: str, value: bytes) -> None:
        """Note a header that looks like one of our marks."""
        folded = name.strip().lower()
        self._seen[folded] = self._seen.get(folded, 0) + 1
        try:
            forged = is_forged_mark(name, value, self.authserv_id)
        except Exception as error:  # noqa: BLE001 - what cannot be read is not let through as a mark
            _log.error(internal_error("mark", error))
            forged = True
        if forged and not self.has_too_many_forged:
            self.forged.append((name, self._seen[folded]))

    def meet(self, session: Session | None) -> None:
        """Take in who the client proved to be: a relay of ours is exempt, and its marks are kept."""
        inbound = self.live.configuration.inbound
        if session and is_relay_certificate((session.certificate_pin, session.public_key_pin), inbound):
            self.exemption = self.exemption or RELAY_CERTIFICATE
            self.is_trusted_relay = True

    @property
    def has_too_many_forged(self) -> bool:
        """Tell whether there are more forged marks than are worth removing."""
        return len(self.forged) > MOST_FORGED_MARKS


class Inbound:
    """Judges messages; its methods are called from many threads at once."""

    def __init__(  # noqa: PLR0913, PLR0917 - everything a message meets
        self,
        live: Callable[[], Live],
        requests: RecentRequests,
        knowledge: CertificateKnowledge,
        metrics: Metrics,
        log: Callable[[Event], None],
        observe: Callable[[DecisionRecord], None],
        when_down_action: str = NO_OPINION,
    ) -> None:
        """Make one; *when_down_action* is what Postfix does by itself about a session we cannot judge.

        *observe* is told of each decision about listed mail, must not wait, and may fail.
        """
        self.canaries = Canaries()
        self._when_down_action = when_down_action
        self._observe = observe
        self._sessions = MilterSessions()
        self._live = live
        self._requests = requests
        self._knowledge = knowledge
        self._metrics = metrics
        self._log = log

    @property
    def must_answer_mail(self) -> bool:
        """Tell whether Postfix has to wait at MAIL: the delegation request asks which sessions we have."""
        return self._live().configuration.inbound.when_down is WhenDown.DEFER_LISTED

    @property
    def must_see_messages(self) -> bool:
        """Tell whether any partner's messages are judged by more than their session."""
        return Condition.DKIM in self._live().configuration.conditions

    def delegated(self, facts: DelegatedFacts) -> str:
        """Remember what a delegation request says, and return the action (access(5)) for Postfix."""
        self._requests.remember(facts)
        if self.must_answer_mail and facts not in self._sessions:
            # Began while we were away, and nothing of it will reach the milter.
            return self._when_down_action
        return NO_OPINION

    def close(self, facts: MilterFacts) -> None:
        """Forget a session."""
        self._sessions.forget(facts)

    def begin(self, facts: MilterFacts, reverse_path: str, *, sees_message: bool = False) -> Transaction:
        """Start a message: *facts* of its MAIL, *reverse_path* as the client wrote it.

        *sees_message* tells whether every header field and the body of it will be noted.
        """
        self._sessions.note(facts)
        live = self._live()
        inbound = live.configuration.inbound
        exemption = AUTHENTICATED if facts.authenticated else exemption_of(facts.client_address, inbound)
        transaction = Transaction(
            live,
            facts,
            exemption,
            is_within(facts.client_address, inbound.trusted_relays),
            inbound.authserv_id or facts.myhostname,
            reverse_path,
        )
        if sees_message and exemption is None:
            transaction.signed = SignedMessage()
        try:
            transaction.claims |= envelope_claims((reverse_path, facts.mail_addr), live.configuration.receive)
        except Exception as error:  # noqa: BLE001 - as in note_author
            transaction.fault = error
        return transaction

    def end(self, transaction: Transaction, queue_id: str) -> Outcome:
        """Return what is to happen to the message; counts and logs it."""
        started = time.perf_counter()
        facts = transaction.facts
        delegated = self._requests.take((facts.client_address, facts.client_port, queue_id))
        session = agreed_session(facts, delegated)
        canary = self.canaries.answer(
            transaction.reverse_path, session, transaction.live.configuration, queue_id, datetime.now(UTC)
        )
        if canary is not None:
            return Outcome(canary)
        transaction.meet(session)
        if transaction.has_too_many_forged and not transaction.is_trusted_relay:
            self._log(events.forged_marks_refused(queue_id=queue_id, client=_client(facts)))
            return Outcome(_forged_marks_reply(queue_id))
        try:
            decision = self._decide(transaction, session)
        except Exception as error:  # noqa: BLE001 - whatever it is, listed mail waits and other mail flows
            self._log(internal_error("decision", error))
            _log.debug("traceback of the internal error", exc_info=error)
            decision = undecidable(transaction.claims, transaction.live.configuration)
            if transaction.fault is not None and decision.verdict is Verdict.NONE:
                # What this message claims could not be read, so that nobody can say it claims nothing.
                decision = Decision(Verdict.INTERNAL_ERROR, Effect.DEFER, (), None)
                self._tell(transaction, decision, queue_id, None, time.perf_counter() - started)
                return Outcome(_unreadable_claims_reply(queue_id))
        reply = reply_to(decision, queue_id)
        self._tell(transaction, decision, queue_id, reply, time.perf_counter() - started)
        if reply is not None:
            return Outcome(reply)
        marks = mark_headers(decision, facts.myhostname, transaction.authserv_id, queue_id)
        return Outcome(None, self._forged_marks(transaction, queue_id), marks)

    def _decide(self, transaction: Transaction, session: Session | None) -> Decision:
        live, claims = transaction.live, transaction.claims
        if transaction.fault is not None:
            raise transaction.fault
        if not claims:
            return NOT_LISTED
        if transaction.exemption is not None:
            decision = exempted(claims, live.configuration, transaction.exemption)
            return replace(decision, evidence=Evidence(session, None))
        now = datetime.now(UTC)
        deadline = time.monotonic() + live.configuration.inbound.probe_timeout

        def signatures() -> tuple[MessageSignature, ...] | None:
            signed = transaction.signed
            if signed is None or not signed.is_header_complete:
                return None
            return signed.signatures(self._knowledge.keys, deadline, now)

        # What the certificate took of the time is gone for the others.
        inquiries = Inquiries(
            certificate=lambda entries: self._knowledge.known_certificate(
                session, entries, transaction.facts.client_address, live, now
            ),
            tlsa=lambda entries: self._knowledge.tlsa(entries, deadline),
            signatures=signatures,
            known_time=self._knowledge.known_time.after(now),
        )
        return decide_with(inquiries, claims, session, live.configuration, now)

    def _forged_marks(self, transaction: Transaction, queue_id: str) -> tuple[tuple[str, int], ...]:
        if not transaction.forged or transaction.is_trusted_relay:
            return ()
        self._log(
            events.forged_marks_removed(
                queue_id=queue_id, client=_client(transaction.facts), count=len(transaction.forged)
            )
        )
        return tuple(transaction.forged)

    def _tell(
        self, transaction: Transaction, decision: Decision, queue_id: str, reply: Reply | None, seconds: float
    ) -> None:
        """Tell the observers what was decided; whatever goes wrong there, the message does not feel it."""
        try:
            self._metrics.observe(decision, seconds)
            if decision.findings:
                facts = transaction.facts
                client = facts.client_address, facts.client_port
                self._observe(DecisionRecord(datetime.now(UTC), queue_id, *client, decision, reply, seconds))
        except Exception as error:  # noqa: BLE001 - the decision is taken, and stands
            _log.error(internal_error("observer", error))


def _client(facts: MilterFacts) -> str:
    return f"[{facts.client_address}]:{facts.client_port}"


def _forged_marks_reply(queue_id: str) -> Reply:
    return Reply(
        "550",
        "5.7.1",
        f"more than {MOST_FORGED_MARKS} header fields that only the receiving side may add"
        f" (forged-marks) [ref {queue_id or 'unknown'}]",
    )


def _unreadable_claims_reply(queue_id: str) -> Reply:
    code, enhanced_status = Verdict.INTERNAL_ERROR.reply_status(Effect.DEFER)
    return Reply(
        code,
        enhanced_status,
        "a fault on the receiving side prevented the check of the author's domain; please retry"
        f" ({Verdict.INTERNAL_ERROR.word}) [ref {queue_id or 'unknown'}]",
    )

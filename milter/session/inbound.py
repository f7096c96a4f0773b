"""One message from its first fact to its outcome: the shell around the decision.

Owns: the order of steps (claims, exemption, evidence, decision, certificate look-up, marks, reply), and what
happens when one of them fails.  The rules themselves are in ``policy``.

Invariant: a fault here defers a message that claims a listed domain, and never lets a mark through that was
not made here.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from domain_secure.milter.knowledge.at_hand import NotAtHandError
from domain_secure.milter.knowledge.knowledge import CertificateKnowledge
from domain_secure.milter.knowledge.live_configuration import Live
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.milter.proof.canary import Canaries
from domain_secure.milter.reflector.reflector import Reflector
from domain_secure.policy.claims.budget import Unreadable
from domain_secure.policy.claims.claims import envelope_claims
from domain_secure.policy.configuration.configuration import Condition
from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.decision.decision import (
    NOT_LISTED,
    Decision,
    Inquiries,
    decide_with,
    exempted,
    undecidable,
)
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate
from domain_secure.policy.decision.exemption import exemption_of, is_within
from domain_secure.policy.decision.marks import mark_headers
from domain_secure.policy.decision.reply import Reply, reply_to, worded_reply
from domain_secure.policy.decision.settling import waits_for_pin
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.dkim.message_signature import MessageSignature
from domain_secure.policy.dkim.signed_message import SignedMessage
from domain_secure.policy.record.decision_document import AUTHENTICATED
from domain_secure.policy.record.decision_record import DecisionRecord
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.event import Event, internal_error

from . import events
from .delegation import NO_OPINION, DelegatedFacts
from .joined import RecentRequests, agreed_session
from .macros import MilterFacts
from .outcome import LET_IN, Outcome
from .reflected import arrival_of, with_reflector
from .transaction import MOST_FORGED_MARKS, Transaction

_log = logging.getLogger("domain_secure")

# What the message claims could not be read, so that nobody can say it claims nothing.
_UNREADABLE_CLAIMS = Decision(Verdict.INTERNAL_ERROR, Effect.DEFER, (), None)


class Inbound:
    """Judges messages; its methods are called from many threads at once."""

    def __init__(
        self,
        live: Callable[[], Live],
        requests: RecentRequests,
        knowledge: CertificateKnowledge,
        metrics: Metrics,
        log: Callable[[Event], None],
        observe: Callable[[DecisionRecord], None],
    ) -> None:
        """Make one.

        *observe* is told of each decision about listed mail, must not wait, and may fail.
        """
        self.canaries = Canaries()
        self.reflector: Reflector | None = (
            None  #: who takes letters to the configured address, where there is one
        )
        self._observe = observe
        self._live = live
        self._requests = requests
        self._knowledge = knowledge
        self._metrics = metrics
        self._log = log

    @property
    def must_answer_mail(self) -> bool:
        """Tell whether Postfix has to wait at MAIL: somebody asks right afterwards whether we were told."""
        return self.canaries.are_under_way

    @property
    def must_see_messages(self) -> bool:
        """Tell whether any partner's messages are judged by more than their session."""
        configuration = self._live().configuration
        return Condition.DKIM in configuration.conditions or self.must_see_recipients

    @property
    def must_see_recipients(self) -> bool:
        """Tell whether one of them may be the reflector."""
        return self.reflector is not None and bool(self._live().reflector)

    def delegated(self, facts: DelegatedFacts) -> str:
        """Remember what a delegation request says, and return the action (access(5)) for Postfix."""
        self._requests.remember(facts)
        return NO_OPINION

    def begin(self, facts: MilterFacts, reverse_path: str, *, sees_message: bool = False) -> Transaction:
        """Start a message: *facts* of its MAIL, *reverse_path* as the client wrote it.

        *sees_message* tells whether every header field and the body of it will be noted.
        """
        self.canaries.notice(reverse_path)
        live = self._live()
        configuration = live.configuration
        inbound = configuration.inbound
        exemption = (
            AUTHENTICATED if facts.authenticated else exemption_of(facts.client_address, configuration)
        )
        transaction = Transaction(
            live,
            facts,
            exemption,
            is_within(facts.client_address, inbound.trusted_relays),
            inbound.authserv_id or facts.myhostname,
            reverse_path,
            sees_message=sees_message,
        )
        if sees_message and exemption is None and Condition.DKIM in configuration.conditions:
            transaction.signed = SignedMessage()
        try:
            transaction.claims |= envelope_claims((reverse_path, facts.mail_addr), live.configuration.receive)
        except Exception as error:  # noqa: BLE001 - as in note_author
            transaction.fault = error
        return transaction

    def end(self, transaction: Transaction, queue_id: str) -> Outcome:
        """Return what is to happen to the message; counts and logs it, and may wait for evidence."""
        return self._end(transaction, queue_id, at_once=False)

    def end_at_once(self, transaction: Transaction, queue_id: str) -> Outcome | None:
        """Return what end() does; None where that may wait: nobody was told then, and end() is to follow."""
        if not transaction.is_simple:
            return None
        try:
            return self._end(transaction, queue_id, at_once=True)
        except NotAtHandError:
            return None

    def _end(self, transaction: Transaction, queue_id: str, *, at_once: bool) -> Outcome:
        started = time.perf_counter()
        if not transaction.has_ended:
            self._take_evidence(transaction, queue_id)
        if unjudged := self._unjudged(transaction, queue_id):
            return Outcome(unjudged)
        decision, whose = self._judged(transaction, at_once=at_once)
        help_url = transaction.live.configuration.inbound.help_url
        if decision is _UNREADABLE_CLAIMS:
            self._tell(transaction, decision, queue_id, None, time.perf_counter() - started, whose)
            return Outcome(_unreadable_claims_reply(queue_id, help_url))
        refused = reply_to(decision, queue_id, help_url)
        if transaction.letter is None or self.reflector is None:
            self._tell(transaction, decision, queue_id, refused, time.perf_counter() - started, whose)
            return self._outcome(transaction, decision, refused, queue_id)
        seconds = time.perf_counter() - started
        answered = self.reflector.receive(
            arrival_of(transaction, transaction.letter, transaction.session, decision, queue_id)
        )
        outcome = self._outcome(transaction, decision, refused, queue_id)
        is_removable = self.reflector.is_removable
        outcome = with_reflector(outcome, transaction, transaction.letter, answered, is_removable)
        self._tell(transaction, decision, queue_id, outcome.reply, seconds, whose)
        return outcome

    def _take_evidence(self, transaction: Transaction, queue_id: str) -> None:
        """Take what was said of the session, which is kept for this message: nobody says it again."""
        delegated = self._requests.take(transaction.facts.key(queue_id))
        is_asked_for = (
            transaction.claims
            or transaction.letter is not None
            or transaction.live.configuration.inbound.trusted_relay_certificates
            or self.canaries.are_under_way
        )
        transaction.meet(agreed_session(transaction.facts, delegated) if is_asked_for else None)

    def _unjudged(self, transaction: Transaction, queue_id: str) -> Reply | None:
        """Return the reply to a message about which there is no question of whose it is."""
        configuration = transaction.live.configuration
        if self.canaries.are_under_way:
            canary = self.canaries.answer(
                transaction.reverse_path, transaction.session, configuration, queue_id, datetime.now(UTC)
            )
            if canary is not None:
                return canary
        if (refusal := transaction.refusal) is None:
            return None
        self._log(_REFUSED[refusal](queue_id=queue_id, client=_client(transaction.facts)))
        self._metrics.count_unreadable(refusal)
        return _unreadable_reply(refusal, queue_id, configuration.inbound.help_url)

    def _judged(
        self, transaction: Transaction, *, at_once: bool
    ) -> tuple[Decision, Mapping[Entry, Attribution]]:
        """Return the decision, and whose message it was; raises NotAtHandError where *at_once* cannot be."""
        try:
            decision = self._decide(transaction, at_once=at_once)
            return decision, self._whose(transaction, decision, at_once=at_once)
        except NotAtHandError:
            raise
        except Exception as error:
            if at_once:
                # What goes wrong is looked at once more, and told, where nobody else waits.
                raise NotAtHandError from error
            self._log(internal_error("decision", error))
            _log.debug("traceback of the internal error", exc_info=error)
            # Whatever it is, listed mail waits and other mail flows.
            decision = undecidable(transaction.claims, transaction.live.configuration)
            if transaction.fault is not None and decision.verdict is Verdict.NONE:
                decision = _UNREADABLE_CLAIMS
            return decision, self._whose(transaction, decision, at_once=False)

    def _whose(
        self, transaction: Transaction, decision: Decision, *, at_once: bool
    ) -> Mapping[Entry, Attribution]:
        try:
            return self._knowledge.familiar.attributed(
                decision, transaction.facts.client_address, at_once=at_once
            )
        except NotAtHandError:
            raise
        except Exception as error:  # noqa: BLE001 - the decision is taken, and stands
            _log.error(internal_error("observer", error))
            return {}

    def _outcome(
        self, transaction: Transaction, decision: Decision, refused: Reply | None, queue_id: str
    ) -> Outcome:
        if refused is not None:
            return Outcome(refused)
        if not decision.findings and not transaction.forged:
            return LET_IN
        marks = mark_headers(decision, transaction.facts.myhostname, transaction.authserv_id, queue_id)
        return Outcome(None, self._forged_marks(transaction, queue_id), marks)

    def _decide(self, transaction: Transaction, *, at_once: bool) -> Decision:
        live, claims, session = transaction.live, transaction.claims, transaction.session
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

        def certificate(entries: tuple[Entry, ...]) -> KnownCertificate | None:
            if at_once:
                return self._knowledge.certificate_at_hand(session, entries, live, now)
            return self._knowledge.known_certificate(
                session, entries, transaction.facts.client_address, live, now
            )

        # What the certificate took of the time is gone for the others.
        inquiries = Inquiries(
            certificate=certificate,
            tlsa=lambda entries: self._knowledge.tlsa(entries, None if at_once else deadline),
            signatures=signatures,
            known_time=self._knowledge.known_time.after(now),
        )
        decision = decide_with(inquiries, claims, session, live.configuration, now)
        if session is not None:
            waiting = {finding.claim.entry for finding in decision.findings if waits_for_pin(finding)}
            if waiting and at_once:
                raise NotAtHandError
            client = transaction.facts.client_address
            self._knowledge.note_pending(session, tuple(sorted(waiting)), client, now)
        return decision

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
        self,
        transaction: Transaction,
        decision: Decision,
        queue_id: str,
        reply: Reply | None,
        seconds: float,
        whose: Mapping[Entry, Attribution],
    ) -> None:
        """Tell the observers what was decided; whatever goes wrong there, the message does not feel it."""
        try:
            facts = transaction.facts
            self._metrics.observe(decision, seconds, whose, is_accepted=reply is None)
            if decision.findings:
                client = facts.client_address, facts.client_port
                now = datetime.now(UTC)
                server = facts.server_address, facts.server_port
                told = (queue_id, *client, decision, reply, seconds, whose, *server)
                self._observe(DecisionRecord(now, *told))
        except Exception as error:  # noqa: BLE001 - the decision is taken, and stands
            _log.error(internal_error("observer", error))


def _client(facts: MilterFacts) -> str:
    return f"[{facts.client_address}]:{facts.client_port}"


_REFUSED = {
    Unreadable.FORGED_MARKS: events.forged_marks_refused,
    Unreadable.TOO_MUCH: events.too_much_refused,
    Unreadable.UNREADABLE_AUTHOR: events.unreadable_author_refused,
}
_WHY_UNREADABLE = {
    Unreadable.FORGED_MARKS: f"more than {MOST_FORGED_MARKS} header fields that only the receiving side may "
    "add, or one of these hidden in another field",
    Unreadable.TOO_MUCH: "the author fields of this message hold more than can be checked",
    Unreadable.UNREADABLE_AUTHOR: "the author field of this message names nobody outside of words in a "
    "character set that cannot be read here",
}


def _unreadable_reply(why: Unreadable, queue_id: str, help_url: str | None) -> Reply:
    return worded_reply(("550", "5.7.1"), _WHY_UNREADABLE[why], why, queue_id, help_url)


def _unreadable_claims_reply(queue_id: str, help_url: str | None) -> Reply:
    return worded_reply(
        Verdict.INTERNAL_ERROR.reply_status(Effect.DEFER),
        "a fault on the receiving side prevented the check of the author's domain; please retry",
        Verdict.INTERNAL_ERROR.word,
        queue_id,
        help_url,
    )

"""What Postfix tells of one SMTP session, event by event: gather, ask, answer; no rule lives here.

Only three events are negotiated (MAIL, header lines, end of message), and only the last is answered, so
that a message costs Postfix one round trip more.  Where a partner's messages have to be signed, there are two
more: the end of the header and the body, whose first part is the last one for every other message.  Where
there is a reflector there are these and the recipients, which are not answered.
Source: Postfix MILTER_README.
"""

import itertools
import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, Protocol

from domain_secure.policy.terms.event import internal_error

from . import milter_protocol as protocol
from .macros import MilterFacts, read_mail_macros
from .milter_protocol import CONTINUE, NO_ANSWER, SKIP, TEMPORARY_FAILURE, Offer
from .open_sessions import OpenSession, OpenSessions
from .outcome import LET_IN, Outcome
from .transaction import AUTHOR_NAMES, MARK_NAMES, Transaction

_log = logging.getLogger("domain_secure")

ACTIONS = protocol.ADD_HEADERS | protocol.CHANGE_HEADERS
# The reflector is taken off the recipients of a message that others are to have.
ACTIONS_ON_RECIPIENTS = protocol.DELETE_RECIPIENTS
_STEPS_WE_DO_WITHOUT = (
    protocol.NO_CONNECT
    | protocol.NO_HELO
    | protocol.NO_RCPT
    | protocol.NO_DATA
    | protocol.NO_END_OF_HEADER
    | protocol.NO_BODY
    | protocol.NO_UNKNOWN
)
# What it takes to see a message as it was signed: all of it, with the space behind the colon of a field.
_STEPS_OF_A_MESSAGE = protocol.NO_END_OF_HEADER | protocol.NO_BODY
_OPTIONS_OF_A_MESSAGE = protocol.LEADING_SPACE | protocol.SKIP_ALLOWED
_STEPS_WE_DO_NOT_ANSWER = protocol.UNANSWERED_MAIL | protocol.UNANSWERED_HEADER


class _Chosen(NamedTuple):
    """What a session asks for beyond the least."""

    answers_mail: bool = False
    sees_messages: bool = False
    sees_recipients: bool = False

    @property
    def left_out(self) -> int:
        """Return the steps and answers that Postfix is to leave out, and options."""
        left_out = _STEPS_WE_DO_WITHOUT | (
            protocol.UNANSWERED_HEADER if self.answers_mail else _STEPS_WE_DO_NOT_ANSWER
        )
        if self.sees_messages:
            left_out = (
                left_out & ~_STEPS_OF_A_MESSAGE | _OPTIONS_OF_A_MESSAGE | protocol.UNANSWERED_END_OF_HEADER
            )
        if self.sees_recipients:
            left_out = left_out & ~protocol.NO_RCPT | protocol.UNANSWERED_RCPT
        return left_out

    @property
    def actions(self) -> int:
        """Return what may be done to a message."""
        return ACTIONS | (ACTIONS_ON_RECIPIENTS if self.sees_recipients else 0)


_EVERY_CHOICE = (_Chosen(*each) for each in itertools.product((False, True), repeat=3))
_LEFT_OUT = {each: each.left_out for each in _EVERY_CHOICE}


def _traceback_wanted() -> bool:
    return _log.isEnabledFor(logging.DEBUG)


class Judge(Protocol):
    """What the callbacks need of the daemon."""

    @property
    def must_answer_mail(self) -> bool:
        """Tell whether Postfix has to wait until a MAIL event was taken in."""

    @property
    def must_see_messages(self) -> bool:
        """Tell whether whole messages are to be noted."""

    @property
    def must_see_recipients(self) -> bool:
        """Tell whether a recipient may be one that is answered."""

    def begin(self, facts: MilterFacts, reverse_path: str, *, sees_message: bool = False) -> Transaction:
        """Start a message."""

    def end(self, transaction: Transaction, queue_id: str) -> Outcome:
        """Return what is to happen to the message."""

    def end_at_once(self, transaction: Transaction, queue_id: str) -> Outcome | None:
        """Return the same; None where that takes its time, or waits for anything: end() is to follow."""


class Callbacks:
    """One SMTP session; its methods are called in order and return octets for Postfix.

    *sessions* hears of its beginning and end, and of those of its messages.
    """

    def __init__(self, judge: Judge, sessions: OpenSessions | None = None) -> None:
        self._judge = judge
        self._sessions = OpenSessions() if sessions is None else sessions
        self.session: OpenSession | None = None  #: once it has been negotiated
        self._transaction: Transaction | None = None
        self._chosen = _Chosen()
        # What is answered to each step of this session.
        self._at_mail = self._at_rcpt = self._at_header = self._at_end_of_header = CONTINUE
        self._at_unwanted_body = CONTINUE

    def negotiate(self, offer: Offer, former: int | None = None) -> Offer | None:
        """Return what we agree to: only the steps we need; None where Postfix cannot do what we must.

        *former*: the steps of a session that began in an earlier process.  What is asked for now may be other
        than then, and a session goes on as it began; so where we would ask for them at any time, take these.
        """
        if offer.actions & ACTIONS != ACTIONS:
            return None
        messages = offer.steps & _OPTIONS_OF_A_MESSAGE == _OPTIONS_OF_A_MESSAGE
        recipients = messages and offer.actions & ACTIONS_ON_RECIPIENTS == ACTIONS_ON_RECIPIENTS
        chosen = _Chosen(
            self._judge.must_answer_mail,
            messages and self._judge.must_see_messages,
            recipients and self._judge.must_see_recipients,
        )
        if former is not None:
            chosen = next(
                (
                    each
                    for each, left_out in _LEFT_OUT.items()
                    if (messages or not each.sees_messages)
                    and (recipients or not each.sees_recipients)
                    and offer.steps & left_out == former
                ),
                chosen,
            )
        self._chosen = chosen
        steps = offer.steps & _LEFT_OUT[chosen]
        self._at_mail, self._at_rcpt, self._at_header, self._at_end_of_header = _answers(steps)
        self._at_unwanted_body = SKIP if steps & protocol.SKIP_ALLOWED else CONTINUE
        self.session = self._sessions.begin()
        return Offer(offer.version, chosen.actions, steps)

    @property
    def is_between_messages(self) -> bool:
        """Tell whether no message has begun that has not ended."""
        return self._transaction is None

    def mail(self, macros: Mapping[str, str], reverse_path: bytes) -> bytes:
        """Begin a message; forgets whatever an earlier one left."""
        self._transaction = None
        if self.session is not None:
            self.session.message_began()
        try:
            self._transaction = self._judge.begin(
                read_mail_macros(macros.get),
                reverse_path.decode("utf-8", "surrogateescape"),
                sees_message=self._chosen.sees_messages,
            )
        except Exception as error:  # noqa: BLE001 - without a transaction the end of message defers
            _log.error(internal_error("mail", error), exc_info=_traceback_wanted())
        return self._at_mail

    def recipient(self, spelling: bytes) -> bytes:
        """Note a recipient that Postfix has accepted."""
        if self._transaction is not None:
            self._transaction.note_recipient(spelling)
        return self._at_rcpt

    def header_field(self, name: bytes, value: bytes) -> bytes:
        """Note a header field that may claim a domain or forge a mark; a signature may cover every other."""
        transaction = self._transaction
        if transaction is not None:
            if self._chosen.sees_messages:
                transaction.note_field(name, value)
            folded = name.strip().lower()
            if folded in AUTHOR_NAMES:
                transaction.note_author(name.decode("utf-8", "surrogateescape"), value)
            elif folded in MARK_NAMES:
                transaction.note_mark(name.decode("utf-8", "surrogateescape"), value)
            if b"\r" in value:
                transaction.note_hidden_fields(value)
        return self._at_header

    def end_of_header(self) -> bytes:
        """Find out whether the body will be of interest."""
        if self._transaction is not None:
            try:
                self._transaction.begin_body()
            except Exception as error:  # noqa: BLE001 - without what was noted nothing counts as signed
                self._transaction.signed = None
                _log.error(internal_error("end-of-header", error), exc_info=_traceback_wanted())
        return self._at_end_of_header

    def body(self, chunk: bytes) -> bytes:
        """Note a part of the body, or ask for no more of it."""
        wanted = self._transaction is not None and self._transaction.note_body(chunk)
        return CONTINUE if wanted else self._at_unwanted_body

    def end_of_message_at_once(self, queue_id: str) -> bytes | None:
        """Decide, and return the decision; None: it may have to wait, and end_of_message() is to follow."""
        transaction = self._transaction
        if transaction is None:
            return TEMPORARY_FAILURE
        try:
            outcome = self._judge.end_at_once(transaction, queue_id)
            if outcome is None:
                return None
            answer = _answer(outcome, has_space=self._chosen.sees_messages)
        except Exception as error:  # noqa: BLE001 - whatever it is, the message waits
            answer = _deferred(error)
        self._transaction = None
        return answer

    def end_of_message(self, queue_id: str) -> bytes:
        """Decide, and return the decision; may wait for whatever decides it."""
        transaction, self._transaction = self._transaction, None
        if transaction is None:
            return TEMPORARY_FAILURE
        try:
            return _answer(self._judge.end(transaction, queue_id), has_space=self._chosen.sees_messages)
        except Exception as error:  # noqa: BLE001 - whatever it is, the message waits
            return _deferred(error)

    def message_ended(self) -> None:
        """Note that the answer to a message was sent."""
        if self.session is not None:
            self.session.message_ended()

    def abort(self) -> None:
        """Forget the message."""
        self._transaction = None
        self.message_ended()

    def close(self) -> None:
        """Forget the session."""
        self._transaction = None
        if self.session is not None:
            self.session.ended()


@lru_cache(len(_LEFT_OUT))
def _answers(steps: int) -> tuple[bytes, ...]:
    """Return what is answered at MAIL, RCPT, to a header field and at the end of the header."""
    unanswered = (
        protocol.UNANSWERED_MAIL,
        protocol.UNANSWERED_RCPT,
        protocol.UNANSWERED_HEADER,
        protocol.UNANSWERED_END_OF_HEADER,
    )
    return tuple(NO_ANSWER if steps & step else CONTINUE for step in unanswered)


def _deferred(error: Exception) -> bytes:
    _log.error(internal_error("end-of-message", error), exc_info=_traceback_wanted())
    return TEMPORARY_FAILURE


def _answer(outcome: Outcome, *, has_space: bool) -> bytes:
    """Return all that Postfix is told; whoever gets the space behind the colon *has_space* to give, too."""
    if outcome is LET_IN:
        return CONTINUE
    # Highest first: a header that is gone must not change the number of one still to go.
    changes = [protocol.removed_header(*one) for one in reversed(outcome.removed_headers)]
    for name, value in reversed(outcome.added_headers):
        changes.append(protocol.added_header(name, f" {value}" if has_space else value))
    changes += map(protocol.removed_recipient, outcome.removed_recipients)
    reply = outcome.reply
    if reply is not None:
        changes.append(protocol.reply(reply.code, reply.enhanced_status, reply.text))
    else:
        changes.append(protocol.DISCARD if outcome.is_discarded else CONTINUE)
    return b"".join(changes)

"""The milter callbacks: gather, ask, answer; no rule lives here.

Only three events are negotiated (MAIL, header lines, end of message), and only the last is answered, so
that a message costs Postfix one round trip more.  Where a partner's messages have to be signed, there are two
more: the end of the header and the body, whose first part is the last one for every other message.  Where
there is a reflector there are these and the recipients, which are not answered.
Source: libmilter's API, Postfix MILTER_README.
"""

import itertools
import logging
from typing import NamedTuple, Protocol

import milter as libmilter
from Milter import Base

from domain_secure.policy.terms.event import internal_error

from .macros import END_OF_MESSAGE_MACROS, MAIL_MACROS, MilterFacts, read_mail_macros
from .open_sessions import OpenSession, OpenSessions
from .outcome import Outcome
from .transaction import AUTHOR_NAMES, MARK_NAMES, Transaction

_log = logging.getLogger("domain_secure")

ACTIONS = libmilter.ADDHDRS | libmilter.CHGHDRS
# The reflector is taken off the recipients of a message that others are to have.
ACTIONS_ON_RECIPIENTS = libmilter.DELRCPT
_STEPS_WE_DO_WITHOUT = (
    libmilter.P_NOCONNECT
    | libmilter.P_NOHELO
    | libmilter.P_NORCPT
    | libmilter.P_NODATA
    | libmilter.P_NOEOH
    | libmilter.P_NOBODY
    | libmilter.P_NOUNKNOWN
)
# What it takes to see a message as it was signed: all of it, with the space behind the colon of a field.
_STEPS_OF_A_MESSAGE = libmilter.P_NOEOH | libmilter.P_NOBODY
_OPTIONS_OF_A_MESSAGE = libmilter.P_HDR_LEADSPC | libmilter.P_SKIP
_STEPS_WE_DO_NOT_ANSWER = libmilter.P_NR_MAIL | libmilter.P_NR_HDR


class _Chosen(NamedTuple):
    """What a session asks for beyond the least."""

    answers_mail: bool = False
    sees_messages: bool = False
    sees_recipients: bool = False

    @property
    def left_out(self) -> int:
        """Return the steps and answers that Postfix is to leave out, and options."""
        left_out = _STEPS_WE_DO_WITHOUT | (
            libmilter.P_NR_HDR if self.answers_mail else _STEPS_WE_DO_NOT_ANSWER
        )
        if self.sees_messages:
            left_out = left_out & ~_STEPS_OF_A_MESSAGE | _OPTIONS_OF_A_MESSAGE | libmilter.P_NR_EOH
        if self.sees_recipients:
            left_out = left_out & ~libmilter.P_NORCPT | libmilter.P_NR_RCPT
        return int(left_out)

    @property
    def actions(self) -> int:
        """Return what may be done to a message."""
        return int(ACTIONS | (ACTIONS_ON_RECIPIENTS if self.sees_recipients else 0))


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


class Callbacks(Base):
    """One SMTP session; libmilter calls its methods in order, from one thread at a time.

    *sessions* hears of its beginning and end, and of those of its messages.
    """

    def __init__(self, judge: Judge, sessions: OpenSessions | None = None) -> None:
        self._judge = judge
        self._sessions = OpenSessions() if sessions is None else sessions
        self.session: OpenSession | None = None  #: once it has been negotiated
        self._transaction: Transaction | None = None
        self._facts: MilterFacts | None = None
        self._negotiated = 0
        self._chosen = _Chosen()

    def negotiate(self, opts: list[int], former: int | None = None) -> int:
        """Take only the steps we need, and ask for the TLS macros at MAIL.

        *former*: the steps of a session that began in an earlier process.  What is asked for now may be other
        than then, and a session goes on as it began; so where we would ask for them at any time, take these.
        """
        offered_actions, offered_steps = opts[0], opts[1]
        if offered_actions & ACTIONS != ACTIONS:
            return int(libmilter.REJECT)
        self._ctx.setsymlist(libmilter.M_ENVFROM, MAIL_MACROS)
        self._ctx.setsymlist(libmilter.M_EOM, END_OF_MESSAGE_MACROS)
        messages = offered_steps & _OPTIONS_OF_A_MESSAGE == _OPTIONS_OF_A_MESSAGE
        recipients = messages and offered_actions & ACTIONS_ON_RECIPIENTS == ACTIONS_ON_RECIPIENTS
        choices = itertools.product((False, True), {False, messages}, {False, recipients})
        possible = {_Chosen(*each): offered_steps & _Chosen(*each).left_out for each in choices}
        wanted = _Chosen(
            self._judge.must_answer_mail,
            self._judge.must_see_messages and messages,
            self._judge.must_see_recipients and recipients,
        )
        self._chosen = next((each for each, steps in possible.items() if steps == former), wanted)
        self._negotiated = possible[self._chosen]
        opts[0], opts[1], opts[2], opts[3] = self._chosen.actions, self._negotiated, 0, 0
        self.session = self._sessions.begin()
        return int(libmilter.CONTINUE)

    def envfrom_bytes(self, reverse_path: bytes, *parameters: bytes) -> int:
        """Begin a message; forgets whatever an earlier one left."""
        del parameters
        self._transaction = None
        if self.session is not None:
            self.session.message_began()
        try:
            self._facts = read_mail_macros(self._macro)
            self._transaction = self._judge.begin(
                self._facts,
                reverse_path.decode("utf-8", "surrogateescape"),
                sees_message=self._chosen.sees_messages,
            )
        except Exception as error:  # noqa: BLE001 - without a transaction the end of message defers
            _log.error(internal_error("mail", error), exc_info=_traceback_wanted())
        return self._unanswered(libmilter.P_NR_MAIL)

    def _macro(self, name: str) -> str | None:
        try:
            value: str | None = self._ctx.getsymval(name)
        except UnicodeDecodeError:
            # Postfix passes a certificate's common name on as it stands; such a value is not said.
            return None
        return value

    def envrcpt_bytes(self, recipient: bytes, *parameters: bytes) -> int:
        """Note a recipient that Postfix has accepted."""
        del parameters
        if self._transaction is not None:
            self._transaction.note_recipient(recipient)
        return self._unanswered(libmilter.P_NR_RCPT)

    def header_bytes(self, name: str, value: bytes) -> int:
        """Note a header line that may claim a domain or forge a mark; a signature may cover every other."""
        if self._transaction is not None:
            if self._chosen.sees_messages:
                self._transaction.note_field(name.encode("utf-8", "surrogateescape"), value)
            folded = name.strip().lower().encode("utf-8", "replace")
            if folded in AUTHOR_NAMES:
                self._transaction.note_author(name, value)
            elif folded in MARK_NAMES:
                self._transaction.note_mark(name, value)
            if b"\r" in value:
                self._transaction.note_hidden_fields(value)
        return self._unanswered(libmilter.P_NR_HDR)

    def eoh(self) -> int:
        """Find out whether the body will be of interest."""
        if self._transaction is not None:
            try:
                self._transaction.begin_body()
            except Exception as error:  # noqa: BLE001 - without what was noted nothing counts as signed
                self._transaction.signed = None
                _log.error(internal_error("end-of-header", error), exc_info=_traceback_wanted())
        return self._unanswered(libmilter.P_NR_EOH)

    def body(self, chunk: bytes) -> int:
        """Note a part of the body, or ask for no more of it."""
        wanted = self._transaction is not None and self._transaction.note_body(chunk)
        return int(libmilter.CONTINUE if wanted else libmilter.SKIP)

    def eom(self) -> int:
        """Decide, and carry out the decision."""
        transaction, self._transaction = self._transaction, None
        if self.session is not None:
            self.session.message_ends()
        if transaction is None:
            return int(libmilter.TEMPFAIL)
        try:
            outcome = self._judge.end(transaction, self._macro("i") or "")
            return self._carry_out(outcome)
        except Exception as error:  # noqa: BLE001 - pymilter would answer with a text of its own
            _log.error(internal_error("end-of-message", error), exc_info=_traceback_wanted())
            return int(libmilter.TEMPFAIL)
        finally:
            self._message_ended()

    def _carry_out(self, outcome: Outcome) -> int:
        # Highest first: a header that is gone must not change the number of one still to go.
        for name, number in reversed(outcome.removed_headers):
            self._ctx.chgheader(name, number, None)
        for name, value in reversed(outcome.added_headers):
            # Whoever gets the space behind the colon has to give it, too.
            self._ctx.addheader(name, f" {value}" if self._chosen.sees_messages else value, 0)
        for recipient in outcome.removed_recipients:
            self._ctx.delrcpt(recipient)
        if outcome.reply is None:
            return int(libmilter.DISCARD if outcome.is_discarded else libmilter.CONTINUE)
        reply = outcome.reply
        self._ctx.setreply(reply.code, reply.enhanced_status, reply.text.replace("%", "%%"))
        return int(libmilter.TEMPFAIL if reply.code.startswith("4") else libmilter.REJECT)

    def abort(self) -> int:
        """Forget the message."""
        self._transaction = None
        self._message_ended()
        return int(libmilter.CONTINUE)

    def close(self) -> int:
        """Forget the session."""
        self._transaction = None
        if self.session is not None:
            self.session.ended()
        return int(libmilter.CONTINUE)

    def _message_ended(self) -> None:
        if self.session is not None:
            self.session.message_ended()

    def _unanswered(self, step: int) -> int:
        return int(libmilter.NOREPLY if self._negotiated & step else libmilter.CONTINUE)

"""The milter callbacks: gather, ask, answer; no rule lives here.

Only three events are negotiated (MAIL, header lines, end of message), and only the last is answered, so
that a message costs Postfix one round trip more.  Source: libmilter's API, Postfix MILTER_README.
"""

import logging
from typing import Protocol

import milter as libmilter
from Milter import Base

from ..policy import events
from ..policy.claims import HEADER_NAMES
from .inbound import Outcome, Transaction
from .macros import END_OF_MESSAGE_MACROS, MAIL_MACROS, MilterFacts, read_mail_macros

_log = logging.getLogger("domain_secure")

ACTIONS = libmilter.ADDHDRS | libmilter.CHGHDRS
_STEPS_WE_DO_WITHOUT = (
    libmilter.P_NOCONNECT
    | libmilter.P_NOHELO
    | libmilter.P_NORCPT
    | libmilter.P_NODATA
    | libmilter.P_NOEOH
    | libmilter.P_NOBODY
    | libmilter.P_NOUNKNOWN
)
_STEPS_WE_DO_NOT_ANSWER = libmilter.P_NR_MAIL | libmilter.P_NR_HDR

_MARK_NAMES = frozenset({b"x-domain-secure", b"authentication-results"})
_CLAIM_NAMES = frozenset(name.encode() for name in HEADER_NAMES)


def _traceback_wanted() -> bool:
    return _log.isEnabledFor(logging.DEBUG)


class Judge(Protocol):
    """What the callbacks need of the daemon."""

    @property
    def must_answer_mail(self) -> bool:
        """Tell whether Postfix has to wait until a MAIL event was taken in."""

    def begin(self, facts: MilterFacts, reverse_path: str) -> Transaction:
        """Start a message."""

    def end(self, transaction: Transaction, queue_id: str) -> Outcome:
        """Return what is to happen to the message."""

    def close(self, facts: MilterFacts) -> None:
        """Forget a session."""


class Callbacks(Base):
    """One SMTP session; libmilter calls its methods in order, from one thread at a time."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._transaction: Transaction | None = None
        self._facts: MilterFacts | None = None
        self._negotiated = 0

    def negotiate(self, opts: list[int]) -> int:
        """Take only the steps we need, and ask for the TLS macros at MAIL."""
        offered_actions, offered_steps = opts[0], opts[1]
        if offered_actions & ACTIONS != ACTIONS:
            return int(libmilter.REJECT)
        self._ctx.setsymlist(libmilter.M_ENVFROM, MAIL_MACROS)
        self._ctx.setsymlist(libmilter.M_EOM, END_OF_MESSAGE_MACROS)
        unanswered = libmilter.P_NR_HDR if self._judge.must_answer_mail else _STEPS_WE_DO_NOT_ANSWER
        self._negotiated = offered_steps & (_STEPS_WE_DO_WITHOUT | unanswered)
        opts[0], opts[1], opts[2], opts[3] = ACTIONS, self._negotiated, 0, 0
        return int(libmilter.CONTINUE)

    def envfrom_bytes(self, reverse_path: bytes, *parameters: bytes) -> int:
        """Begin a message; forgets whatever an earlier one left."""
        del parameters
        self._transaction = None
        try:
            self._facts = read_mail_macros(self._macro)
            self._transaction = self._judge.begin(
                self._facts, reverse_path.decode("utf-8", "surrogateescape")
            )
        except Exception as error:  # noqa: BLE001 - without a transaction the end of message defers
            _log.error(events.internal_error("mail", error), exc_info=_traceback_wanted())
        return self._unanswered(libmilter.P_NR_MAIL)

    def _macro(self, name: str) -> str | None:
        try:
            value: str | None = self._ctx.getsymval(name)
        except UnicodeDecodeError:
            # Postfix passes a certificate's common name on as it stands; such a value is not said.
            return None
        return value

    def header_bytes(self, name: str, value: bytes) -> int:
        """Note a header line that may claim a domain or forge a mark; every other is passed over."""
        if self._transaction is not None:
            folded = name.strip().lower().encode("utf-8", "replace")
            if folded in _CLAIM_NAMES:
                self._transaction.note_author(name, value)
            elif folded in _MARK_NAMES:
                self._transaction.note_mark(name, value)
        return self._unanswered(libmilter.P_NR_HDR)

    def eom(self) -> int:
        """Decide, and carry out the decision."""
        transaction, self._transaction = self._transaction, None
        if transaction is None:
            return int(libmilter.TEMPFAIL)
        try:
            outcome = self._judge.end(transaction, self._macro("i") or "")
            return self._carry_out(outcome)
        except Exception as error:  # noqa: BLE001 - pymilter would answer with a text of its own
            _log.error(events.internal_error("end-of-message", error), exc_info=_traceback_wanted())
            return int(libmilter.TEMPFAIL)

    def _carry_out(self, outcome: Outcome) -> int:
        # Highest first: a header that is gone must not change the number of one still to go.
        for name, number in reversed(outcome.removed_headers):
            self._ctx.chgheader(name, number, None)
        for name, value in reversed(outcome.added_headers):
            self._ctx.addheader(name, value, 0)
        if outcome.reply is None:
            return int(libmilter.CONTINUE)
        reply = outcome.reply
        self._ctx.setreply(reply.code, reply.enhanced_status, reply.text.replace("%", "%%"))
        return int(libmilter.TEMPFAIL if reply.code.startswith("4") else libmilter.REJECT)

    def abort(self) -> int:
        """Forget the message."""
        self._transaction = None
        return int(libmilter.CONTINUE)

    def close(self) -> int:
        """Forget the session."""
        self._transaction = None
        if self._facts is not None:
            self._judge.close(self._facts)
            self._facts = None
        return int(libmilter.CONTINUE)

    def _unanswered(self, step: int) -> int:
        return int(libmilter.NOREPLY if self._negotiated & step else libmilter.CONTINUE)

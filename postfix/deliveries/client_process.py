"""Which lines of one process of Postfix's SMTP client belong together: a state machine, and its table.

Owns: what is remembered of a process from line to line, and what each kind of line does to it.
Must not know: what is listed, what is counted, what time it is.
Sources: smtp(8), smtp_trouble.c: a process serves one delivery request at a time and tries one host after the
other; the recipients' status lines come in a session or behind it, and behind the last one for all that are
left.

Lines about TLS name no message, and status lines before Postfix 3.11 say nothing of TLS.  What joins them is
their order: `TABLE`.  A session that it has gathered is nobody's until a status line claims it, for that line
alone names both the request and the relay:

    session    so far is     of a status line with     becomes
    TLS        nobody's      its relay                 its request's, and is what TLS its recipient had
               a request's   its relay, and request    stays, and is what TLS one more recipient had
               a request's   another request           stays: without connection reuse a session serves no
                                                       other, and with it each request has its own summary
    failed     nobody's      its queue id, or any      its request's, and is told for its list entry
                             where it names none
               a request's   that request              stays, and is told to entries that do not know it

A line about the message that a status line told of last goes on: a server answers one recipient after the
other, and what it says to one for now stands in a line of its own.

What an earlier process with the same number left behind is claimed like the rest, and shows by its age: it is
older than the request (``delivery_request``).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any

from domain_secure.postfix.log_lines.failure_text import Cause, PeerDetail
from domain_secure.postfix.log_lines.peer_name import peer_key

from .client_line import (
    ClientLine,
    DetailLine,
    FailureLine,
    LastFailureLine,
    MatchLine,
    RemarkLine,
    StatusLine,
    SummaryLine,
    TextLine,
    UnknownLine,
    UnreadLine,
    UnreadSummary,
    status_line,
    text_line,
)

_LINES = 20  #: with the usual log level a session has one to five
_SESSIONS = 8
_WAITING = 8  #: lines
_FAILED = 32  #: hosts of one request; smtp_mx_address_limit is 5


@dataclass(slots=True)
class Established:
    """A TLS session that was set up."""

    stamp: str
    summary: str
    lines: list[str]
    request: str = ""  #: whose it is; "": nobody's yet
    matched: dict[str, str] = field(default_factory=dict)  #: what of the server's certificate, by `Matched`


@dataclass(slots=True)
class Failed:
    """A session that came to nothing, or did not come about."""

    stamp: str
    queue_id: str  #: "" where the line does not say
    relay: str
    cause: Cause
    details: list[PeerDetail]
    text: str
    lines: list[str]
    chain_is_trusted: bool
    is_refusal: bool = False  #: the server said no in the session, which may have gone on
    request: str = ""  #: whose it is; "": nobody's yet
    told: list[str] = field(default_factory=list)  #: the entries it was reported for


@unique
class State(StrEnum):
    """Where a process is between two lines."""

    TRYING = "trying"  #: it tries hosts, for a request that no status line has named yet
    TELLING = "telling"  #: the last line told what became of a recipient


@dataclass(slots=True)
class ClientProcess:
    """One process, by what it said so far."""

    established: dict[str, Established] = field(default_factory=dict)  #: by relay, as ``peer_key`` has it
    failed: list[Failed] = field(default_factory=list)
    details: list[PeerDetail] = field(default_factory=list)  #: of the session in progress
    matched: dict[str, str] = field(default_factory=dict)  #: likewise, as in `Established`
    lines: list[str] = field(default_factory=list)  #: of the session in progress
    peer: str = ""  #: with whom the session in progress is, by a line about its TLS; "": not told
    told: str = ""  #: the queue id of the last status line
    state: State = State.TRYING
    waiting: list[UnreadLine] = field(default_factory=list)  #: what it said since, and nobody has asked for

    def wait(self, line: UnreadLine) -> None:
        """Take the next line later: most tell of mail to nobody who is listed, and are forgotten unread.

        As `TABLE` says, a summary behind a status line lets all that was before be forgotten.
        """
        waiting = self.waiting
        if waiting and isinstance(line, UnreadSummary) and isinstance(waiting[-1], re.Match):
            self.told, self.state = waiting[-1]["queue_id"].decode("ascii"), State.TRYING
            self._forget()
            waiting.clear()
        waiting.append(line)
        if len(waiting) >= _WAITING:
            self.catch_up()

    def catch_up(self) -> None:
        """Take the lines that wait; neither kind tells of a session that failed."""
        waiting, self.waiting = self.waiting, []
        for line in waiting:
            self.take(status_line(line) if isinstance(line, re.Match) else text_line(*line))

    def _forget(self) -> None:
        self.established.clear()
        self.failed, self.details, self.lines, self.matched, self.peer = [], [], [], {}, ""

    def take(self, line: ClientLine) -> Failed | None:
        """Take the next line, as `TABLE` says; return the failed session that it tells of."""
        goes, act, self.state = TABLE[self.state, type(line)]
        if goes is _ANEW or (goes is _ON_IF_SAME and not self._is_about_told(line)):
            self._forget()
        return act(self, line)

    def _is_about_told(self, line: ClientLine) -> bool:
        return isinstance(line, OfMessage) and line.queue_id != "" and line.queue_id == self.told

    def session(self, relay: str, request: str) -> Established | None:
        """Return the TLS session with *relay* that is the request's."""
        established = self.established.get(peer_key(relay))
        return established if established and established.request == request else None

    def failures(self, request: str, entry: str) -> Iterator[Failed]:
        """Yield the request's failed sessions that were not told for *entry*."""
        return (one for one in self.failed if one.request == request and entry not in one.told)


def _keep(process: ClientProcess, line: TextLine) -> None:
    if len(process.lines) < _LINES:
        process.lines.append(line.line)


def _establish(process: ClientProcess, line: SummaryLine) -> None:
    """Take a TLS session, in place of an earlier one with the same relay."""
    _keep(process, line)
    established, relay = process.established, peer_key(line.relay)
    established.pop(relay, None)
    while len(established) >= _SESSIONS:
        del established[next(iter(established))]
    matched = process.matched if peer_key(process.peer) == relay else {}
    established[relay] = Established(line.stamp, line.text, process.lines[:], matched=matched)
    process.matched, process.peer = {}, line.relay


def _match(process: ClientProcess, line: MatchLine) -> None:
    _keep(process, line)
    if peer_key(process.peer) != peer_key(line.peer):
        process.matched = {}
    process.matched[line.kind] = line.what
    process.peer = line.peer


def _note(process: ClientProcess, line: DetailLine) -> None:
    _keep(process, line)
    process.details.append(line.detail)
    process.peer = line.detail.peer or process.peer


def _fail(process: ClientProcess, line: FailureLine) -> Failed | None:
    _keep(process, line)
    is_new = not any(_is_same_refusal(one, line) and one.queue_id == line.queue_id for one in process.failed)
    return _end(process, line) if is_new else None


def _is_same_refusal(failed: Failed, line: FailureLine | LastFailureLine) -> bool:
    """Tell whether it is what this server said before, to another recipient."""
    return failed.is_refusal and line.is_refusal and _address(failed.relay) == _address(line.relay)


def _address(relay: str) -> str:
    # What a server says is logged with its name and address, a status line has the port too.
    return peer_key(relay).partition("]")[0]


def _end(process: ClientProcess, line: FailureLine | LastFailureLine) -> Failed:
    """End the session in progress: details and lines are its own, and the next one begins without."""
    established = process.established.get(peer_key(process.peer))
    failed = Failed(
        line.stamp,
        line.queue_id,
        line.relay or process.peer,
        line.cause,
        process.details,
        line.text,
        process.lines,
        chain_is_trusted=established is not None and established.summary.startswith("Trusted"),
        is_refusal=line.is_refusal,
    )
    if len(process.failed) < _FAILED:
        process.failed.append(failed)
    process.details, process.lines, process.matched, process.peer = [], [], {}, ""
    return failed


def _fail_once(process: ClientProcess, line: LastFailureLine) -> Failed | None:
    """End a session of this very request, unless a line before, or another recipient's, told it."""
    if any(
        one.request == line.request and (one.text == line.text or _is_same_refusal(one, line))
        for one in process.failed
    ):
        return None
    failed = _end(process, line)
    failed.request = line.request
    failed.lines = [*failed.lines, line.line]
    return failed


def _claim(process: ClientProcess, line: StatusLine) -> None:
    process.told = line.queue_id
    for failed in process.failed:
        if not failed.request and failed.queue_id in {"", line.queue_id}:
            failed.request = line.request
    established = process.established.get(peer_key(line.relay))
    if established and not established.request:
        established.request = line.request


Action = Callable[[ClientProcess, Any], Failed | None]  #: of the lines in whose rows it stands
OfMessage = FailureLine | RemarkLine | UnknownLine  #: those that may name a message
_ON, _ON_IF_SAME, _ANEW = "on", "on if it is about the message told of last", "anew"
#: By state and line: whether it goes on, or begins anew and all is forgotten; what is done; the next state.
TABLE: dict[tuple[State, type[ClientLine]], tuple[str, Action, State]] = {
    # Sessions come before the lines that say whose they were: what there is to know of them is gathered.
    (State.TRYING, SummaryLine): (_ON, _establish, State.TRYING),
    (State.TRYING, DetailLine): (_ON, _note, State.TRYING),
    (State.TRYING, MatchLine): (_ON, _match, State.TRYING),
    # The next host is tried for the same request: this failure waits for the status lines with the others.
    (State.TRYING, FailureLine): (_ON, _fail, State.TRYING),
    # It may mean something to whoever reads the lines of a session.
    (State.TRYING, RemarkLine): (_ON, _keep, State.TRYING),
    (State.TRYING, UnknownLine): (_ON, _keep, State.TRYING),
    # There is one status line for each recipient, and each claims what is nobody's.
    (State.TRYING, StatusLine): (_ON, _claim, State.TELLING),
    (State.TELLING, StatusLine): (_ON, _claim, State.TELLING),
    # The last host's failure has no line of its own.  It stands in each recipient's status line, is taken
    # after that line's own row, and so never while TRYING; it is one failure all the same.
    (State.TELLING, LastFailureLine): (_ON, _fail_once, State.TELLING),
    # After a status line anything else is of the next request, or of the next host for the recipients that
    # are left.  Either has sessions of its own and must not be given those of before.
    (State.TELLING, SummaryLine): (_ANEW, _establish, State.TRYING),
    (State.TELLING, DetailLine): (_ANEW, _note, State.TRYING),
    (State.TELLING, MatchLine): (_ANEW, _match, State.TRYING),
    # Unless it says what became of another recipient of the same request: a server that refuses one for good
    # and another for now may take a third, in the same session.
    (State.TELLING, FailureLine): (_ON_IF_SAME, _fail, State.TRYING),
    (State.TELLING, RemarkLine): (_ON_IF_SAME, _keep, State.TRYING),
    (State.TELLING, UnknownLine): (_ON_IF_SAME, _keep, State.TRYING),
}

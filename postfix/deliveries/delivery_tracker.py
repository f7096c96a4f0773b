"""Deliveries and failed sessions out of the lines of Postfix's log: no clock, no file.

Owns: what is reported of them, and that each is reported once.
Must not know: where lines come from (``log_source``), what is counted (``policy/sending``), and which lines
belong together: ``client_process`` has the table of that, ``delivery_request`` what ``delays=`` says of it.
Invariants: nothing is reported for a domain that `Listed` does not know; a line that is not understood is
counted and never guessed at; the same lines, cut and resumed anywhere, give the same events.
Sources: Postfix's log_adhoc.c, mail_task.c (3.7 to 3.11).
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from domain_secure.policy.sending.delivery import (
    Delivery,
    DeliveryEvent,
    DeliveryStatus,
    FailureReason,
)
from domain_secure.policy.sending.promised_route import Promises
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.postfix.log_lines.failure_text import (
    PeerDetail,
    failure,
    host_in,
    peer_detail,
    refusal,
)
from domain_secure.postfix.log_lines.log_line import (
    LINE,
    STATUS,
    Status,
    decoded,
    seconds,
    service_of,
    time_of,
)
from domain_secure.postfix.log_lines.peer_name import peer_key
from domain_secure.postfix.log_lines.tls_summary import is_summary, tls_of

from .client_line import ClientLine, LastFailureLine, StatusLine, UnknownLine, UnreadSummary, text_line
from .client_process import ClientProcess, Established
from .counted_messages import CountedMessages
from .delivery_request import handed_over, request_of
from .process_document import process_document, process_of
from .session_failure import session_failure
from .verification import verification
from .waiting_messages import WaitingMessages
from .writer import Writer, writers_of

Listed = Callable[[str], tuple[Domain, Entry] | None]  #: a domain as logged, to its normal form and entry

_STATUSES = {status.value: status for status in DeliveryStatus} | {"SOFTBOUNCE": DeliveryStatus.DEFERRED}
# A content filter on this machine, or an LMTP server behind a socket; what leaves has another queue id.
_IS_LOCAL = re.compile(r"\S*\[(?:127\.[\d.]+|::1|/.*|private/.*)\](?::\d+)?|(?!none$)[^\[]*")

_process_key = lru_cache(256)(decoded)  #: processes that write at the same time are few
_PROCESSES = 2000  #: default_process_limit is 100
_PROXIED = 64


@dataclass(slots=True)
class _Told:
    """The status line of a recipient of a listed domain."""

    status: Status
    request: str
    stamp: str
    time: datetime
    began: datetime  #: when the process was given the request, at the earliest
    domain: Domain
    entry: Entry
    service: str  #: that delivered, by its name in the log; "": not told
    line: str


class DeliveryTracker:
    """Fed with lines, gives events; *unmatched* is what it means for an entry that no pin or record fits.

    *syslog_names* are those of the Postfix instance; empty: any instance's lines count.  *promised* says what
    must hold of a delivery besides verified TLS; without it nothing must.
    """

    def __init__(
        self,
        listed: Listed,
        unmatched: Callable[[Entry], FailureReason],
        syslog_names: Collection[str] = (),
        promised: Promises = lambda _: None,
    ) -> None:
        self._listed = listed
        self._promised = promised
        self._unmatched = unmatched
        # A service's own syslog_name is mostly built upon the instance's: "postfix/submission".
        self._tags = tuple(f"{name}/".encode() for name in syslog_names) or (b"",)
        self._processes: dict[str, ClientProcess] = {}
        self._messages = CountedMessages()
        self._waiting = WaitingMessages()
        self._proxied: dict[str, list[PeerDetail]] = {}  #: by peer, from tlsproxy(8)
        self._seen_from: datetime | None = None
        self._interrupted = True
        self._latest = ""  #: stamp
        self.lines = 0  #: read since the start
        self.unknown_lines = 0  #: of smtp(8), and not understood

    def interrupted(self) -> None:
        """Note that lines may be missing before the next one.

        Nor is it sure that the next ones are new: those no younger than the last one known are not taken.
        """
        self._processes.clear()
        self._interrupted = True

    @property
    def waiting(self) -> Mapping[Entry, int]:
        """Return how many messages wait for each entry; the same object until that changes."""
        return self._waiting.counts

    def feed(self, lines: Sequence[bytes], now: datetime) -> list[DeliveryEvent]:
        """Take whole lines, without their ends, and return what they tell, in order."""
        events: list[DeliveryEvent] = []
        self.lines += len(lines)
        for line, written in zip(lines, writers_of(lines), strict=True):
            if written is Writer.CLIENT:
                self._feed_line(line, now, events)
            elif written is Writer.QUEUE and line.endswith((b": removed", b": requeued")):
                self._forget(line)
            elif written is Writer.QUEUE and b"postsuper[" in line and b"]: Deleted: " in line:
                self._waiting.doubt(now.timestamp())
        self._waiting.prune(now.timestamp())
        return events

    def _forget(self, line: bytes) -> None:
        end = line.rfind(b":")
        octets = line[line.rfind(b" ", 0, end) + 1 : end]
        queue_id = decoded(octets)
        if queue_id not in self._messages and queue_id not in self._waiting:
            return
        header = LINE.match(line)
        if header is None or not header["tag"].startswith(self._tags) or line[header.end() : end] != octets:
            return
        if header["program"] == b"qmgr":
            self._messages.forget(queue_id)
        if header["program"] in {b"qmgr", b"postsuper"}:
            self._waiting.forget(queue_id)

    def _feed_line(self, line: bytes, now: datetime, events: list[DeliveryEvent]) -> None:
        header = LINE.match(line)
        if header is None:
            self.unknown_lines += 1
            return
        if not header["tag"].startswith(self._tags):
            return
        program, tag, octets = header.group("program", "tag", "stamp")
        stamp = decoded(octets)
        if self._interrupted:
            time = time_of(stamp, now)
            if time and self._latest and time <= (time_of(self._latest, now) or time):
                return
            self._seen_from, self._interrupted = time, False
            self._waiting.doubt(now.timestamp())
        self._latest = stamp
        start = header.end()
        if program in {b"smtp", b"lmtp"}:
            key = _process_key(b"%b[%b]" % (tag, header["pid"]))
            if match := STATUS.match(line, start):
                self._feed_status((key, service_of(tag)), stamp, match, now, events)
            else:
                self._feed_text(key, stamp, line, start)
        elif program == b"tlsproxy":
            self._feed_proxy(decoded(line[start:]))
        elif program in {b"error", b"retry"}:
            match = STATUS.match(line, start)
            if match and (listed := self._listed(decoded(match["domain"]))):
                self._wait(match, listed[1], time_of(stamp, now))

    def _wait(self, match: re.Match[bytes], entry: Entry, time: datetime | None) -> None:
        queue_id, status = decoded(match["queue_id"]), decoded(match["status"])
        if time is not None and self._waiting.concerns(queue_id, status):
            recipient = decoded(match["to"] + b" " + (match["original"] or b""))
            self._waiting.take(queue_id, entry, recipient, status, time.timestamp())

    def _feed_proxy(self, text: str) -> None:
        if (detail := peer_detail(text)) and detail.peer:
            if len(self._proxied) >= _PROXIED:
                del self._proxied[next(iter(self._proxied))]
            self._proxied.setdefault(peer_key(detail.peer), []).append(detail)

    def _feed_text(self, key: str, stamp: str, line: bytes, start: int) -> None:
        process = self._processes.get(key) or self._new_process(key)
        if is_summary(line, start):
            process.wait(UnreadSummary(stamp, line, start))
            return
        process.catch_up()
        said = text_line(stamp, line, start)
        if type(said) is UnknownLine:
            self.unknown_lines += 1
        self._take(process, said)

    def _take(self, process: ClientProcess, line: ClientLine) -> None:
        """With connection reuse TLS is tlsproxy(8)'s part, and it said why the session failed."""
        peer = process.peer
        if (failed := process.take(line)) and not failed.details:
            failed.details = self._proxied.pop(peer_key(peer or failed.relay), [])

    def _new_process(self, key: str) -> ClientProcess:
        if len(self._processes) >= _PROCESSES:
            for oldest in list(self._processes)[: _PROCESSES // 2]:
                del self._processes[oldest]
        process = self._processes[key] = ClientProcess()
        return process

    def _feed_status(
        self,
        process_and_service: tuple[str, str],
        stamp: str,
        match: re.Match[bytes],
        now: datetime,
        events: list[DeliveryEvent],
    ) -> None:
        key, service = process_and_service
        listed = self._listed(decoded(match["domain"]))
        process = self._processes.get(key)
        if listed is None:
            if process is not None:  # else there is nothing to claim
                process.wait(match)
            return
        process = process or self._new_process(key)
        process.catch_up()
        queue_id, relay = match["queue_id"].decode("ascii"), decoded(match["relay"])
        request, lasted = request_of(queue_id, match["attributes"])
        process.take(StatusLine(queue_id, relay, request))
        status, time = Status.of(match), time_of(stamp, now)
        self._wait(match, listed[1], time)
        if status.status not in _STATUSES or _IS_LOCAL.fullmatch(relay):
            return
        if time is None:
            self.unknown_lines += 1
            return
        began = handed_over(time, lasted)
        told = _Told(status, request, stamp, time, began, *listed, service, decoded(match.string))
        events.extend(self._report(process, told, now))

    def _report(self, process: ClientProcess, told: _Told, now: datetime) -> Iterator[DeliveryEvent]:
        """Yield the sessions that failed before a recipient's fate, and then the fate."""
        status = told.status
        session = process.session(status.relay, told.request)
        if session and _is_before(session.stamp, told.began, now):
            session = None
        # Taken before a failure of this line's own ends the session in progress.
        lines = (*(session.lines if session else process.lines), told.line)
        if status.status != "sent" and (cause := failure(status.text)):
            host = status.relay if status.relay != "none" else host_in(status.text) or "none"
            last = LastFailureLine(
                told.stamp,
                told.line,
                status.text,
                status.queue_id,
                host,
                cause,
                is_refusal=refusal(status.text) is not None,
                request=told.request,
            )
            self._take(process, last)
        for failed in process.failures(told.request, told.entry):
            if not _is_before(failed.stamp, told.began, now):
                failed.told.append(told.entry)
                unmatched = self._unmatched(told.entry)
                yield session_failure(failed, told.entry, status.queue_id, unmatched, now)
        yield self._delivery(told, session, lines)

    def _delivery(self, told: _Told, session: Established | None, lines: tuple[str, ...]) -> Delivery:
        status = told.status
        tls = tls_of(session.summary) if session else None
        unverified = verification(status, session, told.service, self._promised(told.entry))
        verified: bool | None = unverified is None
        is_told = tls is not None or "tls" in status.attributes
        if not is_told and (self._seen_from is None or told.began <= self._seen_from):
            verified = unverified = None  # the session began before the first line we know
        word = _STATUSES[status.status]
        counted = False
        if word is DeliveryStatus.SENT and verified is not None:
            arrival = told.time.timestamp() - seconds(status.attributes.get("delay", ""))
            counted = self._messages.count(status.queue_id, arrival, told.entry, verified=verified)
        return Delivery(
            time=told.time,
            entry=told.entry,
            queue_id=status.queue_id,
            domain=told.domain,
            relay=status.relay,
            status=word,
            dsn=status.attributes.get("dsn", ""),
            reply=status.text,
            tls=tls,
            verified=verified,
            counted=counted,
            lines=lines,
            unverified=unverified,
        )

    def document(self) -> dict[str, Any]:
        """Return everything that the next lines depend on, as JSON values."""
        for process in self._processes.values():
            process.catch_up()
        return {
            "processes": {key: process_document(process) for key, process in self._processes.items()},
            "messages": self._messages.document(),
            "waiting": self._waiting.document(),
            "seen_from": self._seen_from.isoformat() if self._seen_from else None,
            "interrupted": self._interrupted,
            "latest": self._latest,
        }

    def resume(self, document: dict[str, Any]) -> None:
        """Take up what `document` gave."""
        self._processes = {key: process_of(one) for key, one in document["processes"].items()}
        self._messages = CountedMessages(document["messages"])
        self._waiting = WaitingMessages(document.get("waiting"))  # earlier versions did not keep it
        seen_from = document["seen_from"]
        self._seen_from = datetime.fromisoformat(seen_from) if seen_from else None
        self._interrupted, self._latest = document["interrupted"], document["latest"]


def _is_before(stamp: str, began: datetime, now: datetime) -> bool:
    time = time_of(stamp, now)
    return time is None or time < began

"""Deliveries and failed sessions out of the lines of Postfix's log: a state machine, no clock, no file.

Owns: which lines belong together, and what is reported once.
Must not know: where lines come from (``log_source``), what is counted (``policy/sending``).
Invariants: nothing is reported for a domain that `Listed` does not know; a line that is not understood is
counted and never guessed at; the same lines, cut and resumed anywhere, give the same events.
Sources: Postfix's log_adhoc.c, smtp_connect.c, smtp_trouble.c, tls_misc.c (3.7 to 3.11).

How lines belong together, as the lines about TLS name no message: a process of smtp(8) serves one delivery
request at a time.  So a TLS session is used by the status lines of the same process with the same relay, of
the first request that comes; a request is known by its queue id and by how long the message was on its way
until that request was handed over (the first two figures of ``delays``).  Whatever is older than the request
(the other two figures) belongs to an earlier one, or to an earlier process with the same number.
"""

import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from domain_secure.policy.sending.delivery import (
    Delivery,
    DeliveryEvent,
    DeliveryStatus,
    FailureReason,
    SessionFailure,
    TlsSession,
)
from domain_secure.policy.terms.domain import Domain, Entry

from .client_process import ClientProcess, Established, Failed
from .counted_messages import CountedMessages
from .failure_text import PeerDetail, Unsettled, failure, host_in, peer_detail, settled
from .log_line import LINE, MESSAGE, STATUS, Status, decoded, delays_of, parse_stamp, seconds
from .tls_summary import is_verified, relay_of, tls_of

Listed = Callable[[str], tuple[Domain, Entry] | None]  #: a domain as logged, to its normal form and entry

_POLICY_LOOKUP = re.compile(r"warning: TLS policy lookup for [^\s/]+/(?P<host>\S+): (?P<text>.*)")
# Lines of smtp(8) that say nothing about deliveries; those of its debug levels begin with the peer.
_KNOWN = re.compile(
    r"warning: |error: |fatal: |panic: |statistics: |Host offered STARTTLS: "
    r"|using backwards-compatible default|setting up TLS connection to |SSL_connect:|\S+\]:\d+: "
    r"|(?:save|remove|looking for|reloaded) session "
)
_KNOWN_OF_MESSAGE = re.compile(
    r"host \S+ said: |enabling PIX workarounds|(?:replace|warning|info|prepend|strip|ignore): "
)
_STATUSES = {status.value: status for status in DeliveryStatus} | {"SOFTBOUNCE": DeliveryStatus.DEFERRED}
# A content filter on this machine, or an LMTP server behind a socket; what leaves has another queue id.
_IS_LOCAL = re.compile(r"\S*\[(?:127\.[\d.]+|::1|/.*|private/.*)\](?::\d+)?|(?!none$)[^\[]*")

_PROCESSES = 2000  #: default_process_limit is 100
_PROXIED = 64
_SLACK = timedelta(seconds=2)


class DeliveryTracker:
    """Fed with lines, gives events; *unmatched* is what it means for an entry that no pin or record fits.

    *syslog_names* are those of the Postfix instance; empty: any instance's lines count.
    """

    def __init__(
        self,
        listed: Listed,
        unmatched: Callable[[Entry], FailureReason],
        syslog_names: Collection[str] = (),
    ) -> None:
        self._listed = listed
        self._unmatched = unmatched
        self._syslog_names = tuple(f"{name}/".encode() for name in syslog_names)
        self._processes: dict[str, ClientProcess] = {}
        self._messages = CountedMessages()
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

    def feed(self, lines: Iterable[bytes], now: datetime) -> list[DeliveryEvent]:
        """Take whole lines, without their ends, and return what they tell, in order."""
        events: list[DeliveryEvent] = []
        for line in lines:
            self.lines += 1
            # Most lines are other programs', and a search for octets is far cheaper than any pattern.
            if b"mtp[" in line or b"tlsproxy[" in line:
                self._feed_line(line, now, events)
            elif self._messages and line.endswith(b": removed"):
                self._forget(line)
        return events

    def _forget(self, line: bytes) -> None:
        header = LINE.match(line)
        if header and header["program"] == b"qmgr" and self._is_ours(header):
            self._messages.forget(decoded(line[header.end() :]).partition(":")[0])

    def _is_ours(self, header: re.Match[bytes]) -> bool:
        names = self._syslog_names
        # A service's own syslog_name is mostly built upon the instance's: "postfix/submission".
        return not names or header["tag"].startswith(names)

    def _feed_line(self, line: bytes, now: datetime, events: list[DeliveryEvent]) -> None:
        header = LINE.match(line)
        if header is None:
            self.unknown_lines += 1
            return
        if not self._is_ours(header):
            return
        program, stamp = header["program"], decoded(header["stamp"])
        if self._interrupted:
            time = _time(stamp, now)
            if time and self._latest and time <= (_time(self._latest, now) or time):
                return
            self._seen_from, self._interrupted = time, False
        self._latest = stamp
        if program == b"tlsproxy":
            self._feed_proxy(decoded(line[header.end() :]))
        elif program in {b"smtp", b"lmtp"}:
            key = decoded(line[header.start("tag") : header.end("pid") + 1])
            if match := STATUS.match(line, header.end()):
                self._feed_status(key, stamp, match, now, events)
            else:
                self._feed_text(key, stamp, line, header.end())

    def _feed_proxy(self, text: str) -> None:
        if (detail := peer_detail(text)) and detail.peer:
            if len(self._proxied) >= _PROXIED:
                del self._proxied[next(iter(self._proxied))]
            self._proxied.setdefault(detail.peer, []).append(detail)

    def _feed_text(self, key: str, stamp: str, line: bytes, start: int) -> None:
        process = self._process(key)
        whole = decoded(line)
        process.hear(whole)
        text = whole[start:] if whole.isascii() else decoded(line[start:])
        if relay := relay_of(text):
            process.establish(relay, Established(stamp, text, list(process.lines)))
        elif message := MESSAGE.match(line, start):
            said = decoded(message["text"])
            if cause := failure(said):
                host = host_in(said) or process.peer
                process.fail(self._failed(process, stamp, decoded(message["queue_id"]), host, cause, said))
            elif not _KNOWN_OF_MESSAGE.match(said):
                self.unknown_lines += 1
        elif text.startswith("connect to "):
            host = host_in(text) or ""
            process.fail(self._failed(process, stamp, "", host, FailureReason.UNREACHABLE, text))
        elif lookup := _POLICY_LOOKUP.match(text):
            cause = failure(lookup["text"]) or FailureReason.CONFIGURATION
            process.fail(self._failed(process, stamp, "", lookup["host"], cause, lookup["text"]))
        elif detail := peer_detail(text):
            process.details.append(detail)
        elif not _KNOWN.match(text):
            self.unknown_lines += 1

    def _failed(
        self,
        process: ClientProcess,
        stamp: str,
        queue_id: str,
        relay: str,
        cause: FailureReason | Unsettled,
        text: str,
    ) -> Failed:
        established = process.established.get(process.peer)
        return Failed(
            stamp,
            queue_id,
            relay,
            cause,
            process.details or self._proxied.pop(process.peer or relay, []),
            text,
            process.lines,
            chain_is_trusted=established is not None and established.summary.startswith("Trusted"),
        )

    def _process(self, key: str) -> ClientProcess:
        process = self._processes.get(key)
        if process is None:
            if len(self._processes) >= _PROCESSES:
                for oldest in list(self._processes)[: _PROCESSES // 2]:
                    del self._processes[oldest]
            process = self._processes[key] = ClientProcess()
        return process

    def _feed_status(
        self, key: str, stamp: str, match: re.Match[bytes], now: datetime, events: list[DeliveryEvent]
    ) -> None:
        listed = self._listed(decoded(match["domain"]))
        process = self._processes.get(key)
        if listed is None and process is None:
            return
        queue_id, relay = decoded(match["queue_id"]), decoded(match["relay"])
        delays = delays_of(match["attributes"])
        request = f"{queue_id} {'/'.join(delays[:2])}"
        process = process or self._process(key)
        established = process.bind(relay, queue_id, request)
        if listed is None:
            return
        status = Status.of(match)
        if status.status not in _STATUSES or _IS_LOCAL.fullmatch(relay):
            return
        if (time := _time(stamp, now)) is None:
            self.unknown_lines += 1
            return
        began = _began(time, delays)
        if established and _is_before(established.stamp, began, now):
            established = None
        line = decoded(match.string)
        lines = (*(established.lines if established else process.lines), line)
        if status.status != "sent" and (cause := failure(status.text)):
            self._note_failure(process, status, stamp, request, cause, line)
        events.extend(
            self._failure_event(failed, listed[1], status, now)
            for failed in process.failed
            if failed.request == request
            and listed[1] not in failed.told
            and not _is_before(failed.stamp, began, now)
        )
        events.append(
            self._delivery(
                status, time, listed, tls_of(established.summary if established else ""), began, lines
            )
        )

    def _note_failure(
        self,
        process: ClientProcess,
        status: Status,
        stamp: str,
        request: str,
        cause: FailureReason | Unsettled,
        line: str,
    ) -> None:
        """Take a session that failed for good, unless a line before, or another recipient's, told it."""
        if any(failed.request == request and failed.text == status.text for failed in process.failed):
            return
        relay = status.relay if status.relay != "none" else host_in(status.text) or "none"
        failed = self._failed(process, stamp, status.queue_id, relay, cause, status.text)
        failed.request = request
        failed.lines = [*failed.lines, line]
        process.fail(failed)

    def _failure_event(self, failed: Failed, entry: Entry, status: Status, now: datetime) -> SessionFailure:
        failed.told.append(entry)
        reason = settled(
            failed.cause,
            failed.details,
            chain_is_trusted=failed.chain_is_trusted,
            unmatched=self._unmatched(entry),
        )
        detail = next((detail.text for detail in failed.details), failed.text)
        return SessionFailure(
            parse_stamp(failed.stamp, now),
            entry,
            status.queue_id,
            failed.relay or "none",
            reason,
            detail,
            tuple(failed.lines),
        )

    def _delivery(
        self,
        status: Status,
        time: datetime,
        listed: tuple[Domain, Entry],
        tls: TlsSession | None,
        began: datetime,
        lines: tuple[str, ...],
    ) -> Delivery:
        domain, entry = listed
        level = status.attributes.get("tls")
        verified: bool | None = is_verified(level, tls)
        if tls is None and level is None and (self._seen_from is None or began <= self._seen_from):
            verified = None  # the session began before the first line we know
        word = _STATUSES[status.status]
        counted = False
        if word is DeliveryStatus.SENT and verified is not None:
            arrival = time.timestamp() - seconds(status.attributes.get("delay", ""))
            counted = self._messages.count(status.queue_id, arrival, entry, verified=verified)
        return Delivery(
            time=time,
            entry=entry,
            queue_id=status.queue_id,
            domain=domain,
            relay=status.relay,
            status=word,
            dsn=status.attributes.get("dsn", ""),
            reply=status.text,
            tls=tls,
            verified=verified,
            counted=counted,
            lines=lines,
        )

    def document(self) -> dict[str, Any]:
        """Return everything that the next lines depend on, as JSON values."""
        return {
            "processes": {key: process.document() for key, process in self._processes.items()},
            "messages": self._messages.document(),
            "seen_from": self._seen_from.isoformat() if self._seen_from else None,
            "interrupted": self._interrupted,
            "latest": self._latest,
        }

    def resume(self, document: dict[str, Any]) -> None:
        """Take up what `document` gave."""
        self._processes = {key: ClientProcess.of(one) for key, one in document["processes"].items()}
        self._messages = CountedMessages(document["messages"])
        seen_from = document["seen_from"]
        self._seen_from = datetime.fromisoformat(seen_from) if seen_from else None
        self._interrupted, self._latest = document["interrupted"], document["latest"]


def _began(time: datetime, delays: list[str]) -> datetime:
    """Return when a request was handed to the process, at the earliest."""
    lasted = sum(seconds(part) for part in delays[2:4])
    return time - _SLACK - timedelta(seconds=lasted * 1.05)


def _is_before(stamp: str, began: datetime, now: datetime) -> bool:
    time = _time(stamp, now)
    return time is None or time < began


def _time(stamp: str, now: datetime) -> datetime | None:
    try:
        return parse_stamp(stamp, now)
    except ValueError:
        return None

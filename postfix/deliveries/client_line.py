"""What a line of Postfix's SMTP client says of a session, each line by itself.

Owns: the kinds of line, and how each is recognised.
Must not know: what was said before, and so whose a line is; that is ``client_process``'s part.
Invariant: a line that is not understood is of a kind of its own, and nothing is guessed.
Sources: Postfix's smtp_connect.c, smtp_trouble.c, smtp_tls_policy.c, smtp_rcpt.c, tls_misc.c (3.7 to 3.11).
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.policy.sending.promised_route import Matched
from domain_secure.postfix.log_lines.failure_text import (
    Cause,
    PeerDetail,
    failure,
    host_in,
    peer_detail,
    refusal,
)
from domain_secure.postfix.log_lines.log_line import MESSAGE, decoded
from domain_secure.postfix.log_lines.tls_summary import matched_in, relay_of

from .delivery_request import request_of


@dataclass(slots=True)
class SummaryLine:
    """A TLS session: ``Verified TLS connection established to mail.x[192.0.2.1]:25: …``."""

    stamp: str
    line: str  #: the whole of it, here and below
    text: str  #: what it says, without the names in front, here and below
    relay: str


@dataclass(slots=True)
class MatchLine:
    """What of the server's certificate will be found right: ``…: matched peername: mail.x``."""

    line: str
    peer: str
    kind: Matched
    what: str  #: a name, or a digest


@dataclass(slots=True)
class DetailLine:
    """Why a session will fail: ``certificate verification failed for …``."""

    line: str
    detail: PeerDetail


@dataclass(slots=True)
class FailureLine:
    """A session came to nothing, or did not come about, and the next host is tried: ``connect to …``."""

    stamp: str
    line: str
    text: str
    queue_id: str  #: "" where the line does not say
    relay: str  #: the host with which; "" where the line does not say
    cause: Cause
    is_refusal: bool  #: the server said no, perhaps to one recipient after the other


@dataclass(slots=True)
class RemarkLine:
    """Nothing about sessions: ``statistics: …``, or what a server says to a recipient."""

    line: str
    queue_id: str = ""  #: "" where the line does not say, here and below


@dataclass(slots=True)
class UnknownLine:
    """Nothing that is understood."""

    line: str
    queue_id: str = ""


@dataclass(slots=True)
class StatusLine:
    """What became of one recipient: ``10B773D: to=<…>, relay=…, delays=…, status=sent (…)``."""

    queue_id: str
    relay: str
    request: str  #: its name, by ``delivery_request``


@dataclass(slots=True)
class LastFailureLine(FailureLine):
    """A status line once more, for what it says of a session that failed with no host left to try."""

    request: str


class UnreadSummary(NamedTuple):
    """A summary line, as `text_line` reads it."""

    stamp: str
    line: bytes
    start: int


UnreadLine = UnreadSummary | re.Match[bytes]  #: or a status line, as `STATUS` matched it
TextLine = SummaryLine | MatchLine | DetailLine | FailureLine | RemarkLine | UnknownLine
ClientLine = TextLine | StatusLine | LastFailureLine

_POLICY_LOOKUP = re.compile(r"warning: TLS policy lookup for [^\s/]+/(?P<host>\S+): (?P<text>.*)")
# Those of smtp(8)'s debug levels begin with the peer.
_REMARK = re.compile(
    r"warning: |error: |fatal: |panic: |statistics: |Host offered STARTTLS: "
    r"|using backwards-compatible default|setting up TLS connection to |SSL_connect:|\S+\]:\d+: "
    r"|(?:save|remove|looking for|reloaded) session "
)
_REMARK_ON_MESSAGE = re.compile(
    r"host \S+ said: |enabling PIX workarounds|(?:replace|warning|info|prepend|strip|ignore): "
)


def text_line(stamp: str, line: bytes, start: int) -> TextLine:
    """Return what a line, its text from *start* on, says if it is no status line."""
    whole = decoded(line)
    text = whole[start:] if whole.isascii() else decoded(line[start:])
    if relay := relay_of(text):
        return SummaryLine(stamp, whole, text, relay)
    if matched := matched_in(text):
        return MatchLine(whole, *matched)
    if message := MESSAGE.match(line, start):
        return _line_on_message(stamp, whole, message)
    return _line_on_session(stamp, whole, text)


def status_line(match: re.Match[bytes]) -> StatusLine:
    """Return what `STATUS` matched, as far as it tells of the process."""
    queue_id = match["queue_id"].decode("ascii")
    request, _ = request_of(queue_id, match["attributes"])
    return StatusLine(queue_id, decoded(match["relay"]), request)


def _line_on_session(stamp: str, whole: str, text: str) -> TextLine:
    if text.startswith("connect to "):
        return FailureLine(
            stamp, whole, text, "", host_in(text) or "", FailureReason.UNREACHABLE, is_refusal=False
        )
    if lookup := _POLICY_LOOKUP.match(text):
        cause = failure(lookup["text"]) or FailureReason.CONFIGURATION
        return FailureLine(stamp, whole, lookup["text"], "", lookup["host"], cause, is_refusal=False)
    if detail := peer_detail(text):
        return DetailLine(whole, detail)
    return RemarkLine(whole) if _REMARK.match(text) else UnknownLine(whole)


def _line_on_message(stamp: str, whole: str, message: re.Match[bytes]) -> TextLine:
    said, queue_id = decoded(message["text"]), decoded(message["queue_id"])
    if cause := failure(said):
        host, is_refusal = host_in(said) or "", refusal(said) is not None
        return FailureLine(stamp, whole, said, queue_id, host, cause, is_refusal)
    return (RemarkLine if _REMARK_ON_MESSAGE.match(said) else UnknownLine)(whole, queue_id)

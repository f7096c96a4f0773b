"""One line of Postfix's log: who wrote it, when, and what about which message.

Owns: the grammar of the line, whichever way it was logged, and of the status line (POSTFIX log_adhoc.c).
Must not know: how lines belong together; that is ``delivery_tracker``'s part.
Invariant: everything is anchored at the beginning of the line.  What a server or a sender wrote stands behind
it and cannot pass for a line of its own: Postfix replaces line ends in such text.
Sources: RFC 5424 section 6.2.3 (timestamp), RFC 3164 section 4.1, syslog(3), postconf(5) syslog_name,
enable_long_queue_ids and info_log_address_format.

    line    = stamp SP host SP tag "[" pid "]: " message
    stamp   = RFC 3339 date-time / Mmm SP day SP hh:mm:ss     ; rsyslog, and postlogd(8) and older syslogs
    tag     = syslog_name "/" program                         ; syslog_name may hold slashes of its own
    message = [ queue-id ": " ] text
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LINE = re.compile(
    rb"(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"
    rb"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)"
    rb" (?P<host>[^\s\[\]]+) (?P<tag>[^\s\[\]:]+/(?P<program>[^\s\[\]:/]+))\[(?P<pid>\d{1,10})\]: "
)

# mail_queue.h: microseconds and inode in hexadecimal; or, long, seconds and microseconds in an alphabet
# without vowels, then "z", then the inode in the same without "z".
_CONSONANTS = rb"0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y"
QUEUE_ID = rb"(?:[0-9A-F]{6,22}|[" + _CONSONANTS + rb"z]{10,12}z[" + _CONSONANTS + rb"]{1,16})"

# RFC 5321 section 4.1.2: within quotes nearly anything may stand, ">, relay=" too.
_ADDRESS = rb'(?:(?:"(?:[^"\\]|\\.)*"|[^"<>\s]*)@)?'
STATUS = re.compile(
    rb"(?P<queue_id>" + QUEUE_ID + rb"): to=<(?P<to>" + _ADDRESS + rb'(?P<domain>[^@"<>\s]*))>,'
    rb"(?: orig_to=<(?P<original>" + _ADDRESS + rb'[^@"<>\s]*)>,)?'
    rb" relay=(?P<relay>[^\s,]+), (?P<attributes>(?:[a-z_]+=[^\s,]*, )*)"
    rb"status=(?P<status>\w+)(?: \((?P<text>.*))?"
)
MESSAGE = re.compile(rb"(?P<queue_id>" + QUEUE_ID + rb"): (?P<text>.*)", re.DOTALL)

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
# Clocks of a mail server and of its log host are not that far apart.
_AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Status:
    """A status line's message, before anybody asked whose it is."""

    queue_id: str
    recipient: str  #: as logged, the original recipient with it where that differs
    domain: str  #: as logged; empty for an address without one
    relay: str
    attributes: dict[str, str]  #: delay, delays, dsn; tls and conn_use where they apply
    status: str
    text: str  #: what stands in parentheses, perhaps cut off

    @classmethod
    def of(cls, match: re.Match[bytes]) -> "Status":
        """Return what `STATUS` matched."""
        pairs = (pair.partition("=") for pair in decoded(match["attributes"]).split(", ") if pair)
        return cls(
            queue_id=match["queue_id"].decode("ascii"),
            recipient=decoded(match["to"]) + (f" {decoded(match['original'])}" if match["original"] else ""),
            domain=decoded(match["domain"]),
            relay=decoded(match["relay"]),
            attributes={name: value for name, _, value in pairs},
            status=match["status"].decode("ascii"),
            text=decoded(match["text"] or b"").removesuffix(")"),
        )


def decoded(octets: bytes) -> str:
    """Return octets of a log as text; what is not UTF-8 is shown as an escape."""
    return octets.decode("utf-8", "backslashreplace")


def parse_stamp(stamp: str, now: datetime) -> datetime:
    """Return the time of a line as an aware value; raises ValueError for a date that is none.

    The short form knows neither year nor zone: it is this machine's local time, in the last year that does
    not lie ahead of *now*.
    """
    if stamp[0].isdigit():
        return datetime.fromisoformat(stamp)
    month, day, clock = _MONTHS.get(stamp[:3], 0), int(stamp[4:6]), stamp[7:]
    hour, minute, second = (int(part) for part in clock.split(":"))
    here = now.astimezone()
    for year in range(here.year + 1, here.year - 9, -1):  # 29 February is in one year of four, once of eight
        try:
            local = datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - local on purpose
        except ValueError:
            continue
        if (time := local.astimezone()) <= here + _AHEAD:
            return time.astimezone(UTC)
    raise ValueError(f"{stamp!r} is not a date")


def delays_of(attributes: bytes) -> list[str]:
    """Return the figures of ``delays=``, without the cost of taking all attributes apart."""
    start = attributes.find(b"delays=")
    return decoded(attributes[start + 7 : attributes.find(b",", start)]).split("/") if start >= 0 else []


def seconds(text: str) -> float:
    """Return a figure of ``delay`` or ``delays``, 0 for what is none."""
    try:
        return float(text)
    except ValueError:
        return 0.0

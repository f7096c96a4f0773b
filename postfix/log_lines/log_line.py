"""One line of Postfix's log: who wrote it, when, and what about which message.

Owns: the grammar of the line, whichever way it was logged, and of the status line (POSTFIX log_adhoc.c).
Must not know: how lines belong together; that is ``client_process``'s part.
Invariant: everything is anchored at the beginning of the line.  What a server or a sender wrote stands behind
it and cannot pass for a line of its own: Postfix replaces line ends in such text.
Sources: RFC 5424 section 6.2.3 (timestamp), RFC 3164 section 4.1, ISO 8601, syslog(3), strftime(3),
postconf(5) syslog_name, enable_long_queue_ids and info_log_address_format; the logging of containers:
``docker logs --timestamps``, ``docker compose logs``, ``kubectl logs --prefix`` and Kubernetes' CRI form.

    line      = [ container ] [ "<" priority ">" ] stamp SP [ host SP ] [ facility "." severity SP ]
                tag "[" pid "]: " message
    container = [ service *SP "| " / "[pod/" name "] " ] [ date-time SP [ stream SP ( "F" / "P" ) SP ] ]
    stamp     = date-time                           ; RFC 3339; or with a blank for the T, or without a zone
              / month SP day SP hh:mm:ss            ; postlogd(8), older syslogs; the month in any language
    tag       = syslog_name "/" program             ; syslog_name may hold slashes of its own
    message   = [ queue-id ": " ] text

What is written as RFC 5424 or in JSON is brought into this form by ``log_form``.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from .month_names import months_of

_TAG = rb"(?P<tag>[^\s\[\]:]+/(?P<program>[^\s\[\]:/]+))\[(?P<pid>\d{1,10})\]: (?:\[ID \d{1,10} \w+\.\w+\] )?"
# As nearly all logs are; tried first, as each line of a busy relay is.
_USUAL = re.compile(
    rb"(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"
    rb"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)"
    rb" (?P<host>[^\s\[\]]+) " + _TAG
)
_CLOCK = rb"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_ZONE = rb" ?(?:Z|[+-]\d\d:?\d\d)"
_DATE_TIME = rb"\d{4}-\d\d-\d\d[T ]" + _CLOCK
_WORD = rb"(?!\d+ )[^\s\[\]:<>{}|\"=]{1,40}"
_MONTH_FIRST = (
    rb" ?"
    + _WORD
    + rb"(?: "
    + _WORD
    + rb"){0,2}(?: \d{1,2}(?= {1,2}\d{1,2} ))? {1,2}\d{1,2}(?: \d{4})? "
    + _CLOCK
)
_STAMP = rb"(?:" + _DATE_TIME + rb"(?:" + _ZONE + rb")?|" + _MONTH_FIRST + rb")"
_CONTAINER = rb"(?:[\w.-]+ *\| |\[pod/[^\]\s]+\] )?"
_PRIORITY = rb"(?:\d{1,5} (?=<))?(?:<\d{1,3}> ?)?"  # RFC 6587 section 3.4.1 counts octets in front
# FreeBSD's syslogd writes "<mail.info>" before the host, Busybox's "mail.info" behind it.
_ORIGIN = rb" (?:<\w+\.\w+> )?(?:(?P<host>[^\s\[\]]*[^\s\[\]:]) )?(?:\w+\.\w+ )?"
_OTHERS = (
    re.compile(_CONTAINER + _PRIORITY + rb"(?P<stamp>" + _STAMP + rb")" + _ORIGIN + _TAG),
    # The stamp of whoever runs the container says the zone, which that of the log in it may not.
    re.compile(
        _CONTAINER + rb"(?P<stamp>" + _DATE_TIME + _ZONE + rb")(?: std(?:out|err) [FP])? "
        + _PRIORITY + rb"(?:" + _STAMP + rb")?" + _ORIGIN.replace(b" ", b" ?", 1) + _TAG
    ),
)  # fmt: skip


class LineGrammar:
    """The beginning of a line up to its message, in each of its forms."""

    @staticmethod
    def match(line: bytes) -> re.Match[bytes] | None:
        """Return it with the groups ``stamp``, ``host``, ``tag``, ``program`` and ``pid``; or None."""
        if match := _USUAL.match(line):
            return match
        return next((match for pattern in _OTHERS if (match := pattern.match(line))), None)


LINE = LineGrammar()

# mail_queue.h: microseconds and inode in hexadecimal; or, long, seconds and microseconds in an alphabet
# without vowels, then "z", then the inode in the same without "z".
_CONSONANTS = rb"0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y"
QUEUE_ID = rb"(?:[0-9A-F]{6,22}|[" + _CONSONANTS + rb"z]{10,12}z[" + _CONSONANTS + rb"]{1,16})"

# RFC 5321 section 4.1.2: within quotes nearly anything may stand, ">, relay=" too.
_ADDRESS = rb'(?:(?:"(?:[^"\\]|\\.)*"|[^"<>\s]*)@)?'
# log_adhoc.c: seconds, with decimals where there are few; anything else is no figure of Postfix's.
_FIGURE = rb"\d{1,9}(?:\.\d{1,9})?"
_ATTRIBUTES = (
    rb"(?:conn_use=\d+, )?delay=" + _FIGURE + rb", delays=" + rb"/".join([_FIGURE] * 4)
    + rb", (?:tls=[^\s,]+, )?"
    rb"dsn=[\d.]+, |(?:(?!delay)[a-z_]+=[^\s,]*, |delays?=" + _FIGURE + rb"(?:/" + _FIGURE + rb")*, )*"
)  # fmt: skip
STATUS = re.compile(
    rb"(?P<queue_id>" + QUEUE_ID + rb"): to=<(?P<to>" + _ADDRESS + rb'(?P<domain>[^@"<>\s]*))>,'
    rb"(?: orig_to=<(?P<original>" + _ADDRESS + rb'[^@"<>\s]*)>,)?'
    rb" relay=(?P<relay>[^\s,]+), (?P<attributes>" + _ATTRIBUTES + rb")"
    rb"status=(?P<status>\w+)(?: \((?P<text>.*))?"
)
NOT_TOLD = "-"  #: in the place of a service's name, where a syslog daemon has cut it off
MESSAGE = re.compile(rb"(?P<queue_id>" + QUEUE_ID + rb"): (?P<text>.*)", re.DOTALL)

_REMEMBERED = 256  #: tags; an instance has as many as programs and services

_STAMPS = 256  #: of lines that belong together

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_SHORT = re.compile(
    r"(?P<month>.+?) +(?P<day>\d{1,2})(?: (?P<year>\d{4}))? (?P<clock>\d\d:\d\d:\d\d)(?:[.,]\d+)?"
)
_MOST_SECONDS = 1e9
_YEARS = range(1990, 2200)  # others would lead out of what a datetime can hold
# Clocks of a mail server and of its log host are not that far apart.
_AHEAD = timedelta(days=1)


class Status(NamedTuple):
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
        queue_id, to, domain, original, relay, attributes, status, text = map(decoded, match.groups(b""))
        pairs = [pair.partition("=") for pair in attributes.split(", ") if pair]
        return cls(
            queue_id,
            f"{to} {original}" if original else to,
            domain,
            relay,
            {name: value for name, _, value in pairs},
            status,
            text.removesuffix(")"),
        )


@lru_cache(_REMEMBERED)
def service_of(tag: bytes) -> str:
    """Return the name of the service in a tag; "" where the log does not tell it (``log_form``)."""
    name = decoded(tag.rpartition(b"/")[0])
    return "" if name.endswith(f"/{NOT_TOLD}") else name


def decoded(octets: bytes) -> str:
    """Return octets of a log as text; what is not UTF-8 is shown as an escape."""
    return octets.decode("utf-8", "backslashreplace")


def parse_stamp(stamp: str, now: datetime) -> datetime:
    """Return the time of a line as an aware value; raises ValueError for a date that is none.

    A form without a zone is this machine's local time.  The short one knows no year either: it is in the last
    one that does not lie ahead of *now*; a month that may be several ones likewise.
    """
    if stamp[:1].isdigit() and stamp[4:5] == "-":
        return _full(stamp)
    if (found := _SHORT.fullmatch(stamp.lstrip())) is None:
        raise ValueError(f"{stamp!r} is not a date")
    word, day = found["month"], int(found["day"])
    months = (_MONTHS[word],) if word in _MONTHS else months_of(word)
    hour, minute, second = (int(part) for part in found["clock"].split(":"))
    here = now.astimezone()
    # 29 February is in one year of four, once of eight.
    years = [int(found["year"])] if found["year"] else range(here.year + 1, here.year - 9, -1)
    for year in years:
        for month in sorted(months, reverse=True):
            try:
                local = datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - on purpose
            except ValueError:
                continue
            if (time := local.astimezone()) <= here + _AHEAD:
                return time.astimezone(UTC)
    raise ValueError(f"{stamp!r} is not a date")


def time_of(stamp: str, now: datetime) -> datetime | None:
    """Return what `parse_stamp` does, None for a date that is none."""
    try:
        return parse_stamp(stamp, now)
    except ValueError:
        return None


@lru_cache(_STAMPS)
def _iso(stamp: str) -> datetime:
    try:
        return datetime.fromisoformat(stamp)
    except ValueError:
        # Of a leap second, and of a blank before the zone, that knows nothing.
        rest = stamp[17:].replace(" ", "").replace(",", ".")
        return datetime.fromisoformat(stamp[:17] + ("59" + rest[2:] if rest.startswith("60") else rest))


def _full(stamp: str) -> datetime:
    time = _iso(stamp)
    if time.year not in _YEARS:
        raise ValueError(f"{stamp!r} is not a date")
    return time if time.tzinfo else time.astimezone(UTC)


def seconds(text: str) -> float:
    """Return a figure of ``delay`` or ``delays``, 0 for what is none."""
    try:
        figure = float(text)
    except ValueError:
        return 0.0
    return figure if 0.0 <= figure < _MOST_SECONDS else 0.0

"""Lines that are no plain text of syslog, brought into its form: RFC 5424, and JSON.

Owns: which lines these are, and how each becomes one that ``log_line`` reads.
Must not know: what the lines mean, but for the program that a line of rsyslog's is from.
Invariant: what is not understood is handed on as it is, for somebody to count.
Sources: RFC 5424 section 6, RFC 6587 section 3.4.1, systemd.journal-fields(7), and Docker's json-file driver.

rsyslogd(8) ends a program's name at the first slash unless told otherwise, so that its RFC 5424 lines name no
program but ``postfix``.  Which one it was is told by what it says, for all that is read here; of which
service is not told.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from domain_secure.policy.terms.kept_json import parse_json

from .failure_text import failure, peer_detail
from .log_line import LINE, MESSAGE, NOT_TOLD, STATUS, decoded
from .tls_summary import relay_of

_SAMPLE = 128  #: of a long block every so manieth line is looked at
_CONTAINER = rb"(?:[\w.-]+ *\| |\[pod/[^\]\s]+\] )?(?:\d{4}-\d\d-\d\dT\S+ (?:std(?:out|err) [FP] )?)?"
_OTHER_FORM = re.compile(_CONTAINER + rb"(?:\{|(?:\d{1,5} (?=<))?(?:<\d{1,3}>)?1 (?:\d{4}-|- ))")
_STRUCTURED = re.compile(
    _CONTAINER + rb"(?:\d{1,5} (?=<))?(?:<\d{1,3}>)?1 (?P<stamp>\d{4}-\d\d-\d\dT\S+) (?P<host>\S+) "
    rb"(?P<name>[^\s\[\]:]{1,48}) (?P<process>\d{1,10}) \S+ "
    rb'(?:-|(?:\[(?:[^\[\]"]|"(?:[^"\\]|\\.)*")*\])+)(?: +(?:\xef\xbb\xbf)? *(?P<message>.*))?',
    re.DOTALL,
)
# What stands in a status line of error(8) and retry(8), which have no session.
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[!-~]+")  #: of whoever runs a container
_SUSPENDED = "delivery temporarily suspended: "
_READ = frozenset({"smtp", "lmtp", "tlsproxy", "qmgr", "error", "retry", "postsuper"})
_NOT_SAID = b"unknown"  #: the program of a line that none of those we read has written


def usual_forms(lines: list[bytes], *, every: bool = False) -> tuple[list[bytes], bool]:
    """Return the lines in the form of syslog, and whether any was in another one.

    A log mostly has one form: of a long block a sample tells whether *every* line is to be looked at.
    """
    sample = lines if every or len(lines) <= _SAMPLE * 4 else (lines[-1], *lines[::_SAMPLE])
    if not any(map(_OTHER_FORM.match, sample)):
        return lines, False
    return [_usual(line) for line in lines], True


def _usual(line: bytes) -> bytes:
    if not (found := _OTHER_FORM.match(line)):
        return line
    if line[found.end() - 1 : found.end()] == b"{":
        return _of_json(line, found.end() - 1)
    if not (structured := _STRUCTURED.fullmatch(line)):
        return line
    message = structured["message"] or b""
    return b"%s %s %s[%s]: %s" % (
        structured["stamp"],
        structured["host"],
        _tag(structured["name"], message),
        structured["process"],
        message,
    )


def _tag(name: bytes, message: bytes) -> bytes:
    return name if b"/" in name else b"%s/%s/%s" % (name, NOT_TOLD.encode(), _program(message))


def _program(message: bytes) -> bytes:
    """Return which program of Postfix writes such a message, as far as it matters to us."""
    if message.endswith(b": removed"):
        return b"qmgr"
    if status := STATUS.match(message):
        return b"error" if decoded(status["text"] or b"").startswith(_SUSPENDED) else b"smtp"
    whole = decoded(message)
    named = MESSAGE.match(message)
    said = decoded(named["text"]) if named else whole
    is_client = relay_of(whole) or peer_detail(whole) or failure(said) or whole.startswith(_CLIENT)
    return b"smtp" if is_client else _NOT_SAID


_CLIENT = ("warning: TLS policy lookup for ", "Host offered STARTTLS: ")


def _of_json(line: bytes, start: int) -> bytes:
    """Return a record of Docker's, or of the journal's, as a line; another one as it is."""
    try:
        fields = parse_json(line[start:])
    except (ValueError, RecursionError):
        return line
    if "__REALTIME_TIMESTAMP" in fields:
        return line_of(fields) or line
    logged, stamp = fields.get("log"), fields.get("time")
    if not isinstance(logged, str):
        return line
    # JSON can say halves of characters, which are no UTF-8.
    inner = _usual(logged.split("\n", 1)[0].encode(errors="backslashreplace"))
    if isinstance(stamp, str) and _STAMP.fullmatch(stamp) and (header := LINE.match(inner)):
        # Who runs the container says the zone, which the log in it may not.
        return b"%s %s %s" % (stamp.encode(), header["host"] or b"localhost", inner[header.start("tag") :])
    return inner


def records(lines: Sequence[bytes]) -> Iterator[dict[str, Any] | None]:
    """Yield the records in the output of ``journalctl --output=json``; None for what is none."""
    for line in lines:
        if line.strip():
            try:
                fields = parse_json(line)
            except (ValueError, RecursionError):
                yield None
            else:
                yield fields if isinstance(fields, dict) and isinstance(fields.get("__CURSOR"), str) else None


def is_by(fields: Mapping[str, Any], users: Collection[int]) -> bool:
    """Tell whether a record is by one of *users*, as the journal itself knows (systemd.journal-fields(7)).

    Anybody's is, where none are named; so is one of which the journal knows no user, as from another machine.
    """
    user = fields.get("_UID")
    return not users or not isinstance(user, str) or not user.isdecimal() or int(user) in users


def names_postfix(fields: Mapping[str, Any]) -> bool:
    """Tell whether a record bears the name of a program of Postfix's that we read."""
    name = fields.get("SYSLOG_IDENTIFIER")
    return isinstance(name, str) and name.rpartition("/")[2] in _READ and "/" in name


def line_of(fields: Mapping[str, Any]) -> bytes | None:
    """Return a record of the journal as a line; None for one that is not, or not whole, a program's message.

    A field that was given several times comes as a list of texts.
    """
    name, process = fields.get("SYSLOG_IDENTIFIER"), fields.get("SYSLOG_PID") or fields.get("_PID")
    host, text = fields.get("_HOSTNAME"), _text(fields.get("MESSAGE"))
    if not isinstance(name, str) or not isinstance(process, str) or text is None:
        return None
    try:
        time = datetime.fromtimestamp(int(fields["__REALTIME_TIMESTAMP"]) / 1_000_000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
    where = host if isinstance(host, str) and re.fullmatch(r"[^\s\[\]]+", host) else "localhost"
    head = f"{time.isoformat(timespec='microseconds')} {where} {name}[{process}]: "
    return head.encode(errors="backslashreplace").replace(b"\n", b" ") + text.split(b"\n", 1)[0]


def _text(message: object) -> bytes | None:
    """Return a message; what is no printable UTF-8 comes as a list of numbers, what is too long as null."""
    if isinstance(message, str):
        return message.encode(errors="backslashreplace")
    if isinstance(message, list):
        try:
            return bytes(message)
        except (TypeError, ValueError):
            return None
    return None

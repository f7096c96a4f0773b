"""Which lines of a log are looked at at all: most are other programs', and a look at the tag tells.

Owns: the programs whose lines tell of deliveries and of messages that leave the queue.
Must not know: what they say.
Source: syslog(3) for where a program's name stands; ``log_line`` has the whole grammar, in which nothing
before the tag has a bracket but the name of a pod.
"""

from collections.abc import Iterable
from enum import Enum, auto, unique


@unique
class Writer(Enum):
    """What kind of program has written a line."""

    CLIENT = auto()  #: of smtp(8), tlsproxy(8), or of error and retry, which tell what qmgr(8) does not try
    QUEUE = auto()  #: of qmgr(8) or postsuper(1)
    OTHER = auto()


_BY_PROGRAM = {
    **dict.fromkeys((b"smtp", b"lmtp", b"tlsproxy", b"error", b"retry"), Writer.CLIENT),
    **dict.fromkeys((b"qmgr", b"postsuper"), Writer.QUEUE),
}
_CLIENT_MARKS = b"mtp[", b"tlsproxy[", b"/error[", b"/retry["
_QUEUE_ENDS = b": removed", b": requeued"

_REMEMBERED = 256  #: tags; an instance has as many as programs and services
_by_tag: dict[bytes, Writer] = {}


def writers_of(lines: Iterable[bytes]) -> list[Writer]:
    """Return who has written each line; of one that has no tag where it should be, who may have.

    A search for an octet is far cheaper than any pattern.
    """
    known = _by_tag
    return [
        known.get(line[line.rfind(b" ", 0, (bracket := line.find(b"[", 1))) + 1 : bracket])
        or _looked_up(line, bracket)
        for line in lines
    ]


def _looked_up(line: bytes, bracket: int) -> Writer:
    tag = line[line.rfind(b" ", 0, bracket) + 1 : bracket]
    name, slash, program = tag.rpartition(b"/")
    if not (slash and name and program.replace(b"-", b"").isalnum()):
        return _by_marks(line)
    if len(_by_tag) >= _REMEMBERED:
        _by_tag.clear()
    return _by_tag.setdefault(tag, _BY_PROGRAM.get(program, Writer.OTHER))


def _by_marks(line: bytes) -> Writer:
    if any(mark in line for mark in _CLIENT_MARKS):
        return Writer.CLIENT
    is_queue = line.endswith(_QUEUE_ENDS) or b"postsuper[" in line
    return Writer.QUEUE if is_queue else Writer.OTHER

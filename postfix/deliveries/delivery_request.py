"""What the queue manager gives to a process of smtp(8) at once, as far as a status line tells.

Owns: what the four figures of ``delays=`` prove.
Must not know: sessions.
Source: Postfix's log_adhoc.c; smtp(8) and qmgr(8) for what a request is.

    delays=a/b/c/d  seconds, in two significant digits

    figure  ends when                                  in the status lines of one request
    a       the queue manager takes the message up     the same; another at each attempt, as the message ages
    b       the process is given the request           the same
    c       the session is set up, TLS included        differs, as several hosts may be tried
    d       the recipient's fate is known              differs

So the queue id with a and b is the request's name, and c and d go back from the line to the moment at which
the process was given the request.  What it logged before that moment is none of this request's.
"""

from datetime import datetime, timedelta
from functools import lru_cache

from domain_secure.postfix.log_lines.log_line import decoded, seconds

_DIGITS = 1.05  #: two significant digits may stand for this many times the figure
_REMEMBERED = 1024  #: figures; most sessions last less than a second
_SLACK = timedelta(seconds=2)  #: stamps and figures of whole seconds


def request_of(queue_id: str, attributes: bytes) -> tuple[str, str]:
    """Return the name of a status line's request, and ``c/d`` as it is logged."""
    # Done for the mail of the whole machine: the other attributes are not taken apart.
    start = attributes.find(b"delays=")
    if start < 0:
        return f"{queue_id} ", ""
    figures = decoded(attributes[start + 7 : attributes.find(b",", start)]).split("/", 2)
    return f"{queue_id} {'/'.join(figures[:2])}", figures[2] if len(figures) > 2 else ""


def handed_over(time: datetime, lasted: str) -> datetime:
    """Return when the process was given the request, at the earliest.

    *time* is the status line's, *lasted* its ``c/d``.
    """
    return time - _at_most(lasted)


@lru_cache(_REMEMBERED)
def _at_most(lasted: str) -> timedelta:
    return _SLACK + timedelta(seconds=sum(map(seconds, lasted.split("/")[:2])) * _DIGITS)

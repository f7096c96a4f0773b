"""Times as an operator writes them: how long, and since when.

Owns: the grammar of both.
Source: RFC 3339 for points in time, the units of systemd.time(7) in their one-letter form.
"""

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_PART = r"([0-9]{1,9})([smhdw])"
_SPAN = re.compile(rf"(?:{_PART})+")
_LONGEST = timedelta(days=36500)
SPAN_HELP = "a number with s, m, h, d or w, such as 90m, 12h or 7d"
MOMENT_HELP = f"{SPAN_HELP} (so long ago), or a time such as 2026-11-25 or 2026-11-25T14:00"


def parse_span(text: str) -> timedelta:
    """Return how long ``90m`` or ``1d12h`` is; raises ValueError for anything else, and for nothing."""
    if not _SPAN.fullmatch(text):
        raise ValueError(f"{text!r} is not {SPAN_HELP}")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in re.findall(_PART, text))
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise ValueError(f"{text!r} is no time to speak of")
    return timedelta(seconds=seconds)


def parse_moment(text: str, now: datetime) -> datetime:
    """Return the aware time that *text* means: so long before *now*, or in RFC 3339.

    A time without zone is in the zone of *now*.  Raises ValueError for anything else.
    """
    if _SPAN.fullmatch(text):
        return (now - parse_span(text)).astimezone(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither {MOMENT_HELP}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=now.tzinfo)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is out of reach") from None

"""To whom mail was sent lately, as Postfix's log has it.

Owns: finding recipients in lines of the log, and the bound on how much of it is read.
Must not know: what became of the mail.
Sources: POSTFIX log_adhoc.c for the status line; postconf(5) info_log_address_format.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from .log_file import BLOCK, segments
from .log_history import lines_since
from .log_location import LogLocation

MOST_OCTETS = 256 * 1024 * 1024  #: of a log's files that are read, some seconds
MOST_RECIPIENTS = 10_000
# As in ``log_line``: what stands before the tag is not looked at, and nobody else's text can stand there.
_RECIPIENT = re.compile(rb"^[^\[]*/[\w-]+\[\d+\]: (?:\[ID [^\]]*\] )?\w+: to=<(.+?)>, (?:orig_to=<|relay=)")


@dataclass(frozen=True, slots=True)
class RecentRecipients:
    """Distinct recipients, the last ones seen, and what of the time asked for was left out."""

    addresses: tuple[str, ...]
    left_out: tuple[str, ...]  #: for a person


def recent_recipients(
    location: LogLocation,
    since: datetime,
    is_wanted: Callable[[str], bool],
    *,
    most_octets: int = MOST_OCTETS,
    most_recipients: int = MOST_RECIPIENTS,
) -> RecentRecipients:
    """Return the recipients of deliveries tried since a moment for whom *is_wanted* holds; raises Problem."""
    left_out: list[str] = []
    found: dict[str, None] = {}
    dropped = 0
    for lines in _newest(location, since, most_octets, left_out):
        for line in lines:
            if not (match := _RECIPIENT.match(line)):
                continue
            address = match[1].decode(errors="surrogateescape")
            if found.pop(address, 0) is None or is_wanted(address):
                found[address] = None
                if len(found) > most_recipients:
                    del found[next(iter(found))]
                    dropped += 1
    if dropped:
        left_out.append(f"recipients before the last {most_recipients:,} different ones")
    return RecentRecipients(tuple(found), tuple(left_out))


def _newest(location: LogLocation, since: datetime, most: int, left_out: list[str]) -> Iterator[list[bytes]]:
    """Yield the lines since a moment, of files that are too long the last *most* octets together."""
    if location.file is None:
        yield from lines_since(location, since)
        return
    files = segments(location.file, since.timestamp())
    remaining = most
    for segment in reversed(files):
        size = segment.size()
        segment.offset = max(0, size - max(remaining, 0))
        if segment.offset:
            left_out.append(f"the first {segment.offset:,} octets of {segment.path}")
        remaining -= size
    for segment in files:
        with closing(segment):
            partial = segment.offset > 0
            while segment.offset < segment.size() and (lines := segment.lines(BLOCK)):
                # The first line may be the end of one.
                yield lines[1:] if partial else lines
                partial = False

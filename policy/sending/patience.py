"""Which messages have waited long enough for a partner's server that can be verified.

Owns: the choice.  Must not know: Postfix's queue beyond what it says of each message.
Invariant: a message is given up only where everybody it still has to reach is on the send list, and each of
them has been tried: nobody else's mail comes to an end earlier than Postfix would end it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain_secure.policy.terms.domain import Entry, InvalidDomainError, parse_domain
from domain_secure.policy.terms.lists import DomainList


@dataclass(frozen=True, slots=True)
class Waiting:
    """A recipient who has not been reached."""

    address: str
    reason: str | None  #: why not; None: nobody has tried yet


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """One message in Postfix's queue."""

    queue_name: str
    queue_id: str
    arrival: datetime  #: aware
    sender: str
    recipients: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A message that is to go back to its sender."""

    message: QueuedMessage
    entries: tuple[Entry, ...]  #: of the send list
    reason: str  #: why it could not be delivered, of the first recipient


def overdue(
    queue: Iterable[QueuedMessage], listed: DomainList, limit: timedelta, now: datetime
) -> Iterator[GivenUp]:
    """Yield the messages that have waited for longer than *limit*."""
    for message in queue:
        if message.queue_name != "deferred" or now - message.arrival <= limit:
            continue
        entries = [_entry(recipient.address, listed) for recipient in message.recipients]
        reasons = [recipient.reason for recipient in message.recipients]
        known = tuple(dict.fromkeys(entry for entry in entries if entry is not None))
        if message.recipients and None not in entries and reasons[0] and all(reasons):
            yield GivenUp(message, known, reasons[0])


def _entry(address: str, listed: DomainList) -> Entry | None:
    try:
        return listed.match(parse_domain(address.rpartition("@")[2]))
    except InvalidDomainError:
        return None

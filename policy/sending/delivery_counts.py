"""The outbound counters: what each delivery and each failed session adds.

Owns: which event counts as what, and the sums.
Must not know: metrics, and how sums outlive a restart.
Invariant: *sent* and *unverified* grow once for each queue id and entry, failures once for each session.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from typing import NamedTuple

from domain_secure.policy.terms.domain import Entry

from .delivery import Delivery, DeliveryEvent
from .promised_route import Unverified


@unique
class OutboundCounter(StrEnum):
    """What is counted by entry; the words are kept in files."""

    SENT = "sent"  #: over verified TLS
    MUTUAL = "mutual"  #: of these, those for which it is proved that our certificate was asked for and shown
    UNVERIFIED = "unverified"  #: sent without verified TLS, past the policy
    FAILURE = "failure"  #: sessions that failed for a reason of security
    PROBLEM = "problem"  #: sessions that failed otherwise
    BYPASS = "bypass"  #: of those sent without, those sent by a bypass
    NOT_ASKED = (
        "not-asked"  #: of those sent, those in which the server provably did not ask for our certificate
    )


@unique
class LogStanding(StrEnum):
    """Whether Postfix's log, read to its end, tells what is counted."""

    UNKNOWN = "unknown"  #: nothing was logged yet by which that could be told
    FOLLOWED = "followed"
    NOT_UNDERSTOOD = "not-understood"  #: Postfix logs in a form that is not known
    SILENT = "silent"  #: mail moves, and nothing is logged
    UNREADABLE = "unreadable"

    @property
    def is_bad(self) -> bool:
        """Tell whether deliveries happen that are in no counter."""
        return self not in {LogStanding.UNKNOWN, LogStanding.FOLLOWED}


class CountKey(NamedTuple):
    """One sum; *reason* is empty but for failed sessions."""

    counter: OutboundCounter
    entry: Entry
    reason: str


@dataclass(frozen=True, slots=True)
class OutboundProgress:
    """Where the reading of Postfix's log stands, for metrics."""

    sums: Mapping[CountKey, int] = field(default_factory=dict)  #: as committed, of entries that are listed
    since: datetime | None = None  #: since when they are counted; None: not known
    waiting: Mapping[Entry, int] = field(default_factory=dict)  #: messages in the queue, likewise
    lines: int = 0  #: read since the start
    unknown_lines: int = 0  #: of these, lines of the SMTP client that were not understood
    at_end: bool = False  #: everything that was logged is in
    known: int = 0  #: lines of this Postfix, of those whose form was looked at
    strange: int = 0  #: of these, lines that name a program of Postfix in no known form
    standing: LogStanding = LogStanding.UNKNOWN
    detail: str = ""  #: what is wrong, for a person; empty where nothing is


def counted(event: DeliveryEvent) -> tuple[CountKey, ...]:
    """Return the sums that an event adds one to."""
    if not isinstance(event, Delivery):
        counter = OutboundCounter.FAILURE if event.reason.is_security else OutboundCounter.PROBLEM
        return (CountKey(counter, event.entry, event.reason.word),)
    if not event.counted:
        return ()
    if not event.verified:
        unverified = CountKey(OutboundCounter.UNVERIFIED, event.entry, "")
        if event.unverified is Unverified.BYPASS:
            return (unverified, CountKey(OutboundCounter.BYPASS, event.entry, ""))
        return (unverified,)
    counters = [OutboundCounter.SENT]
    if event.is_mutual:
        counters.append(OutboundCounter.MUTUAL)
    elif event.tls is not None and event.tls.client_certificate is False:
        counters.append(OutboundCounter.NOT_ASKED)
    return tuple(CountKey(counter, event.entry, "") for counter in counters)


def added(sums: Mapping[CountKey, int], events: Iterable[DeliveryEvent]) -> dict[CountKey, int]:
    """Return the sums with what the events add."""
    result = dict(sums)
    for event in events:
        for key in counted(event):
            result[key] = result.get(key, 0) + 1
    return result

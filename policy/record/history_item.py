"""One thing that goes into the history, whatever it was that happened.

Owns: the shape that storing and counting need; the storage knows no other.
Must not know: decisions, deliveries, SQL.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin


@dataclass(frozen=True, slots=True)
class Count:
    """What one partner's share in it is counted as."""

    entry: Entry
    outcome: str  #: a verdict's word, ``sent``, or why a session failed
    effect: str  #: what became of it: ``accept``, ``defer``, ``reject``, ``none``; ``sent``, ``failed`` …
    is_success: bool | None  #: None: it says nothing about the partner's security
    method: str = ""
    tls: str = ""
    detail: str = ""  #: one clause for people
    certificate: Pin | None = None  #: what the other side showed
    attribution: Attribution | None = None  #: whose it was, where it was not let in as the partner's
    client: str = ""  #: the address it came from


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """One message or one session; *document* is None where it is to be counted only."""

    time: datetime
    direction: Direction
    kind: str
    queue_id: str
    outcome: str  #: of the whole
    counts: tuple[Count, ...]
    document: Mapping[str, Any] | None
    certificates: tuple[Certificate, ...] = ()  #: what the document refers to by fingerprint
    is_counted: bool = True  #: False: another part of something that was counted already

"""What an auditor asks for: what became of the mail with each partner in a period, and by which certificates.

Owns: how hourly counts become totals, days and reasons.
Must not know: where counts are kept, how a report looks.
Invariant: every counted message is in exactly one category.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum, unique
from typing import Protocol

from domain_secure.policy.bypass.bypass import Bypass
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.record.delivery_document import MUTUAL, UNVERIFIED
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

from .history import HourlyCount, Latest, Sighting
from .report_chain import Place
from .seen_hours import InForce

#: Why a message was refused or deferred whose claim to be this partner was proved.
OTHER_DOMAIN = "another domain in the same message"


@unique
class Category(StrEnum):
    """What became of a message or a session, in the order in which it is shown."""

    PASSED = "passed"
    OBSERVED = "let in unproved"  #: in observe mode, or by on_failure = tag
    DEFERRED = "deferred"
    REFUSED = "refused"
    EXEMPT = "exempt"
    SENT = "sent verified"
    UNVERIFIED = "sent unverified"
    POSTPONED = "attempts deferred"
    BOUNCED = "bounced"
    FAILED = "failed sessions"


RECEIVED = (Category.PASSED, Category.OBSERVED, Category.DEFERRED, Category.REFUSED, Category.EXEMPT)
SENT = (Category.SENT, Category.UNVERIFIED, Category.POSTPONED, Category.BOUNCED, Category.FAILED)
_BY_EFFECT = {
    "defer": Category.DEFERRED,
    "reject": Category.REFUSED,
    "none": Category.EXEMPT,
    "sent": Category.SENT,
    "deferred": Category.POSTPONED,
    "bounced": Category.BOUNCED,
    "failed": Category.FAILED,
}


class Counted(Protocol):
    """What a category follows from."""

    @property
    def outcome(self) -> str:
        """A verdict's word, ``sent``, or why a session failed."""

    @property
    def effect(self) -> str:
        """What became of it."""

    @property
    def method(self) -> str:
        """What proved it."""


def category_of(count: Counted) -> Category:
    """Return in which category something is counted."""
    if count.effect == "accept":
        return Category.PASSED if count.outcome == Verdict.PASS.word else Category.OBSERVED
    if count.effect == "sent" and count.method == UNVERIFIED:
        return Category.UNVERIFIED
    return _BY_EFFECT[count.effect]


@dataclass(slots=True)
class Totals:
    """What became of mail, in sums."""

    categories: Counter[Category] = field(default_factory=Counter)
    reasons: dict[Category, Counter[str]] = field(default_factory=dict)
    methods: Counter[str] = field(default_factory=Counter)
    received_tls: Counter[str] = field(default_factory=Counter)
    sent_tls: Counter[str] = field(default_factory=Counter)
    mutual: int = 0  #: sent, with proof that our certificate was asked for
    days: dict[date, Counter[Category]] = field(default_factory=dict)

    def add(self, count: HourlyCount, zone: tzinfo) -> None:
        """Take in one count; its hour belongs to the day on which it begins in *zone*."""
        category = category_of(count)
        self.categories[category] += count.count
        self.days.setdefault(count.hour.astimezone(zone).date(), Counter())[category] += count.count
        if category in _WITH_REASON:
            reason = OTHER_DOMAIN if count.outcome == Verdict.PASS.word else count.outcome
            self.reasons.setdefault(category, Counter())[reason] += count.count
        if category is Category.PASSED:
            self.methods[count.method] += count.count
        if category is Category.SENT and count.method == MUTUAL:
            self.mutual += count.count
        if category in RECEIVED:
            self.received_tls[count.tls or "in the clear"] += count.count
        elif category in {Category.SENT, Category.UNVERIFIED}:
            self.sent_tls[count.tls or "in the clear"] += count.count


_WITH_REASON = frozenset({Category.OBSERVED, Category.DEFERRED, Category.REFUSED, Category.FAILED})


@dataclass(frozen=True, slots=True)
class PartnerReport:
    """One partner's part."""

    entry: Entry
    totals: Totals
    certificates: tuple[Sighting, ...]  #: in the order in which they came up
    latest: tuple[Latest, ...]


SeenKey = tuple[Direction, Entry, Pin]


@dataclass(frozen=True, slots=True)
class Gap:
    """What cannot be told of a part of the period."""

    what: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report; times are aware."""

    since: datetime
    until: datetime
    made: datetime
    host: str
    kept_since: datetime | None  #: when the history begins, where that is after *since*
    totals: Totals
    partners: tuple[PartnerReport, ...]
    known_before: frozenset[SeenKey] = frozenset()  #: certificates that had come before the period
    gaps: tuple[Gap, ...] = ()
    configurations: tuple[InForce, ...] = ()  #: in force at *since*, and those that came in the period
    place: Place | None = None  #: in the chain of reports; None: in none
    distrusted: frozenset[Pin] = frozenset()  #: by now, whatever it was in the period
    bypasses: tuple[Bypass, ...] = ()  #: in force at any time of the period, in the order of their start

    def is_distrusted(self, sighting: Sighting) -> bool:
        """Tell whether a certificate that was seen, or its key as far as it is known, is distrusted."""
        pins = {sighting.fingerprint} | (sighting.certificate.pins if sighting.certificate else set())
        return not pins.isdisjoint(self.distrusted)

    @property
    def days(self) -> tuple[date, ...]:
        """Return every day of the period, in the zone of *made*."""
        zone = self.made.tzinfo
        first = self.since.astimezone(zone).date()
        last = (self.until - timedelta(microseconds=1)).astimezone(zone).date()
        return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))


@dataclass(frozen=True, slots=True)
class Material:
    """What a report is made from."""

    counts: Sequence[HourlyCount]
    sightings: Sequence[Sighting]
    latest: Sequence[Latest]
    kept_since: datetime | None
    known_before: frozenset[SeenKey] = frozenset()
    gaps: Sequence[Gap] = ()
    configurations: Sequence[InForce] = ()


def report_of(material: Material, since: datetime, until: datetime, made: datetime, host: str) -> Report:
    """Return the report of a period; the zone of *made* says where a day begins."""
    zone = made.tzinfo
    if zone is None:
        raise ValueError("a report needs a zone")
    totals, partners = Totals(), dict[Entry, Totals]()
    for count in material.counts:
        totals.add(count, zone)
        partners.setdefault(count.entry, Totals()).add(count, zone)
    for sighting in material.sightings:
        partners.setdefault(sighting.entry, Totals())
    return Report(
        since=since,
        until=until,
        made=made,
        host=host,
        kept_since=material.kept_since,
        totals=totals,
        partners=tuple(
            PartnerReport(
                entry,
                partners[entry],
                _of(entry, material.sightings),
                tuple(one for one in material.latest if one.entry == entry),
            )
            for entry in sorted(partners, key=lambda one: one.removeprefix("*."))
        ),
        known_before=material.known_before,
        gaps=tuple(material.gaps),
        configurations=tuple(material.configurations),
    )


def _of(entry: Entry, sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    return tuple(one for one in sightings if one.entry == entry)


def changes_of(report: Report, partner: PartnerReport) -> tuple[Sighting, ...]:
    """Return the certificates of a partner that passed in the period for the first time, beside others."""
    good = [one for one in partner.certificates if one.passed and one.direction is Direction.RECEIVE]
    known = {key for key in report.known_before if key[:2] == (Direction.RECEIVE, partner.entry)}
    fresh = [
        one
        for one in good
        if one.first_seen >= report.since and (one.direction, one.entry, one.fingerprint) not in known
    ]
    # The first certificate ever is no change.
    return tuple(one for one in fresh if known or one is not good[0])

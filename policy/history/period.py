"""What the history tells of one period, and what it cannot tell of it.

Owns: which certificates and which last messages are of the period, and the gaps that are named.
Must not know: how a report looks.
Invariant: nothing from outside the period is in it; what was not kept is a gap, and never taken for nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry

from .history import History, HourlyCount, Latest, Sighting
from .partner_report import Gap, Material, SeenKey

_HOUR = timedelta(hours=1)
_NO_DETAIL = "messages, their replies and the addresses they came from: only hourly counts are kept of then"
_NO_CERTIFICATES = (
    "which of the certificates that came before and after came within: their hours were not kept then"
)
_NO_CONFIGURATION = "the configuration in force: it was not written down then"
_TOO_MANY = "further certificates: more came in one hour than are kept"
_SAYS_NOTHING = frozenset({Verdict.EXEMPT.word, Verdict.NONE.word, "deferred", "bounced"})


def whole_hours(since: datetime, until: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Return the hours that a period touches, which are counted whole; none of them ends after *now*."""
    first = since.timestamp() // 3600 * 3600
    last = -(-until.timestamp() // 3600) * 3600
    return datetime.fromtimestamp(first, UTC), min(datetime.fromtimestamp(last, UTC), now)


def material_of(history: History, since: datetime, until: datetime, entry: Entry | None = None) -> Material:
    """Return what is known of a period of whole hours, of one partner or of all; raises Problem."""
    counts = history.hourly(since, until, entry)
    certificates = _certificates(history, since, until, entry)
    configurations = history.in_force(since, until)
    first = history.first_hour()
    return Material(
        counts,
        certificates.sightings,
        _latest(history, counts, since, until, entry),
        first if first is not None and first > since else None,
        known_before=certificates.known_before,
        gaps=(
            *_detail_gap(history, counts, since, until),
            *certificates.gaps,
            *_configuration_gap(configurations[0].since if configurations else None, since, until),
        ),
        configurations=configurations,
    )


@dataclass(frozen=True, slots=True)
class _Certificates:
    sightings: tuple[Sighting, ...]
    known_before: frozenset[SeenKey]
    gaps: tuple[Gap, ...]


def _certificates(history: History, since: datetime, until: datetime, entry: Entry | None) -> _Certificates:
    begin = history.seen_since()
    ever = {_key(one): one for one in history.sightings(since, entry) if one.first_seen < until}
    within, are_beyond = history.seen(since, until, entry)
    found = {_key(one): one for one in within}
    untold = False
    if begin is None or begin > since:
        for key, one in ever.items():
            if one.first_seen >= since and one.last_seen < until:
                found[key] = one
            elif begin is None or one.first_seen < begin:
                untold = True
    known = frozenset(key for key, one in ever.items() if one.first_seen < since)
    gaps = [Gap(_NO_CERTIFICATES, since, min(begin or until, until))] if untold else []
    if are_beyond:
        gaps.append(Gap(_TOO_MANY, since, until))
    order = sorted(found.values(), key=lambda one: one.first_seen)
    return _Certificates(tuple(order), known, tuple(gaps))


def _key(sighting: Sighting) -> SeenKey:
    return sighting.direction, sighting.entry, sighting.fingerprint


def _latest(
    history: History, counts: Iterable[HourlyCount], since: datetime, until: datetime, entry: Entry | None
) -> tuple[Latest, ...]:
    """Return the last success and failure in the period, to the hour where later ones took their place."""
    found: dict[tuple[Direction, Entry, bool], Latest] = {}
    for count in counts:
        if count.outcome in _SAYS_NOTHING:
            continue
        good = count.outcome in {Verdict.PASS.word, "sent"} and count.method != "unverified"
        found[count.direction, count.entry, good] = Latest(
            count.direction, count.entry, good, count.hour, count.outcome, "", "", is_hour=True
        )
    for one in history.latest():
        if since <= one.time < until and (entry is None or one.entry == entry):
            found[one.direction, one.entry, one.is_success] = one
    return tuple(found.values())


def _detail_gap(
    history: History, counts: Sequence[HourlyCount], since: datetime, until: datetime
) -> Iterable[Gap]:
    span = history.span()
    if not counts:
        return
    if span is None:
        yield Gap(_NO_DETAIL, since, until)
    elif counts[0].hour + _HOUR <= span[0]:
        yield Gap(_NO_DETAIL, since, min(span[0], until))


def _configuration_gap(first: datetime | None, since: datetime, until: datetime) -> Iterable[Gap]:
    if first is None or first > since:
        yield Gap(_NO_CONFIGURATION, since, min(first or until, until))

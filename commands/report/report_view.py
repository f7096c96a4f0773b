"""What the page of a report shows: chosen, ordered and put into words, before any markup.

Owns: which figures stand where, and how numbers and times are written.
Must not know: elements and looks, which are ``report.html``'s and ``report.css``'s.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from domain_secure.policy.certificates.certificate_document import certificate_document
from domain_secure.policy.history.history import Latest, Sighting
from domain_secure.policy.history.partner_report import (
    RECEIVED,
    SENT,
    Category,
    PartnerReport,
    Report,
    Totals,
    changes_of,
)
from domain_secure.policy.terms.direction import Direction

from .report_chart import chart
from .report_plain import bypass_lines, chain_line, configuration_lines, gap_lines

if TYPE_CHECKING:
    from markupsafe import Markup

_REFUSING = (Category.REFUSED, Category.DEFERRED, Category.OBSERVED)
_SHOWN_NAMES = 4


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the large figures at the top; ``kind`` is its colour where it is bad, else empty."""

    name: str
    value: str
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of figures; one that is a part says what the line above it is made of."""

    name: str
    number: str
    share: str
    is_part: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Lines of figures under one header."""

    header: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Mail in one direction: a chart of these categories, and its tables."""

    name: str
    categories: tuple[Category, ...]
    chart: "Markup"
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class LatestLine:
    """The last success or failure of one direction."""

    kind: str  #: ``success`` or ``failure``
    direction: str
    time: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """A certificate that was seen, with its content as far as it is known."""

    names: str
    lines: tuple[str, ...]
    fingerprint: str
    first_seen: str
    last_seen: str
    passed: str
    failed: str
    is_new: bool
    is_stranger: bool
    is_distrusted: bool


@dataclass(frozen=True, slots=True)
class PartnerPart:
    """One partner's part of the page."""

    domain: str
    latest: tuple[LatestLine, ...]
    traffic: tuple[Traffic, ...]
    certificates: tuple[CertificateRow, ...]
    new_certificates: int


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page."""

    title: str
    period: str
    host: str
    made: str
    zone: str
    history_begins: str  #: empty where the history covers the period
    not_known: tuple[str, ...]  #: what cannot be told of it
    configurations: tuple[str, ...]
    bypasses: tuple[str, ...]
    chain: str  #: by what the report is found in the chain again
    tiles: tuple[Tile, ...]
    traffic: tuple[Traffic, ...]  #: of all partners, where there are several
    partners: tuple[PartnerPart, ...]


def page_of(report: Report) -> Page:
    """Return what the page shows of a report; times are in the zone in which it was made."""
    made, until = report.made, report.until.astimezone(report.made.tzinfo)
    is_common = len(report.partners) > 1
    return Page(
        title=f"Domain security report, {_day(report.since, report)} to {_day(report.until, report)}",
        period=f"{_moment(report.since, report)} – {until:%Y-%m-%d %H:%M %Z}",
        host=report.host,
        made=f"{made:%Y-%m-%d %H:%M %Z}",
        zone=f"UTC{made:%z}",
        history_begins=_moment(report.kept_since, report) if report.kept_since else "",
        not_known=tuple(gap_lines(report)),
        configurations=tuple(configuration_lines(report)),
        bypasses=tuple(bypass_lines(report)),
        chain=chain_line(report),
        tiles=_tiles(report),
        traffic=_traffic(report.totals, report.days, "all partners", tables=False) if is_common else (),
        partners=tuple(_partner(one, report) for one in report.partners),
    )


def _tiles(report: Report) -> tuple[Tile, ...]:
    totals = report.totals
    received = sum(totals.categories[one] for one in RECEIVED)
    sent = totals.categories[Category.SENT] + totals.categories[Category.UNVERIFIED]
    passed = _share(totals.categories[Category.PASSED], received)
    return (
        Tile("received", f"{received:,}", f"{passed} proved", ""),
        _bad("refused", totals.categories[Category.REFUSED], "for good", "refused"),
        _bad("deferred", totals.categories[Category.DEFERRED], "for now", "deferred"),
        Tile("sent", f"{sent:,}", f"{_share(totals.mutual, sent)} surely mutual", ""),
        _bad("failed sessions", totals.categories[Category.FAILED], "outbound", "failed"),
        Tile("partners", f"{len(report.partners):,}", "in this period", ""),
    )


def _bad(name: str, number: int, text: str, kind: str) -> Tile:
    return Tile(name, f"{number:,}", text, kind if number else "")


def _traffic(totals: Totals, days: Sequence[date], whose: str, *, tables: bool) -> tuple[Traffic, ...]:
    """Return each direction that has mail."""
    found: list[Traffic] = []
    for name, categories, tables_of in (("Received", RECEIVED, _received), ("Sent", SENT, _sent)):
        # A deferred attempt is, as a rule, a failed session once more.
        used = tuple(one for one in categories if totals.categories[one] and one is not Category.POSTPONED)
        if used:
            drawn = chart(days, totals.days, used, f"{name} by day, {whose}")
            found.append(Traffic(name, used, drawn, tables_of(totals) if tables else ()))
    return tuple(found)


def _partner(partner: PartnerReport, report: Report) -> PartnerPart:
    new = changes_of(report, partner)
    return PartnerPart(
        partner.entry,
        _latest(partner.latest, report),
        _traffic(partner.totals, report.days, partner.entry, tables=True),
        tuple(_certificate(one, report, is_new=one in new) for one in partner.certificates),
        len(new),
    )


def _latest(latest: Iterable[Latest], report: Report) -> tuple[LatestLine, ...]:
    words = {Direction.RECEIVE: "received", Direction.SEND: "sent"}
    return tuple(
        LatestLine(
            "success" if one.is_success else "failure",
            words[one.direction],
            f"{_moment(one.time, report)}{' (the hour)' if one.is_hour else ''}",
            one.outcome,
            one.detail,
        )
        for one in sorted(latest, key=lambda last: (last.direction, not last.is_success))
    )


def _received(totals: Totals) -> tuple[Table, ...]:
    total = sum(totals.categories[one] for one in RECEIVED)
    rows: list[Row] = []
    for category in RECEIVED:
        if number := totals.categories[category]:
            rows.append(_row(category, number, total))
            if category in _REFUSING:
                rows += _parts(totals.reasons.get(category, Counter()), total)
            if category is Category.PASSED:
                rows += _parts(totals.methods, total, "by ")
    return Table("messages", tuple(rows)), Table("by TLS version", _plain(totals.received_tls, total))


def _sent(totals: Totals) -> tuple[Table, ...]:
    rows: list[Row] = []
    for category in SENT:
        if number := totals.categories[category]:
            rows.append(_row(category, number, 0))
            if category is Category.SENT:
                mutual = "mutual: our certificate was asked for"
                rows.append(_row(mutual, totals.mutual, 0, is_part=True))
            rows += _parts(totals.reasons.get(category, Counter()), 0)
    tables = [Table("messages, sessions", tuple(rows))]
    if totals.sent_tls:
        tables.append(Table("by TLS version", _plain(totals.sent_tls, sum(totals.sent_tls.values()))))
    return tuple(tables)


def _parts(counted: Counter[str], total: int, before: str = "") -> list[Row]:
    return [_row(f"{before}{name}", number, total, is_part=True) for name, number in _ordered(counted)]


def _plain(counted: Counter[str], total: int) -> tuple[Row, ...]:
    return tuple(_row(name, number, total) for name, number in _ordered(counted))


def _row(name: str, number: int, total: int, *, is_part: bool = False) -> Row:
    """Return a line with its share of *total*, where there is one."""
    return Row(name, f"{number:,}", _share(number, total) if total else "", is_part)


def _certificate(sighting: Sighting, report: Report, *, is_new: bool) -> CertificateRow:
    names, lines = "content not known", tuple[str, ...]()
    if sighting.certificate is not None:
        shown = certificate_document(sighting.certificate)
        known = shown["names"]
        more = f" and {len(known) - _SHOWN_NAMES} more" if len(known) > _SHOWN_NAMES else ""
        names = ", ".join(known[:_SHOWN_NAMES]) + more or shown["subject"] or "no name"
        lines = (
            f"issued by {shown['issuer']}",
            f"valid {shown['not_before'][:10]} to {shown['not_after'][:10]}",
        )
    return CertificateRow(
        names,
        lines,
        str(sighting.fingerprint),
        _moment(sighting.first_seen, report),
        _moment(sighting.last_seen, report),
        f"{sighting.passed:,}",
        f"{sighting.failed:,}",
        is_new=is_new,
        is_stranger=not sighting.passed,
        is_distrusted=report.is_distrusted(sighting),
    )


def _ordered(counted: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _moment(moment: datetime, report: Report) -> str:
    return f"{moment.astimezone(report.made.tzinfo):%Y-%m-%d %H:%M}"


def _day(moment: datetime, report: Report) -> str:
    return f"{moment.astimezone(report.made.tzinfo):%Y-%m-%d}"

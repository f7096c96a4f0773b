"""A report as one HTML page: no script, nothing from elsewhere, light and dark, fit for printing.

Owns: what stands where.  ``report_style`` has the looks, ``report_chart`` the charts.
Invariant: every text goes through ``markup``, which escapes it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime

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

from .markup import Child, Markup, element
from .report_chart import chart
from .report_style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_REFUSING = (Category.REFUSED, Category.DEFERRED, Category.OBSERVED)
_SHOWN_NAMES = 4
_EXPLANATION = (
    "A message is counted once for each partner that it claims to be from. Counts are by the hour, and an "
    "hour belongs to the day on which it begins. “Mutual” counts what Postfix's log proves, which it can "
    "from TLS 1.3 on. Passes and failures of a certificate are counted over the whole time it was seen."
)

_Row = tuple[str, int, int]  #: a name, how many, and how deep it stands


def html_report(report: Report) -> str:
    """Return the page."""
    title = f"Domain security report, {_day(report.since, report)} to {_day(report.until, report)}"
    body = element(
        "main",
        _heading(report),
        _overview(report),
        [_partner(one, report) for one in report.partners],
        _notes(report),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(STYLE)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, element('body', body), lang='en')}\n"


def _heading(report: Report) -> Markup:
    until = report.until.astimezone(report.made.tzinfo)
    return element(
        "header",
        element("p", "Postfix Domain Secure", class_="product"),
        element("h1", "Domain security report"),
        element(
            "p",
            element("strong", f"{_moment(report.since, report)} – {until:%Y-%m-%d %H:%M %Z}"),
            f" · {report.host} · made {report.made:%Y-%m-%d %H:%M %Z}, times are UTC{report.made:%z}",
            class_="period",
        ),
        element("p", f"The history begins at {_moment(report.kept_since, report)}.", class_="notice")
        if report.kept_since
        else "",
    )


def _overview(report: Report) -> Markup:
    totals = report.totals
    received = sum(totals.categories[one] for one in RECEIVED)
    sent = totals.categories[Category.SENT] + totals.categories[Category.UNVERIFIED]
    tiles = (
        ("received", f"{received:,}", f"{_share(totals.categories[Category.PASSED], received)} proved", ""),
        ("refused", f"{totals.categories[Category.REFUSED]:,}", "for good", "refused"),
        ("deferred", f"{totals.categories[Category.DEFERRED]:,}", "for now", "deferred"),
        ("sent", f"{sent:,}", f"{_share(totals.mutual, sent)} surely mutual", ""),
        ("failed sessions", f"{totals.categories[Category.FAILED]:,}", "outbound", "failed"),
        ("partners", f"{len(report.partners):,}", "in this period", ""),
    )
    return element(
        "section",
        element(
            "div",
            [
                element(
                    "div",
                    element("span", name, class_="label"),
                    element("span", value, class_=f"value t-{kind}" if kind and value != "0" else "value"),
                    element("span", text, class_="label"),
                    class_="tile",
                )
                for name, value, text, kind in tiles
            ],
            class_="tiles",
        ),
        _directions(totals, report.days, "all partners", tables=False) if len(report.partners) > 1 else "",
        class_="overview",
    )


def _directions(totals: Totals, days: Sequence[date], whose: str, *, tables: bool) -> Markup:
    """Return a chart for each direction that has mail, its tables below, or beside it where it is alone."""
    blocks: list[Markup] = []
    for name, categories, table in (("Received", RECEIVED, _received), ("Sent", SENT, _sent)):
        # A deferred attempt is, as a rule, a failed session once more.
        used = [one for one in categories if totals.categories[one] and one is not Category.POSTPONED]
        if used:
            figure = element(
                "figure",
                element("figcaption", element("b", name), _legend(used)),
                chart(days, totals.days, used, f"{name} by day, {whose}"),
            )
            blocks.append(element("div", figure, table(totals) if tables else "", class_="direction"))
    return element("div", blocks, class_="directions alone" if len(blocks) == 1 else "directions")


def _legend(categories: Iterable[Category]) -> Markup:
    return element(
        "span",
        [
            element("span", element("i", class_=f"k-{one.name.lower()}"), str(one), class_="key")
            for one in categories
        ],
        class_="legend",
    )


def _partner(partner: PartnerReport, report: Report) -> Markup:
    totals = partner.totals
    return element(
        "section",
        element("h2", partner.entry),
        _latest(partner.latest, report),
        _directions(totals, report.days, partner.entry, tables=True),
        _certificates(partner, report),
        class_="partner",
    )


def _latest(latest: Iterable[Latest], report: Report) -> Markup:
    words = {Direction.RECEIVE: "received", Direction.SEND: "sent"}
    lines: list[Markup] = []
    for one in sorted(latest, key=lambda last: (last.direction, not last.is_success)):
        kind = "success" if one.is_success else "failure"
        lines.append(
            element(
                "li",
                element("span", f"last {kind} {words[one.direction]} ", class_=f"s-{kind}"),
                f"{_moment(one.time, report)} · {one.outcome}",
                "" if one.is_success else f": {one.detail}",
            )
        )
    return element("ul", lines, class_="latest")


def _received(totals: Totals) -> Markup:
    total = sum(totals.categories[one] for one in RECEIVED)
    rows: list[_Row] = []
    for category in RECEIVED:
        if totals.categories[category]:
            rows.append((str(category), totals.categories[category], 0))
            if category in _REFUSING:
                rows += _inner(totals.reasons.get(category, Counter()))
            if category is Category.PASSED:
                rows += _inner(totals.methods, "by ")
    return element(
        "div", _table("messages", rows, total), _table("by TLS version", _plain(totals.received_tls), total)
    )


def _sent(totals: Totals) -> Markup:
    rows: list[_Row] = []
    for category in SENT:
        if totals.categories[category]:
            rows.append((str(category), totals.categories[category], 0))
            if category is Category.SENT:
                rows.append(("mutual: our certificate was asked for", totals.mutual, 1))
            rows += _inner(totals.reasons.get(category, Counter()))
    tls = _plain(totals.sent_tls)
    return element(
        "div",
        _table("messages, sessions", rows, None),
        _table("by TLS version", tls, sum(totals.sent_tls.values())) if tls else "",
    )


def _inner(counted: Counter[str], before: str = "") -> list[_Row]:
    return [(f"{before}{name}", number, 1) for name, number in _ordered(counted)]


def _plain(counted: Counter[str]) -> list[_Row]:
    return [(name, number, 0) for name, number in _ordered(counted)]


def _table(header: str, rows: Iterable[_Row], total: int | None) -> Markup:
    head = element("tr", element("th", header), element("th"), element("th"))
    return element(
        "table",
        element("thead", head),
        element(
            "tbody",
            [
                element(
                    "tr",
                    element("td", name, class_="inner" if depth else None),
                    element("td", f"{number:,}", class_="number"),
                    element("td", _share(number, total) if total else "", class_="share"),
                )
                for name, number, depth in rows
            ],
        ),
        class_="figures",
    )


def _certificates(partner: PartnerReport, report: Report) -> Child:
    if not partner.certificates:
        return ""
    new = changes_of(report, partner)
    rows = [_certificate(one, report, is_new=one in new) for one in partner.certificates]
    headers = ("certificate", "first seen", "last seen", "passed", "failed")
    return element(
        "div",
        element(
            "h3", "Certificates seen", element("small", f" {len(new)} new in this period") if new else ""
        ),
        element(
            "table",
            element("thead", element("tr", [element("th", one) for one in headers])),
            element("tbody", rows),
            class_="certificates",
        ),
    )


def _certificate(sighting: Sighting, report: Report, *, is_new: bool) -> Markup:
    told: list[Child] = []
    if sighting.certificate is not None:
        shown = certificate_document(sighting.certificate)
        names = shown["names"]
        more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
        told = [
            element("div", ", ".join(names[:_SHOWN_NAMES]) + more or shown["subject"] or "no name"),
            element("div", f"issued by {shown['issuer']}", class_="fine"),
            element("div", f"valid {shown['not_before'][:10]} to {shown['not_after'][:10]}", class_="fine"),
        ]
    return element(
        "tr",
        element(
            "td",
            element("span", "new", class_="badge") if is_new else "",
            told or element("div", "content not known"),
            element("code", str(sighting.fingerprint)),
        ),
        element("td", _moment(sighting.first_seen, report)),
        element("td", _moment(sighting.last_seen, report)),
        element("td", f"{sighting.passed:,}", class_="number"),
        element("td", f"{sighting.failed:,}", class_="number"),
        class_=None if sighting.passed else "stranger",
    )


def _notes(report: Report) -> Markup:
    nothing = element("p", "Nothing was recorded in this period.") if not report.partners else ""
    return element(
        "footer",
        nothing,
        element("p", _EXPLANATION),
    )


def _ordered(counted: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))


def _share(part: int, whole: int | None) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _moment(moment: datetime, report: Report) -> str:
    return f"{moment.astimezone(report.made.tzinfo):%Y-%m-%d %H:%M}"


def _day(moment: datetime, report: Report) -> str:
    return f"{moment.astimezone(report.made.tzinfo):%Y-%m-%d}"

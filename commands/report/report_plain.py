"""A report as text, CSV and JSON.

Owns: the columns and keys, which programs read: a changed one is an incompatible change.
Invariant: no cell of the CSV is a formula to a spreadsheet, and no text moves a terminal's cursor.
Sources: RFC 4180; OWASP, CSV injection.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import Any

from domain_secure.commands.bypass.bypass_document import document_of
from domain_secure.commands.log.record_text import printable
from domain_secure.policy.certificates.certificate_document import certificate_document
from domain_secure.policy.history.history import HourlyCount, Sighting
from domain_secure.policy.history.partner_report import (
    RECEIVED,
    SENT,
    Category,
    PartnerReport,
    Report,
    Totals,
    category_of,
    changes_of,
)
from domain_secure.policy.history.report_chain import BLANK, Place

_COLUMNS = (
    "record", "domain", "direction", "day", "zone", "category", "outcome", "method", "tls", "count",
    "certificate", "subject", "issuer", "names", "not_before", "not_after", "first_seen", "last_seen",
    "passed", "failed",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_report(report: Report, counts: Iterable[HourlyCount]) -> str:
    """Return a row for each day and kind of message, then a row for each certificate seen."""
    zone = report.made.tzinfo
    days: Counter[tuple[object, ...]] = Counter()
    for count in counts:
        local = count.hour.astimezone(zone)
        key = (count.entry, count.direction, local.date(), f"UTC{local:%z}")
        days[*key, category_of(count), count.outcome, count.method, count.tls] += count.count
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for row, number in days.items():
        writer.writerow(map(cell, ("count", *row, number, *[""] * 10)))
    for partner in report.partners:
        for sighting in partner.certificates:
            writer.writerow(map(cell, _certificate_row(sighting)))
    return stream.getvalue()


def cell(value: object) -> str:
    """Return a value as no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _certificate_row(sighting: Sighting) -> tuple[object, ...]:
    shown = certificate_document(sighting.certificate) if sighting.certificate else {}
    return (
        "certificate",
        sighting.entry,
        sighting.direction,
        *[""] * 7,
        sighting.fingerprint,
        shown.get("subject", ""),
        shown.get("issuer", ""),
        " ".join(shown.get("names", ())),
        shown.get("not_before", ""),
        shown.get("not_after", ""),
        sighting.first_seen.isoformat(timespec="seconds"),
        sighting.last_seen.isoformat(timespec="seconds"),
        sighting.passed,
        sighting.failed,
    )


def report_document(report: Report) -> dict[str, Any]:
    """Return the report for JSON."""
    zone = report.made.tzinfo
    return {
        "since": report.since.astimezone(zone).isoformat(timespec="seconds"),
        "until": report.until.astimezone(zone).isoformat(timespec="seconds"),
        "made": report.made.isoformat(timespec="seconds"),
        "host": report.host,
        "history_begins": _iso(report.kept_since, zone),
        "not_known": [
            {"what": one.what, "since": _iso(one.since, zone), "until": _iso(one.until, zone)}
            for one in report.gaps
        ],
        "configurations": [
            {"since": _iso(one.since, zone), "revision": one.revision, "files": dict(one.files)}
            for one in report.configurations
        ],
        "bypasses": [document_of(one) for one in report.bypasses],
        "totals": _totals_document(report.totals),
        "partners": [
            {
                "domain": partner.entry,
                **_totals_document(partner.totals),
                "latest": [
                    {
                        "direction": str(one.direction),
                        "success": one.is_success,
                        "time": _iso(one.time, zone),
                        "exact": not one.is_hour,
                        "outcome": one.outcome,
                        "detail": one.detail,
                        "queue_id": one.queue_id,
                    }
                    for one in partner.latest
                ],
                "certificates": [_certificate_document(one, partner, report) for one in partner.certificates],
            }
            for partner in report.partners
        ],
        "chain": _chain_document(report.place),
    }


def _chain_document(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"number": place.number, "digest": BLANK, "previous": place.previous}


def _iso(moment: Any, zone: tzinfo | None) -> str | None:
    return moment.astimezone(zone).isoformat(timespec="seconds") if moment else None


def _totals_document(totals: Totals) -> dict[str, Any]:
    return {
        "received": {_key(one): totals.categories[one] for one in RECEIVED},
        "sent": {_key(one): totals.categories[one] for one in SENT} | {"mutual": totals.mutual},
        "reasons": {_key(category): dict(reasons) for category, reasons in totals.reasons.items()},
        "methods": dict(totals.methods),
        "tls_received": dict(totals.received_tls),
        "tls_sent": dict(totals.sent_tls),
        "days": {
            day.isoformat(): {_key(one): number for one, number in counted.items()}
            for day, counted in sorted(totals.days.items())
        },
    }


def _key(category: Category) -> str:
    return category.name.lower()


def _certificate_document(sighting: Sighting, partner: PartnerReport, report: Report) -> dict[str, Any]:
    zone = report.made.tzinfo
    return {
        "fingerprint": str(sighting.fingerprint),
        "direction": str(sighting.direction),
        "first_seen": _iso(sighting.first_seen, zone),
        "last_seen": _iso(sighting.last_seen, zone),
        "passed": sighting.passed,
        "failed": sighting.failed,
        "new": sighting in changes_of(report, partner),
        "distrusted": report.is_distrusted(sighting),
        "content": certificate_document(sighting.certificate) if sighting.certificate else None,
    }


def text_report(report: Report) -> str:
    """Return the report for a terminal."""
    zone = report.made.tzinfo
    since, until = report.since.astimezone(zone), report.until.astimezone(zone)
    made = f"made {report.made:%Y-%m-%d %H:%M %Z} (UTC{report.made:%z})"
    lines = [
        f"Domain security report of {report.host}",
        f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M %Z}, {made}",
    ]
    if report.kept_since:
        lines.append(f"the history begins at {report.kept_since.astimezone(zone):%Y-%m-%d %H:%M %Z}")
    if not report.partners:
        lines += ["", "nothing that fits was recorded in this period"]
    lines += (f"not known {line}" for line in gap_lines(report))
    lines += (f"configuration {line}" for line in configuration_lines(report))
    lines += (f"NOT SECURED {line}" for line in bypass_lines(report))
    for partner in report.partners:
        lines += ["", printable(partner.entry), *_partner_lines(partner, report)]
    lines += ["", chain_line(report)]
    return "\n".join(lines) + "\n"


def gap_lines(report: Report) -> Iterator[str]:
    """Yield what cannot be told of the period, each with when."""
    zone = report.made.tzinfo
    for one in report.gaps:
        since, until = one.since.astimezone(zone), one.until.astimezone(zone)
        yield f"from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}: {one.what}"


def configuration_lines(report: Report) -> Iterator[str]:
    """Yield each configuration that was in force in the period, with since when."""
    zone = report.made.tzinfo
    for one in report.configurations:
        files = ", ".join(f"{printable(path)} sha256:{digest}" for path, digest in sorted(one.files.items()))
        yield f"since {one.since.astimezone(zone):%Y-%m-%d %H:%M}: {one.revision} ({files})"


def bypass_lines(report: Report) -> Iterator[str]:
    """Yield each bypass of the period: what was not secured, when, who wanted it and why."""
    zone = report.made.tzinfo
    for one in report.bypasses:
        start, end = one.start.astimezone(zone), one.end.astimezone(zone)
        which = {"receive": "mail from", "send": "mail to", "both": "mail from and to"}[one.direction]
        ended = f", ended by {printable(one.ended_by)}" if one.ended_by else ""
        yield (
            f"{which} {printable(one.entry)} from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}: bypass by "
            f"{printable(one.by)}: {printable(one.reason)}{ended}"
        )


def chain_line(report: Report) -> str:
    """Return the line by which the report is found in the chain again, its digest still blank."""
    place = report.place
    if place is None:
        return "in no chain of reports: whether it is changed later cannot be told"
    return f"report {place.number} of this edge: digest {BLANK}, after {place.previous}"


def _partner_lines(partner: PartnerReport, report: Report) -> Iterator[str]:
    totals = partner.totals
    for name, categories, tls in (
        ("received", RECEIVED, totals.received_tls),
        ("sent", SENT, totals.sent_tls),
    ):
        used = [one for one in categories if totals.categories[one]]
        for category in used:
            yield f"  {name:<9} {totals.categories[category]:>7,}  {category}{_why(totals, category)}"
        if used and tls:
            told = ", ".join(f"{version} {number:,}" for version, number in tls.most_common())
            yield f"  {'':<9} {'':>7}  over {told}"
    new = changes_of(report, partner)
    zone = report.made.tzinfo
    for one in partner.certificates:
        content = certificate_document(one.certificate) if one.certificate else None
        names = ", ".join(content["names"]) or content["subject"] if content else "content not known"
        until = f", valid until {content['not_after'][:10]}" if content else ""
        told = f"{'NEW ' if one in new else ''}{'DISTRUSTED ' if report.is_distrusted(one) else ''}"
        yield f"  certificate {told}{printable(names)}{until}"
        yield f"     {one.fingerprint}"
        first, last = one.first_seen.astimezone(zone), one.last_seen.astimezone(zone)
        seen = f"seen from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
        yield f"     passed {one.passed:,}, failed {one.failed:,}, {seen}"


def _why(totals: Totals, category: Category) -> str:
    """Return what a category is made of, in parentheses."""
    if category is Category.PASSED:
        parts = [f"{method} {number:,}" for method, number in totals.methods.most_common()]
    elif category is Category.SENT:
        parts = [f"{totals.mutual:,} of them mutual for certain"]
    else:
        reasons = totals.reasons.get(category, Counter())
        parts = [f"{printable(reason)} {number:,}" for reason, number in reasons.most_common()]
    return f" ({', '.join(parts)})" if parts else ""

"""What the daemon serves to people: the status page, a report, and the documents that were installed with us.

Owns: where each of them is had from.
"""

import gzip
import sysconfig
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from domain_secure.commands.changes.states import offered
from domain_secure.commands.status.status_document import host_name, running_document
from domain_secure.commands.terminal.own_process import document_of
from domain_secure.milter.knowledge.live_configuration import read_live
from domain_secure.milter.page.http_server import Render
from domain_secure.milter.page.status_page import Links, StatusPage
from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.certificates.expiry import word_of
from domain_secure.policy.certificates.presented_names import some
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.history.history import History
from domain_secure.policy.history.outcomes import Outcomes
from domain_secure.policy.history.partner_certificates import LATELY, partner_certificates
from domain_secure.policy.history.partner_report import report_of
from domain_secure.policy.history.period import material_of, whole_hours
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

# Some 30 MiB while somebody looks at the page; a list of a million must not take the daemon's memory.
_MOST_PARTNERS = 20_000
_CHECK_SECONDS = 120.0
_MOST_REPORTED = 1000  #: list entries; a longer report would keep the daemon busy
_PERIOD = timedelta(days=30)
_NAME = "postfix-domain-secure"
# A report has its style inside, and no script; it may be long, and is made while somebody waits.
_REPORT_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
}
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}

Current = Callable[[], Configuration]


def status_page(configuration: Current) -> Render:
    """Return what renders the status page."""
    page = StatusPage(
        lambda: running_document(configuration(), _MOST_PARTNERS),
        lambda: document_of(configuration().path, ["check"], _CHECK_SECONDS),
        History(configuration().state),
        lambda entry: partner_document(configuration(), Entry(entry)),
        Links(report=True, documents=tuple(documents()), changes=lambda: _acts(configuration())),
    )
    return page.render


def _acts(configuration: Configuration) -> tuple[str, ...]:
    """Return what the page may offer to change."""
    return offered() if configuration.metrics_access.allow_changes else ()


def further_pages(configuration: Current) -> Mapping[str, Render]:
    """Return what else is served, by path: a report, and each document."""
    pages: dict[str, Render] = {"/report": partial(_report, configuration)}
    for name, path in documents().items():
        pages[f"/docs/{name}"] = partial(_document, path)
    return pages


def documents() -> dict[str, Path]:
    """Return the documents that were installed with this release, by name; none where they are left out."""
    places = (
        Path(sysconfig.get_path("data"), "share", "doc", _NAME),
        Path("/usr/share/doc", _NAME),
        Path(__file__).parents[2],
    )
    for place in places:
        # Systems compress the longer ones where they see fit.
        if found := sorted((*place.glob("docs/*.md"), *place.glob("docs/*.md.gz"))):
            return {path.name.removesuffix(".gz"): path for path in found}
    return {}


def partner_document(configuration: Configuration, entry: Entry) -> dict[str, Any]:
    """Return a partner's rule, and its certificates with when they end; or why these are not known."""
    rule = configuration.partner(entry)
    is_own = rule.entry in configuration.partners
    settings: dict[str, object] = {
        "names": rule.names,
        "methods": rule.methods,
        "require": rule.require,
        "send_method": rule.send_method,
        "mode": rule.mode,
        "minimum_tls": rule.minimum_tls,
        "mx": rule.mx,
        "via": rule.via,
        "servername": rule.servername,
        "send_ca_file": rule.send_ca_file,
    }
    certificates, problem = _certificates(configuration, entry)
    return {
        "table": f'[partner."{rule.entry}"]' if is_own else None,
        "settings": {key: _plain(value) for key, value in settings.items() if value},
        "pins": sorted(map(str, rule.pins)),
        "certificates": certificates,
        "problem": problem,
    }


def _certificates(configuration: Configuration, entry: Entry) -> tuple[list[dict[str, Any]], str | None]:
    now = datetime.now(UTC)
    try:
        live = read_live(lambda _: configuration, configuration.path)
        past = Outcomes(configuration.state)
        used = tuple(one for one in past.certificates(now - LATELY) if one.entry == entry)
        with closing(CertificateBook(configuration.state / FILE_NAME)) as book:
            seen = used, past.clients(entry)
            found = tuple(partner_certificates(book, seen, configuration, live.anchors, now))
    except Problem as problem:
        return [], str(problem)
    return [
        {
            "names": some(one.certificate.dns_names or (one.certificate.subject,)),
            "fingerprint": str(one.certificate.certificate_pin),
            "ends": f"{one.ending.not_after:%Y-%m-%d}",
            "days_left": (one.ending.not_after - now).days,
            "expiry": word_of(one.expiry(now, configuration.trust.expiry_warning)),
            "authority": one.ending.subject if one.ending != one.certificate else None,
            "last_seen": one.last_seen and one.last_seen.isoformat(),
            "is_replaced": one.is_replaced,
        }
        for one in found
        if one.entry == entry
    ], None


def _plain(value: object) -> str:
    if isinstance(value, (tuple, list, frozenset)):
        return ", ".join(map(str, value))
    return str(value)


def _report(configuration: Current, query: str) -> tuple[Mapping[str, str], bytes]:
    """Return the report of the last thirty days, about ``?domain=`` alone where it names a listed entry."""
    current = configuration()
    # Loaded with the first report, for the daemon's memory.
    from domain_secure.commands.report.report_html import html_report  # noqa: PLC0415

    asked = parse_qs(query, max_num_fields=8).get("domain", [""])[-1].lower()
    entry = next((one for one in (*current.receive, *current.send) if one == asked), None)
    if asked and entry is None:
        raise Problem("it is on no list", asked, "ask for a list entry, as /report?domain=woodgrovebank.test")
    if entry is None and len(current.receive) + len(current.send) > _MOST_REPORTED:
        fix = "run domain-secure report --format html --out FILE, or ask for one domain, /report?domain=D"
        raise Problem("too many domains are listed for one page", "/report", fix)
    made = datetime.now().astimezone()
    since, until = whole_hours(made - _PERIOD, made, made)
    material = material_of(History(current.state), since, until, entry)
    report = report_of(material, since, until, made, host_name(current))
    report = replace(report, distrusted=current.trust.distrusted)
    return _REPORT_HEADERS, html_report(report).encode()


def _document(path: Path, query: str) -> tuple[Mapping[str, str], bytes]:
    del query
    try:
        content = path.read_bytes()
        return _TEXT, gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise Problem(f"cannot read it ({error})", str(path), "install the package again") from error

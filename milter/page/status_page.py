"""The status page: one document of HTML with its style and its script inside, and nothing from elsewhere.

Owns: the template, what a browser is allowed to do with it, and how often its sources are asked.
Must not know: how the documents come about; they are passed in.
Invariant: whatever a certificate, a HELO or a sender says is text: the template escapes by itself, and the
policy lets nothing run but the one script whose digest is named.
Sources: Content Security Policy Level 3; Jinja's autoescaping.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from domain_secure.policy.history.history import History, RecordQuery
from domain_secure.policy.templates.html_template import file_as_markup, rendered
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

from .cached import Cached
from .sparkline import Sparkline, sparkline
from .status_view import (
    Document,
    Moment,
    Partners,
    Query,
    State,
    fleet_nodes,
    moment,
    notices,
    own_endings,
    partners,
    verdict,
)

_FOLDER = Path(__file__).parent
_DOCUMENT_SECONDS = 5.0
_CHECK_SECONDS = 600.0
_BARS, _BAR = 28, timedelta(hours=6)
_RECORDS = 20
_MOST_FIELDS = 8
_SEVERITIES = {"error": State.FAILING, "warning": State.ATTENTION, "note": State.QUIET}


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened in one direction lately."""

    good: int
    bad: int
    line: Sparkline


@dataclass(frozen=True, slots=True)
class RecentRecord:
    """One message or session of the partner that the page is about."""

    when: Moment
    direction: str
    outcome: str
    detail: str
    queue_id: str


class StatusPage:
    """Renders the page from the status document and from what ``check`` finds."""

    def __init__(
        self, status: Callable[[], Document], check: Callable[[], Document], history: History
    ) -> None:
        self._status = Cached(status, _DOCUMENT_SECONDS)
        self._check = Cached(check, _CHECK_SECONDS)
        self._history = history

    def render(self, query_string: str) -> tuple[dict[str, str], bytes]:
        """Return headers and HTML; raises Problem where the status cannot be told at all."""
        status, check, now = self._status.fresh(), self._check.last(), datetime.now(UTC)
        if status.value is None or status.taken is None:
            raise Problem(str(status.problem), "the status page", "read the log of the daemon")
        query = _query(query_string)
        chosen = partners(status.value, query, now)
        activity, records, problem = self._past(chosen, now)
        document = {**status.value, "history_problem": problem or status.value["history_problem"]}
        told = notices(document, check.value)
        state, words = verdict(document, told, now)
        style, script, security = _inline()
        html = rendered(
            _FOLDER / "status_page.html",
            document=document,
            partners=chosen,
            notices=told,
            state=state,
            verdict=words,
            totals=_totals(document),
            endings=own_endings(document),
            fleet=fleet_nodes(document),
            activity=activity,
            records=records,
            check={
                "document": check.value,
                "problem": check.problem,
                "taken": moment(check.taken.isoformat(), now) if check.taken else None,
            },
            taken=moment(status.taken.isoformat(), now),
            severities=_SEVERITIES,
            page_query=lambda page: _page_query(query, page),
            style=style,
            script=script,
        )
        return {"Content-Security-Policy": security}, html.encode()

    def _past(
        self, chosen: Partners, now: datetime
    ) -> tuple[Mapping[tuple[str, str], Activity], tuple[RecentRecord, ...], str | None]:
        try:
            entries = tuple(Entry(row.domain) for row in chosen.rows)
            activity = self._activity((), now) | (self._activity(entries, now) if entries else {})
            records = self._records(entries[0], now) if chosen.query.domain and len(entries) == 1 else ()
        except Problem as problem:
            return {}, (), str(problem)
        return activity, records, None

    def _activity(self, entries: tuple[Entry, ...], now: datetime) -> dict[tuple[str, str], Activity]:
        first = datetime.fromtimestamp(
            (now.timestamp() // _BAR.total_seconds() - _BARS + 1) * _BAR.total_seconds(), UTC
        )
        bars: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
        for one in self._history.activity(first, now + _BAR, entries):
            good, bad = bars.setdefault((one.entry or "", str(one.direction)), ([0] * _BARS, [0] * _BARS))
            place = int((one.hour - first) / _BAR)
            (good if one.is_success else bad)[place] += one.count
        return {key: Activity(sum(good), sum(bad), sparkline(good, bad)) for key, (good, bad) in bars.items()}

    def _records(self, entry: Entry, now: datetime) -> tuple[RecentRecord, ...]:
        found = self._history.last_records(RecordQuery(entries=(entry,)), _RECORDS)
        return tuple(
            RecentRecord(
                moment(record.time.isoformat(), now),
                "received" if record.direction is Direction.RECEIVE else "sent",
                record.outcome,
                _detail(record.document, entry),
                record.queue_id,
            )
            for record in reversed(found)
        )


def _query(text: str) -> Query:
    try:
        return Query.parse(parse_qs(text, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return Query()


def _detail(document: Mapping[str, Any], entry: Entry) -> str:
    for finding in document.get("findings") or ():
        if finding.get("domain") == entry:
            return str(finding.get("detail") or "")
    return str(document.get("detail") or "")


def _totals(document: Document) -> dict[str, int]:
    totals: dict[str, int] = {}
    for one in document["domains"]:
        for title, number in one["counters"].items():
            totals[title] = totals.get(title, 0) + number
    return totals


def _page_query(query: Query, page: int) -> str:
    asked = {"domain": query.domain} if query.domain else {}
    return urlencode(asked | ({"show": "attention"} if query.attention else {}) | {"page": str(page)})


@lru_cache(maxsize=1)
def _inline() -> tuple[Any, Any, str]:
    """Return style and script as they stand in the page, and the policy that allows these two alone."""
    style, script = (file_as_markup(_FOLDER / f"status_page.{kind}") for kind in ("css", "js"))
    policy = (
        "default-src 'none'",
        f"style-src '{_digest(style)}'",
        f"script-src '{_digest(script)}'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return style, script, "; ".join(policy)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

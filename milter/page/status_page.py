"""The status page: one document of HTML with its style and its script inside, and nothing from elsewhere.

Owns: the template, what is asked of the history for it, what a browser is allowed to do with it, and how
often its sources are asked.
Must not know: how the documents come about; they are passed in.
Invariant: whatever a certificate, a HELO or a sender says is text: the template escapes by itself, and the
policy lets nothing run but the one script whose digest is named.
Sources: Content Security Policy Level 3; Jinja's autoescaping.
"""

import base64
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from domain_secure.policy.history.history import History, RecordQuery
from domain_secure.policy.history.outcomes import CategoryCount, Client, Outcomes
from domain_secure.policy.history.partner_report import RECEIVED, Category
from domain_secure.policy.templates.html_template import file_as_markup, rendered
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

from .activity import BAR, Number, Strip, activity, first_hour
from .cached import Cached
from .states import Moment, State, moment
from .status_view import (
    Document,
    Partners,
    Query,
    ending,
    fleet_nodes,
    notices,
    own_endings,
    partners,
    time_left,
    verdict,
)

_FOLDER = Path(__file__).parent
_DOCUMENT_SECONDS = 5.0
_CHECK_SECONDS = 600.0
_RECORDS = 20
_CLIENTS = 10
_MOST_FIELDS = 8
#: In these it is known what was negotiated.
_TOLD_TLS = frozenset({*RECEIVED, Category.SENT, Category.UNVERIFIED})
_CONNECTOR_STATES = {
    "on": State.GOOD,
    "off": State.QUIET,
    "partly": State.FAILING,
    "unknown": State.ATTENTION,
}
_SEVERITIES = {"error": State.FAILING, "warning": State.ATTENTION, "note": State.QUIET}


@dataclass(frozen=True, slots=True)
class RecentRecord:
    """One message or session of the partner that the page is about."""

    when: Moment
    direction: str
    outcome: str
    detail: str
    queue_id: str


@dataclass(frozen=True, slots=True)
class Server:
    """A server from which a partner's mail has passed."""

    address: str
    last: Moment
    passed: int


@dataclass(frozen=True, slots=True)
class Past:
    """What the history tells for a page."""

    activity: Mapping[tuple[str, str], tuple[Strip, ...]] = field(default_factory=dict)
    records: tuple[RecentRecord, ...] = ()
    servers: tuple[Server, ...] = ()
    tls: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  #: by direction and version
    problem: str | None = None

    @property
    def forgeries(self) -> Number | None:
        """Return how many forgeries in partners' names were refused lately."""
        numbers = (number for strip in self.activity.get(("", "receive"), ()) for number in strip.numbers)
        return next((one for one in numbers if one.kind.sign == "⊘"), None)


def _no_rule(entry: str) -> Document:
    del entry
    return {}


@dataclass(frozen=True, slots=True)
class Links:
    """Where a page leads besides itself."""

    report: bool = False  #: there is one at ``/report``
    documents: tuple[str, ...] = ()  #: names of what is at ``/docs/``
    changes: Callable[[], Collection[str]] = tuple  #: kinds of acts that are offered at ``/change``


class StatusPage:
    """Renders the page from the status document and from what ``check`` finds."""

    def __init__(
        self,
        status: Callable[[], Document],
        check: Callable[[], Document],
        history: History,
        rule: Callable[[str], Document] = _no_rule,
        links: Links = Links(),
    ) -> None:
        """Make one; *rule* tells a partner's rule and certificates by its list entry."""
        self._status = Cached(status, _DOCUMENT_SECONDS)
        self._check = Cached(check, _CHECK_SECONDS)
        self._history = history
        self._outcomes = Outcomes(history.path.parent)
        self._rule = rule
        self._links = links

    def render(self, query_string: str) -> tuple[dict[str, str], bytes]:
        """Return headers and HTML; raises Problem where the status cannot be told at all."""
        status, check, now = self._status.fresh(), self._check.last(), datetime.now(UTC)
        if status.value is None or status.taken is None:
            raise Problem(str(status.problem), "the status page", "read the log of the daemon")
        query = _query(query_string)
        chosen = partners(status.value, query, now)
        past = self._past(chosen, now)
        document = {**status.value, "history_problem": past.problem or status.value["history_problem"]}
        only = _only(chosen)
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
            past=past,
            only=only,
            rule=self._rule(only) if only else {},
            links=self._links,
            acts=self._links.changes(),
            change=lambda **fields: f"/change?{urlencode(fields)}",
            connector_states=_CONNECTOR_STATES,
            check={
                "document": check.value,
                "problem": check.problem,
                "taken": moment(check.taken.isoformat(), now) if check.taken else None,
            },
            taken=moment(status.taken.isoformat(), now),
            severities=_SEVERITIES,
            warned=lambda one: ending(one, "", "").state,
            time_left=time_left,
            moment=lambda iso: moment(iso, now),
            counters_note=_counters_note(document),
            page_query=lambda page: _page_query(query, page),
            style=style,
            script=script,
        )
        return {"Content-Security-Policy": security}, html.encode()

    def _past(self, chosen: Partners, now: datetime) -> Past:
        first = first_hour(now)
        entries = tuple(Entry(row.domain) for row in chosen.rows)
        try:
            counts = self._outcomes.counts(first, now + BAR)
            each = self._outcomes.counts(first, now + BAR, entries) if entries else ()
            found = activity(counts, first) | activity(each, first)
            if (only := _only(chosen)) is None:
                return Past(found)
            clients = self._outcomes.clients(Entry(only))
            return Past(found, self._records(Entry(only), now), _servers(clients, now), _versions(each))
        except Problem as problem:
            return Past(problem=str(problem))

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


def _only(chosen: Partners) -> str | None:
    """Return the one partner that the page is about, where it is about one."""
    is_asked = chosen.query.partner or chosen.query.domain
    return chosen.rows[0].domain if is_asked and len(chosen.rows) == 1 else None


def _servers(clients: Iterable[Client], now: datetime) -> tuple[Server, ...]:
    """Return each address once, the last seen first."""
    found: dict[str, list[Client]] = {}
    for one in clients:
        found.setdefault(one.address, []).append(one)
    return tuple(
        Server(address, moment(seen[0].last_seen.isoformat(), now), sum(one.passed for one in seen))
        for address, seen in list(found.items())[:_CLIENTS]
    )


def _versions(counts: Iterable[CategoryCount]) -> dict[str, dict[str, int]]:
    """Return with which TLS versions messages came and went; the latest version first."""
    found: dict[str, dict[str, int]] = {}
    for one in sorted(counts, key=lambda one: one.tls, reverse=True):
        if one.category not in _TOLD_TLS:
            continue
        versions = found.setdefault("receive" if one.category in RECEIVED else "send", {})
        version = one.tls or "in the clear"
        versions[version] = versions.get(version, 0) + one.count
    return found


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


def _counters_note(document: Document) -> str:
    since = document.get("counted_since")
    if not since:
        return "Received is counted since the daemon started, sent since it was first started."
    told = [f"{what} since {time[:16].replace('T', ' ')} UTC" for what, time in _since(since)]
    return f"Counted {', '.join(told)}." if told else "Nothing was counted yet."


def _since(since: Mapping[str, str | None]) -> Iterable[tuple[str, str]]:
    for direction, what in (("receive", "what was received"), ("send", "what was sent")):
        if time := since.get(direction):
            yield what, time


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

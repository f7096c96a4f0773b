"""What the status page shows: chosen, ordered and put into words, before any markup.

Owns: which partners are on the page, and what needs attention.
Must not know: HTML, sockets, where the status document comes from.
Invariant: worst first.  Every text may have been written by a stranger; whoever shows it escapes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain_secure.policy.bypass.words import in_words

from .states import State, counted
from .traffic import Traffic, received, sent

PAGE = 50  #: partners on one page

Document = Mapping[str, Any]


#: By the daemon's one rule, which ``check`` and ``status`` go by.
_WARNED = {"lasts": State.GOOD, "ends-soon": State.ATTENTION}


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends."""

    state: State
    role: str
    name: str
    when: str
    left: str


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """One partner on the page."""

    domain: str
    mode: str
    state: State
    receive: Traffic | None  #: None: not on that list
    send: Traffic | None
    certificate: Ending | None
    pending: int
    counters: Mapping[str, int]
    waiting: int | None = None  #: messages to them in the queue; None: not known


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that needs attention, and what to do."""

    state: State
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Query:
    """What the reader asked for."""

    domain: str = ""  #: part of a list entry
    attention: bool = False  #: only partners that need some
    page: int = 1
    partner: str = ""  #: one list entry, whole

    @classmethod
    def parse(cls, fields: Mapping[str, Sequence[str]]) -> "Query":
        """Return what the query of a URL asks for; what it does not understand is not asked."""
        number = fields.get("page", ("1",))[-1]
        return cls(
            domain=fields.get("domain", ("",))[-1].strip()[:255],
            partner=fields.get("partner", ("",))[-1].strip()[:255].lower(),
            attention=fields.get("show", ("",))[-1] == "attention",
            page=int(number) if number.isascii() and number.isdigit() and len(number) < 8 else 1,
        )


@dataclass(frozen=True, slots=True)
class Partners:
    """The partners on the page, and how they were chosen."""

    rows: tuple[PartnerRow, ...]
    query: Query
    total: int  #: that are listed
    matching: int  #: that the query asks for
    page: int
    pages: int


def partners(document: Document, query: Query, now: datetime) -> Partners:
    """Return one page of the partners that *query* asks for, the worst first."""
    rows = all_partners(document, now, query.partner or query.domain.lower())
    if query.partner:
        rows = [row for row in rows if row.domain == query.partner]
    if query.attention:
        rows = [row for row in rows if row.state in {State.FAILING, State.ATTENTION}]
    rows.sort(key=lambda row: row.state.rank)
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(query.page, 1), pages)
    shown = tuple(rows[(page - 1) * PAGE : page * PAGE])
    return Partners(shown, query, document["domains_listed"], len(rows), page, pages)


def all_partners(document: Document, now: datetime, wanted: str = "") -> list[PartnerRow]:
    """Return the partners with *wanted* in their names, as they are listed."""
    ends = {one["name"]: one for one in document["certificates"] if one["role"] == "partner"}
    pending: dict[str, int] = {}
    for one in document["pending"]:
        pending[one["domain"]] = pending.get(one["domain"], 0) + 1
    return [
        _row(one, ends.get(one["domain"]), pending.get(one["domain"], 0), now)
        for one in document["domains"]
        if wanted in one["domain"]
    ]


def notices(document: Document, check: Document | None) -> tuple[Notice, ...]:
    """Return all that needs attention, the worst first."""
    # What ``check`` finds has our own certificates and the revocation lists in it.
    found = [*_broken(document), *(() if check else _ending(document))]
    if count := len(document["pending"]):
        what = f"{count} unknown certificate{'s' * (count > 1)} came with mail of listed domains"
        found.append(Notice(State.ATTENTION, what, "compare with the partner, see “Pending” below"))
    for one in document.get("bypasses") or ():
        what = f"A bypass is in force. {one['domain']}: {in_words(one)}"
        found.append(
            Notice(State.ATTENTION, what, "it ends by itself; `partner bypass DOMAIN --end` ends it now")
        )
    for one in check["findings"] if check else ():
        # Those in force are told above, by the state of this very moment.
        if one["severity"] in {"error", "warning"} and one.get("word") != "bypass":
            state = State.FAILING if one["severity"] == "error" else State.ATTENTION
            found.append(Notice(state, one["what"], one["fix"]))
    return tuple(sorted(found, key=lambda notice: notice.state.rank))


def own_endings(document: Document) -> tuple[Ending, ...]:
    """Return our own certificates and the revocation lists, what ends first first."""
    own = [
        ending(one, one["role"], one["name"]) for one in document["certificates"] if one["role"] != "partner"
    ]
    lists = [_list_ending(one) for one in document["revocation_lists"]]
    return (*own, *lists)


def ending(document: Document, role: str, name: str) -> Ending:
    """Return a certificate with its time left."""
    state = _WARNED.get(document["expiry"], State.FAILING) if role != "unused" else State.QUIET
    return Ending(state, role, name, str(document["ends"])[:10], time_left(document["days_left"]))


def fleet_nodes(document: Document) -> tuple[Ending, ...]:
    """Return the nodes of the fleet: whether each enforces the newest policy, those that do not first."""
    fleet = document["fleet_status"] or {"nodes": ()}
    nodes = [
        Ending(
            State.GOOD if node["enforces_head"] else State.FAILING,
            str(node["why_not"] or ""),
            node["node"],
            f"{node['state']}, version {node['version'] or 'not known'}",
            "newest policy" if node["enforces_head"] else "behind",
        )
        for node in fleet["nodes"]
    ]
    return tuple(sorted(nodes, key=lambda node: node.state.rank))


def _list_ending(document: Document) -> Ending:
    # Lists live for days only, and are fetched anew in time; one that has ended was not.
    days = document["days_left"]
    state = State.ATTENTION if days < 0 else State.GOOD
    return Ending(state, "revocation list", document["issuer"], str(document["ends"])[:10], time_left(days))


def time_left(days: int) -> str:
    """Return the days that are left, in words."""
    if days < 0:
        return "has ended"
    return "ends today" if days == 0 else f"{days} day{'s' * (days > 1)} left"


def _row(document: Document, end: Document | None, pending: int, now: datetime) -> PartnerRow:
    latest = document["latest"]
    receive = send = None
    if document["receive"]:
        receive = received(latest["receive"], document["mode"], now)
    if document["send"]:
        send = sent(latest["send"], document["waiting"], now)
    certificate = ending(end, "partner", document["domain"]) if end else None
    states = [one.state for one in (receive, send) if one]
    if (
        certificate and certificate.state is not State.GOOD
    ):  # one that lasts makes no quiet partner a good one
        states.append(certificate.state)
    if pending:
        states.append(State.ATTENTION)
    state = min(states, key=lambda one: one.rank, default=State.QUIET)
    return PartnerRow(
        document["domain"],
        document["mode"],
        state,
        receive,
        send,
        certificate,
        pending,
        document["counters"],
        document["waiting"],
    )


def _broken(document: Document) -> Iterable[Notice]:
    daemon, configuration = document["daemon"], document["configuration"]
    if daemon["problem"]:
        yield Notice(State.FAILING, daemon["problem"], "read journalctl -u domain-secure")
    for name, reason in daemon.get("unwell", {}).items():
        if name in {"milter", "policy", "book", "history", "http"}:
            yield Notice(
                State.FAILING, f"A part of the daemon does not work, {name}: {reason}", "see its log"
            )
    if configuration["problem"]:
        what = f"The configuration on disk is not in force: {configuration['problem']}"
        yield Notice(State.FAILING, what, "the last good one goes on; mend the file")
    yield from _broken_sending(document)
    if (fleet := document.get("fleet_status")) and (problem := fleet["store_problem"]):
        yield Notice(State.ATTENTION, f"Fleet: {problem}", "domain-secure fleet status")
    for key, what in (("connectors_problem", "Postfix cannot be asked"), ("history_problem", "No history")):
        if document[key]:
            yield Notice(State.ATTENTION, f"{what}: {document[key]}", "domain-secure check")


def _broken_sending(document: Document) -> Iterable[Notice]:
    daemon = document["daemon"]
    if daemon.get("tables_problem"):
        what = f"Postfix's tables are not those of the send list: {daemon['tables_problem']}"
        yield Notice(State.FAILING, what, "domain-secure generate")
    if document.get("not_in_force"):
        what = f"The send list is not yet in force: {document['not_in_force']}"
        yield Notice(State.FAILING, what, "domain-secure generate")
    if (log := daemon.get("postfix_log")) and log["detail"]:
        what = f"No delivery is counted: Postfix's log: {log['detail']}"
        yield Notice(State.FAILING, what, "domain-secure check")


def _ending(document: Document) -> Iterable[Notice]:
    for one in document["certificates"]:
        found = ending(one, one["role"], one["name"])
        # A partner's is told in its row: there may be thousands.
        if one["role"] not in {"unused", "partner"} and found.state is not State.GOOD:
            what = f"Our certificate {found.name} ({found.role}): {found.left}"
            yield Notice(found.state, what, "domain-secure cert request --renew")
    for one in document["revocation_lists"]:
        found = _list_ending(one)
        if found.state is not State.GOOD:
            yield Notice(found.state, f"The revocation list of {found.name} {found.left}", "see the log")


def verdict(document: Document, told: Sequence[Notice], now: datetime) -> tuple[State, str]:
    """Return the whole in one state and one sentence."""
    troubled = partners(document, Query(attention=True), now)
    if told or troubled.matching:
        states = [*(notice.state for notice in told[:1]), *(row.state for row in troubled.rows[:1])]
        counts = [counted(len(told), "thing"), counted(troubled.matching, "partner")]
        needs = "needs" if len(told) + troubled.matching == 1 else "need"
        worst = min(states, key=lambda state: state.rank)
        return worst, f"{' and '.join(filter(None, counts))} {needs} attention"
    if not document["domains"]:
        return State.QUIET, "no domain is listed yet"
    return State.GOOD, "all is well"

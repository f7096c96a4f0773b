"""``domain-secure fleet status``: what every node enforces, on one screen."""

import argparse
from datetime import UTC, datetime
from typing import Any

from domain_secure.commands.terminal.common import fleet_store, print_json, print_table
from domain_secure.fleet.editing.fleet_store import FleetStore
from domain_secure.fleet.node.ahead import nodes_ahead
from domain_secure.fleet.node.enforcement import Enforcement
from domain_secure.fleet.node.reports import Node, Report, read_reports
from domain_secure.policy.revisions.lineage import Step, describe, step
from domain_secure.policy.terms.problems import ExitStatus, Problem

_WIDEST = 40  #: of a cell; --json has the whole


def run_status(arguments: argparse.Namespace) -> ExitStatus:
    """Print the fleet; 1 when a node enforces not the newest revision, 3 without an answer of the store."""
    document, status = fleet_document(fleet_store(arguments))
    if (
        document["store_problem"]
        or document["here"]["problem"]
        or any(not node["enforces_head"] for node in document["nodes"])
    ):
        status = status or ExitStatus.DIFFERENCE
    if arguments.json:
        print_json(document)
    else:
        _print(document)
    return status


def fleet_document(store: FleetStore) -> tuple[dict[str, Any], ExitStatus]:
    """Return what every node enforces, and whether the store answered; raises nothing."""
    document = _here(store)
    try:
        return document | _fleet(store), ExitStatus.DONE
    except Problem as problem:
        return document | {
            "store_problem": str(problem),
            "head": None,
            "nodes": [],
            "doubled": [],
        }, problem.status


def _here(store: FleetStore) -> dict[str, Any]:
    """Return what this machine holds, which needs no store."""
    held, contact = None, store.cache.contact()
    problem = contact.problem if contact else None
    try:
        held = store.cache.read()[0].revision
    except Problem as fault:
        problem = str(fault)
    age = round((datetime.now(UTC) - contact.at).total_seconds()) if contact else None
    return {
        "here": {
            "node": store.settings.node,
            "revision": held.number if held else None,
            "at": held.at.isoformat() if held else None,
            "store_last_answered_seconds_ago": age,
            "problem": problem,
        }
    }


def _fleet(store: FleetStore) -> dict[str, Any]:
    enforcement = Enforcement(store.repository)
    look = enforcement.look()
    head = store.repository.head().envelope
    problem = None
    fault = store.repository.head().fault
    if head is None:
        problem = str(fault) if fault else "the store holds no policy"
    else:
        held = store.cache.envelope()
        history = store.repository.history(held.revision.number) if held else ()
        known = store.cache.known()
        kind = step(head, held, history, store.demands(), known)
        if kind not in {Step.SAME, Step.FOLLOWS}:
            problem = describe(kind, head, held, known)
        elif (ahead := nodes_ahead(store.repository, store.demands())).nodes:
            problem = f"{'; '.join(map(str, ahead.nodes))}, which the store does not hold"
    return {
        "store_problem": problem,
        "head": head
        and {
            "revision": head.revision.number,
            "at": head.revision.at.isoformat(),
            "who": head.revision.who,
            "node": head.revision.node,
            "what": head.revision.what,
        },
        "nodes": [
            _node(node, report, look.late)
            for node in read_reports(store.repository).values()
            for report in node.reports or (None,)
        ],
        "doubled": look.doubled,
    }


def _node(node: Node, report: Report | None, late: dict[str, str]) -> dict[str, Any]:
    return {
        "node": node.name,
        "machine": report.machine if report else None,
        "instance": report.instance if report else None,
        "authserv_id": report.authserv_id if report else None,
        "state": node.state,
        "enforces_head": report is not None and node.name not in late,
        "why_not": late.get(node.name),
        "milter": report.milter if report else None,
        "maps": report.maps if report else None,
        "version": report.version if report else None,
        "certificate_days": report.certificate_days if report else None,
        "check": report.check if report else None,
        "reported_at": report.at.isoformat() if report else None,
        "overrides": {partner: dict(rule) for partner, rule in report.overrides.items()} if report else {},
    }


def _print(document: dict[str, Any]) -> None:
    here, head = document["here"], document["head"]
    if head:
        made = f"{head['at']}, by {head['who']} on {head['node']}: {head['what']}"
        print(f"store      revision {head['revision']}, {made}")
    if document["store_problem"]:
        print(f"store      {document['store_problem']}")
    age = here["store_last_answered_seconds_ago"]
    heard = "no daemon here has heard of the store" if age is None else f"heard of the store {_span(age)} ago"
    held = (
        f"revision {here['revision']} of {here['at']}" if here["revision"] else "no revision that can be used"
    )
    print(f"this node  {here['node']} holds {held}; {heard}")
    if here["problem"]:
        print(f"           NOT the newest: {here['problem']}")
    if not document["nodes"]:
        return
    print()
    headers = ("node", "state", "milter", "maps", "newest", "version", "certificate", "check", "own rules")
    print_table(headers, [_row(node) for node in document["nodes"]])
    for name, why in {node["node"]: node["why_not"] for node in document["nodes"]}.items():
        if why:
            print(f"{name}: {why}")
    for clause in document["doubled"]:
        print(f"{clause}: give each a store.node of its own")
    names = sorted({node["authserv_id"] for node in document["nodes"] if node["authserv_id"]})
    if names:
        print(f"results are written under {', '.join(names)}")


def _row(node: dict[str, Any]) -> tuple[object, ...]:
    days = node["certificate_days"]
    rules = (
        f"{partner} {key}={value}"
        for partner, rule in node["overrides"].items()
        for key, value in rule.items()
    )
    return (
        node["node"],
        node["state"],
        _known(node["milter"]),
        _known(node["maps"]),
        "yes" if node["enforces_head"] else "NO",
        _known(node["version"]),
        "-" if days is None else f"{days} days",
        _short(node["check"]),
        ", ".join(rules) or "-",
    )


def _short(text: str | None) -> str:
    if text is None:
        return "-"
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _known(value: object) -> object:
    return "-" if value is None else value


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"

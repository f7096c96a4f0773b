"""``domain-secure status --fleet``: the three counters of all edges, from what each of them reports."""

import argparse
from typing import Any

from domain_secure.commands.terminal.common import fleet_store, note, print_json, print_table
from domain_secure.commands.terminal.counter_names import counts
from domain_secure.commands.terminal.counters import COUNTERS
from domain_secure.fleet.node.reports import read_reports, summed
from domain_secure.policy.terms.problems import ExitStatus

_SHOWN = 50


def run_counters(arguments: argparse.Namespace) -> ExitStatus:
    """Print the sums by list entry and by node; 1 when a node of the fleet is missing in them."""
    nodes = read_reports(fleet_store(arguments).repository)
    total = summed(nodes)
    missing = [name for name, node in nodes.items() if node.live is None]
    entries = sorted({entry for row in total.values() for entry in row} - {"*"})
    document: dict[str, Any] = {
        "domains": [{"domain": entry, "counters": _row(total, entry)} for entry in entries],
        "others": _row(total, "*"),
        "nodes": [
            {"node": name, "counters": {title: _sum(report.counters.get(title, {})) for title in COUNTERS}}
            for name, node in nodes.items()
            for report in node.reports
        ],
        "total": {title: _sum(total.get(title, {})) for title in COUNTERS},
        "missing_nodes": missing,
    }
    if arguments.json:
        print_json(_with_counts(document))
    else:
        _print(document)
    return ExitStatus.DIFFERENCE if missing else ExitStatus.DONE


def _with_counts(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with each counter by its word as well."""
    return document | {
        "domains": [one | {"counts": counts(one["counters"])} for one in document["domains"]],
        "nodes": [one | {"counts": counts(one["counters"])} for one in document["nodes"]],
        "others_counts": counts(document["others"]),
        "total_counts": counts(document["total"]),
    }


def _row(total: dict[str, dict[str, int]], entry: str) -> dict[str, int]:
    return {title: total.get(title, {}).get(entry, 0) for title in COUNTERS}


def _sum(counts: Any) -> int:
    return sum(counts.values())


def _print(document: dict[str, Any]) -> None:
    rows = [(one["domain"], *one["counters"].values()) for one in document["domains"]]
    if any(document["others"].values()):
        rows.append(("others", *document["others"].values()))
    if rows:
        print_table(("domain", *COUNTERS), rows[:_SHOWN])
        if len(rows) > _SHOWN:
            print(f"and {len(rows) - _SHOWN} more: --json has them all")
        print()
    nodes = [(one["node"], *one["counters"].values()) for one in document["nodes"]]
    print_table(("node", *COUNTERS), [*nodes, ("all", *document["total"].values())])
    for name in document["missing_nodes"]:
        note(f"{name} is silent: what it counted is not in these sums")

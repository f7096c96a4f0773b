"""``domain-secure status DOMAIN``: how it stands with one partner, in both directions.

Owns: the words.  What is so is asked by ``status_document``.
"""

import argparse
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from domain_secure.commands.terminal.common import configuration_of, configuration_path, print_json
from domain_secure.commands.terminal.fitting import fitted
from domain_secure.commands.terminal.listed import covering, not_listed, quoted
from domain_secure.policy.bypass.words import in_words
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.settings import PARTNER
from domain_secure.policy.editing.editing import parse_entries
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import ExitStatus

from .status_document import status_document

_WIDTH = 16
_DIRECTIONS = {
    "receive": (("success", "last received"), ("failure", "last refused")),
    "send": (("success", "last sent"), ("failure", "last failed")),
}


def run_partner(arguments: argparse.Namespace) -> ExitStatus:
    """Print how it stands with the partner that was named; raises Problem where that is on no list.

    3 when the daemon does not answer.
    """
    configuration = configuration_of(arguments)
    (entry,) = parse_entries([arguments.domain])
    listed = {
        "receive": covering(configuration.receive, entry),
        "send": covering(configuration.send, entry),
    }
    if not any(listed.values()):
        raise not_listed(configuration, entry, f"status {arguments.domain}")
    document = status_document(configuration_path(arguments))
    rows = {one["domain"]: one for one in document["domains"] if one["domain"] in listed.values()}
    if arguments.json:
        print_json(document | {"domains": list(rows.values()), "domains_listed": len(rows)})
    else:
        with fitted(_WIDTH):
            print(f"{'domain':<{_WIDTH}}{entry}")
            for label, text in _lines(configuration, document, rows, listed):
                print(f"{label:<{_WIDTH}}{text}")
    return ExitStatus.NO_ANSWER if document["daemon"]["problem"] else ExitStatus.DONE


def _lines(
    configuration: Configuration,
    document: Mapping[str, Any],
    rows: Mapping[str, Mapping[str, Any]],
    listed: Mapping[str, Entry | None],
) -> Iterator[tuple[str, str]]:
    daemon = document["daemon"]
    yield "daemon", daemon["problem"] or f"{daemon['version']}, pid {daemon['pid']}"
    if document["bypasses_problem"]:
        yield "bypasses", f"not known: {document['bypasses_problem']}"
    for one in document["bypasses"] or ():
        if one["domain"] in rows:
            yield "BYPASS", in_words(one)
    for direction, found in listed.items():
        if found is None:
            yield direction, "not on this list"
            continue
        partner, row = configuration.partner(found), rows[found]
        rule = f'{PARTNER}."{partner.entry}"' if partner.entry in configuration.partners else "defaults"
        demand = (
            f"mode {partner.mode}, proved by {', '.join(partner.methods)}"
            if direction == "receive"
            else f"verified by {partner.send_method}"
        )
        yield direction, f"as {found}: {demand}; rule: {rule}"
        for outcome, label in _DIRECTIONS[direction]:
            yield label, _told(row["latest"][direction][outcome])
        if direction == "send":
            yield "held", "not known" if row["waiting"] is None else str(row["waiting"])
            yield "asks for ours", row["asks_for_our_certificate"]
    if daemon["problem"]:
        yield "counted", "not known: the daemon does not answer"
    else:
        for title, number in _counters(rows).items():
            yield "counted", f"{number} {title}"
    yield from _certificates(document, rows)


def _told(latest: Mapping[str, str] | None) -> str:
    if latest is None:
        return "never, as far as is known"
    when = datetime.fromisoformat(latest["time"]).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    return f"{when}, {latest['outcome']}" + (f": {latest['detail']}" if latest["detail"] else "")


def _counters(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows.values():
        for title, number in row["counters"].items():
            found[title] = found.get(title, 0) + number
    return found


def _certificates(
    document: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    if document["pending_problem"]:
        yield "pending", f"not known: {document['pending_problem']}"
    pending = [one for one in document["pending"] if one["domain"] in rows]
    if pending:
        yield "pending", f"{len(pending)} unknown certificates, see `domain-secure pending`"
    for domain in rows:
        yield "certificates", f"see `domain-secure partner cert list {quoted(Entry(domain))}`"

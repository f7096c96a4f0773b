"""``domain-secure log show --for-partner``: what a partner's administrator may be handed.

What is told of a record is ``policy/record/partner_facts``'s.
"""

import argparse
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from domain_secure.commands.terminal.common import print_json
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.history.history import Record
from domain_secure.policy.history.outcomes import Outcomes
from domain_secure.policy.record.partner_facts import SESSION, facts_for_partner
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.problems import Problem

from .record_text import EFFECTS, printable

_INDENT = " " * 4


def refuse_what_does_not_go_together(arguments: argparse.Namespace) -> None:
    """Raise the Problem of options that ask for more than one partner's finished account."""
    for option, is_given in (
        ("--domain", arguments.domain is not None),
        ("--follow", arguments.follow),
        ("--verdict", bool(arguments.verdict)),
    ):
        if is_given:
            raise Problem(
                f"{option} does not go together with --for-partner",
                "log show --for-partner",
                "leave one of them out",
            )


def show_for_partner(
    records: Iterable[Record],
    domain: str,
    arguments: argparse.Namespace,
    configuration: Configuration,
    last: int | None,
) -> bool:
    """Print what the partner may be told of *records*, which name him; returns whether there was any.

    *last*: how many that are told at most, the newest; None: all.
    """
    # Who has a reference was the client of that message, or has it from whoever was.
    is_named = arguments.queue_id is not None
    servers = frozenset(
        one.address
        for one in Outcomes(configuration.state).clients()
        if one.entry in _entries(domain, configuration)
    )
    told: deque[dict[str, Any]] = deque(maxlen=last)
    left_out = 0
    for record in records:
        facts = facts_for_partner(record.kind, record.document, domain, servers, named=is_named)
        if facts is None:
            left_out += 1
        else:
            told.append(facts)
    if arguments.json:
        print_json({"partner": domain, "records": list(told), "not_told": left_out})
    else:
        for line in _lines(domain, told, left_out):
            print(line)
    return bool(told or left_out)


def _entries(domain: str, configuration: Configuration) -> set[str]:
    listed = None if domain.startswith("*.") else configuration.receive.match(Domain(domain))
    return {domain, *([listed] if listed else [])}


def _lines(domain: str, told: Collection[dict[str, Any]], left_out: int) -> Iterator[str]:
    yield f"What {domain} may be told of its own mail; times are UTC."
    for facts in told:
        yield ""
        yield from _session_lines(facts) if facts["kind"] == SESSION else _delivery_lines(facts)
    if not told:
        yield "nothing is recorded that is surely of its own servers"
    if left_out:
        yield ""
        yield (
            f"{left_out} more that named {domain}, from elsewhere as far as can be told; with a reference, "
            "--queue-id tells of one"
        )


def _session_lines(facts: dict[str, Any]) -> Iterator[str]:
    client = facts["client"]
    place = f"[{client['address']}]:{client['port']}" if client else "an address that is not known as theirs"
    effect = EFFECTS.get(facts["effect"], facts["effect"])
    yield printable(f"{_moment(facts)}  from {place}: {effect}  [ref {facts['reference']}]")
    shown = ", ".join(filter(None, (facts["tls"] or "in the clear", facts["cipher"])))
    yield printable(f"{_INDENT}session      {shown}")
    yield printable(f"{_INDENT}certificate  {facts['certificate'] or 'none, or not seen'}")
    if facts["public_key"]:
        yield printable(f"{_INDENT}public key   {facts['public_key']}")
    for claim in facts["claims"]:
        how = f" by {claim['method']}" if claim["method"] else ""
        observed = " (observed only)" if claim["mode"] == "observe" and claim["verdict"] != "pass" else ""
        yield printable(
            f"{_INDENT}{claim['verdict']}{how}{observed}: {claim['claimed']} in {claim['claimed_in']}: "
            f"{claim['detail']}"
        )
    if facts["reply"]:
        yield printable(f"{_INDENT}reply        {facts['reply']}")


def _delivery_lines(facts: dict[str, Any]) -> Iterator[str]:
    server = facts["server"] or "a server that has not proved itself"
    yield printable(f"{_moment(facts)}  to {server}: {facts['outcome']}  [our queue id {facts['reference']}]")
    if facts["tls"]:
        proof = "both sides proved" if facts["mutual"] else "the server proved" if facts["verified"] else ""
        yield printable(f"{_INDENT}session      {', '.join(filter(None, (facts['tls'], proof)))}")
    if facts["detail"]:
        yield printable(f"{_INDENT}{facts['detail']}")


def _moment(facts: dict[str, Any]) -> str:
    moment = datetime.fromisoformat(facts["time"]).astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S")

"""What an act of the page starts from, as both sides look at it: the daemon shows it, and root does it.

Owns: which facts count.  Nothing that only root may read is among them, or the two would differ.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from domain_secure.commands.command_line import CommandParser, build_parser, declare
from domain_secure.commands.main import COMMANDS
from domain_secure.commands.partner.pending_document import pending_document
from domain_secure.milter.changes.acts import WORDS, Act, Kind
from domain_secure.milter.changes.page_changes import State
from domain_secure.policy.bypass.bypass_file import BypassFile, document_of
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.findings.connectors import connectors_of
from domain_secure.postfix.instance.programs import PostfixInstance


@cache
def offered() -> tuple[Kind, ...]:
    """Return the acts for which this release has a command."""
    return tuple(kind for kind, words in WORDS.items() if _has_command(words))


def _has_command(words: tuple[str, ...]) -> bool:
    name, *rest = words
    if name not in COMMANDS:
        return False
    parser: CommandParser = build_parser(COMMANDS).below[name]
    declare(COMMANDS[name], parser, name)
    for word in rest:
        if word not in parser.below:
            return False
        parser = parser.below[word]
    return True


def state_of(configuration: Configuration, act: Act) -> State:
    """Return what an act starts from; raises Problem where there is nothing that it could be about."""
    if act.kind is Kind.CONNECTOR:
        words, facts = _connector(configuration, act)
    else:
        words, facts = _partner(configuration, act)
    # Another configuration may have a connector or a partner of the same name.
    place = os.path.realpath(configuration.path)
    text = json.dumps([place, act.fields, facts], sort_keys=True, default=str)
    return State(words, hashlib.sha256(text.encode()).hexdigest())


def _connector(configuration: Configuration, act: Act) -> tuple[str, Mapping[str, Any]]:
    instance = PostfixInstance(configuration.config_directory)
    found = {one.name: one for one in connectors_of(configuration, instance)}
    if act.subject not in found:
        raise Problem("there is no such connector", act.subject, "look at the status page again")
    connector = found[act.subject]
    detail = f": {connector.detail}" if connector.detail else ""
    return f"{connector.name} is {connector.state}{detail}", asdict(connector) | {"certificate": None}


def _partner(configuration: Configuration, act: Act) -> tuple[str, Mapping[str, Any]]:
    entry = Entry(act.subject)
    if entry not in configuration.receive and entry not in configuration.send:
        raise Problem("it is on no list", act.subject, "look at the status page again")
    rule = configuration.partner(entry)
    facts: dict[str, Any] = {"mode": rule.mode, "pins": sorted(map(str, rule.pins)), "methods": rule.methods}
    words = f"{entry} is in mode {rule.mode}, with {len(rule.pins)} pins"
    if act.kind is Kind.BYPASS:
        present = [one for one in BypassFile(configuration.state).in_force() if one.entry == entry]
        facts |= {"bypasses": [document_of(one) for one in present]}
        words += "".join(f"; it is bypassed until {one.end:%Y-%m-%d %H:%M} UTC" for one in present)
    if act.kind is Kind.PIN:
        waiting = [
            one
            for one in pending_document(configuration)
            if one["domain"] == entry and act.value in {one["sha256"], one["spki_sha256"]}
        ]
        if not waiting:
            raise Problem(
                "no certificate with this digest waits for anybody", f"{entry}: {act.value}", "look again"
            )
        words += (
            f"; the certificate came {sum(one['count'] for one in waiting)} times from {waiting[0]['client']}"
        )
        facts |= {"certificates": sorted({one["sha256"] for one in waiting})}
    return words, facts

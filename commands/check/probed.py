"""Look at one partner's servers before the examination, so that it judges what they show now."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from domain_secure.commands.probe.command import keep, look_at
from domain_secure.milter.knowledge.live_configuration import read_live
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.findings.findings import Finding


def probed_at(path: Path, configuration: Configuration, only: Domain, now: datetime) -> Iterator[Finding]:
    """Probe the servers of a listed domain, keep what they show, and yield what could not be looked at.

    What is kept has been seen at *now*.
    """
    what = f"what the servers of {only} show now"
    again = f"run domain-secure probe {only}"
    if not configuration.inbound.probe:
        yield Finding.not_looked_at(what, f"{configuration.path}: [inbound] probe = false", again)
        return
    lists = (configuration.receive, configuration.send)
    entries = tuple(dict.fromkeys(entry for entry in (one.match(only) for one in lists) if entry is not None))
    try:
        live = read_live(load, path)
        found = look_at(live, entries, now)
        keep(found, live, now)
    except Problem as problem:
        yield Finding.not_looked_at(what, f"{problem.where}: {problem.what}", problem.fix)
        return
    for one in found:
        if one.probed.takes_no_mail or any(server.result.chain for server in one.probed.servers):
            continue
        failures = [server.result.failure for server in one.probed.servers if server.result.failure]
        why = next(iter((*failures, *one.probed.failures)), "there is no server to ask")
        yield Finding.not_looked_at(what, why, again)

"""The doctor's question whether what is in place is what Postfix goes by.

Must not know: what is in place.
"""

import os
from collections.abc import Iterator

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.attach.routes_record import path_of
from domain_secure.postfix.attach.unforgotten import FIX, Unforgotten, unforgotten
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.running import processes
from domain_secure.postfix.log.unavailable_tables import still_without
from domain_secure.postfix.tables.tables import named_types


def check_in_force(configuration: Configuration, instance: PostfixInstance) -> Iterator[Finding]:
    """Find former routes that Postfix may still go by, and processes that go on without tables of ours."""
    found = unforgotten(configuration, instance)
    if found is None or found.tables_were_away:
        yield from _check_tables(configuration, instance, found)
        return
    if found.is_certain:
        yield Finding.error(
            "not-in-force",
            "mail may still go by former routes, past the send list as it is now",
            found.detail,
            FIX,
        )
    else:
        place = f"{path_of(configuration)}: {found.detail}"
        yield Finding.not_looked_at("whether Postfix has forgotten former routes", place, FIX)


def _check_tables(
    configuration: Configuration, instance: PostfixInstance, noted: Unforgotten | None
) -> Iterator[Finding]:
    """Find processes that started while tables were away: by what is noted, else by what they say."""
    what = "whether Postfix goes on without tables that are there again"
    if noted is not None and not noted.is_certain:
        yield Finding.not_looked_at(what, noted.detail, FIX)
        return
    detail = noted.detail if noted is not None else _told(configuration, instance)
    if detail:
        yield Finding.error(
            "tables-unavailable",
            "mail may wait, as a process of Postfix's goes on without tables that were away",
            detail,
            FIX,
        )


def _told(configuration: Configuration, instance: PostfixInstance) -> str | None:
    """Return who says in Postfix's log that it has no table of ours, and runs; None where nobody does."""
    # Who is not root is told of processes as something that was not looked at, where anything is noted.
    if os.geteuid() != 0 or not named_types(instance, configuration.state):
        return None
    without = still_without(configuration, instance, processes(instance))
    named = ", ".join(f"{process.program}[{process.pid}]" for process in without)
    return f"Postfix's log: {named} could not open a table of ours, and runs on" if named else None

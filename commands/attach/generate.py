"""``domain-secure generate``: bring Postfix's lookup tables up to date, or show what that would change."""

import argparse
import os
from collections.abc import Iterator
from typing import Any

from domain_secure.commands.in_force.in_force import forget_former, is_attached
from domain_secure.commands.terminal.common import (
    ALREADY_SO,
    add_to_document,
    already_so,
    configuration_of,
    note,
)
from domain_secure.commands.terminal.documents import answer
from domain_secure.commands.terminal.progress import progress
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.problems import ExitStatus
from domain_secure.postfix.instance.listings import remembering
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.differences import differences
from domain_secure.postfix.tables.publication import Job, Publication
from domain_secure.postfix.tables.publish import publish
from domain_secure.postfix.tables.tables import PATTERN_TYPE, Table, table_name

from .held_lists import keep_in_force, refuse_vanished

_LINES = {
    Table.TLS_POLICY: "TLS policies",
    Table.TRANSPORT: "routes",
    Table.RECIPIENT_TRANSPORT: "lines of routes by address",
    Table.RECIPIENT_SPELLING: "lines about other spellings",
}


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``generate``."""
    del command
    parser.add_argument(
        "--check", action="store_true", help="write nothing, print the difference, exit 1 if there is one"
    )
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="write the tables alone, and let Postfix forget what they said before in its own time",
    )
    parser.set_defaults(run=generate)


@remembering()
def generate(arguments: argparse.Namespace) -> ExitStatus:
    """Write what differs from the lists, or with ``--check`` print it."""
    configuration = configuration_of(arguments)
    instance = PostfixInstance(configuration.config_directory)
    refuse_vanished(configuration)
    if arguments.check:
        return _check(Job.of(configuration, instance))
    with progress() as report:
        publication = publish(configuration, instance, report, newest=lambda: load(configuration.path))
    keep_in_force(configuration)
    add_to_document(_document(publication))
    for line in _result(publication):
        print(line)
    if configuration.send and not is_named(configuration, instance, publication.map_type):
        note(
            f"Postfix does not use the tables yet: {configuration.config_directory}/main.cf: "
            "run domain-secure attach"
        )
        return ExitStatus.DONE
    return ExitStatus.DONE if arguments.no_wait else _forgotten(configuration, instance)


def _forgotten(configuration: Configuration, instance: PostfixInstance) -> ExitStatus:
    """Let a running Postfix go by the tables from now on."""
    if not is_attached(configuration, instance):
        return ExitStatus.DONE
    if os.geteuid() != 0:
        note("Postfix may go by former routes for a while: only root can reload it")
        return ExitStatus.DONE
    reloaded = forget_former(configuration, instance, reads_log=True)
    add_to_document({"reloaded": reloaded})
    if reloaded:
        print("Postfix was reloaded and goes by the tables")
    return ExitStatus.DONE


def is_named(configuration: Configuration, instance: PostfixInstance, map_type: str) -> bool:
    """Tell whether main.cf names the TLS policy table."""
    name = table_name(map_type, configuration.state, Table.TLS_POLICY)
    return name in split_elements(instance.parameter("smtp_tls_policy_maps"))


def _document(publication: Publication) -> dict[str, Any]:
    return {
        "tables": [
            {
                "table": one.table,
                "path": str(one.path),
                "type": _type(publication, one.table),
                "lines": one.lines,
                "changed": one.changed,
            }
            for one in publication.tables
        ]
    }


def _result(publication: Publication) -> Iterator[str]:
    for entry in publication.tables:
        if entry.changed:
            kind = _type(publication, entry.table)
            yield f"wrote {entry.path} ({kind}): {entry.lines} {_LINES[entry.table]}"
    if not publication.changed:
        counts = ", ".join(
            f"{entry.lines} {_LINES[entry.table]}" for entry in publication.tables if entry.lines
        )
        yield f"{ALREADY_SO}: nothing to do, the tables are up to date: {counts or 'nothing is listed'}"


def _type(publication: Publication, table: Table) -> str:
    return PATTERN_TYPE if table.is_of_patterns else publication.map_type


def _check(job: Job) -> ExitStatus:
    found = differences(job)
    differing = []
    for difference in found:
        lines = list(difference.diff) if answer() else []
        for line in lines or difference.diff:
            print(line)
        differing.append({"table": difference.table, "path": str(difference.path), "diff": lines})
    add_to_document({"differences": differing})
    for difference in found:
        note(f"the table {difference.what}: {difference.path}: run domain-secure generate")
    if found:
        return ExitStatus.DIFFERENCE
    already_so(f"up to date: {job.directory}")
    return ExitStatus.DONE

"""Bring a change of the send list or of a partner's rule in force, and say so only then.

Owns: the order of the steps, and what is said at the end.
Must not know: how the change was made.

The daemon must have read the files first: one that has not could put former tables in place once more.
Then the tables, then Postfix's memory, then deliveries that had begun, and at last the question to Postfix.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from domain_secure.commands.terminal.common import add_to_document, note
from domain_secure.commands.terminal.progress import progress
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.files import atomic_file
from domain_secure.policy.terms.domain import Entry, InvalidDomainError, entry_base, parse_domain
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import ExitStatus, NoPermission, Problem
from domain_secure.postfix.attach import routes_record
from domain_secure.postfix.attach.routes_record import request_path
from domain_secure.postfix.findings.findings import Severity
from domain_secure.postfix.findings.service_facts import facts_of
from domain_secure.postfix.instance.listings import remembering
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.sending_checks.routing_checks import SUBDOMAIN, check_routing
from domain_secure.postfix.tables.forgetting import (
    DELIVERY_SECONDS,
    InPlace,
    await_deliveries,
    forget,
)
from domain_secure.postfix.tables.publish import publish
from domain_secure.postfix.tables.routing import Router
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE, named_types

from .daemon_step import await_daemon, not_yet
from .missed_tables import MissedTables

_NAMED = 5  #: entries and messages named in a line
_ASKED = 5_000  #: entries that Postfix is asked about after a change; of more, so many


@remembering()
def bring_in_force(path: Path, entries: Collection[Entry]) -> ExitStatus:
    """Return DONE once the configuration at *path* is in force for mail to *entries*, and say so.

    *entries* are those that were added, removed, or whose rule was changed.  Raises Problem, which says "not
    yet in force, because …", with the status DIFFERENCE.
    """
    add_to_document({"in_force": False})
    with not_yet():
        configuration = load(path)
        if not configuration.outbound_tables:
            note("nothing is sent by this: [outbound] tables = false")
            return ExitStatus.DONE
        instance = PostfixInstance(configuration.config_directory)
        if not is_attached(configuration, instance):
            note(
                "it has no effect on mail yet: Postfix is not attached for sending; run domain-secure attach"
            )
            return ExitStatus.DONE
        await_daemon(configuration)
        print(_settle(configuration, instance, entries))
        add_to_document({"in_force": True})
    return ExitStatus.DONE


def is_attached(configuration: Configuration, instance: PostfixInstance) -> bool:
    """Tell whether Postfix's settings name our tables; without any table nothing is asked."""
    if not (configuration.state / "maps").exists():
        return False
    return bool(named_types(instance, configuration.state))


def _settle(former: Configuration, instance: PostfixInstance, entries: Collection[Entry]) -> str:
    """Publish, let Postfix forget, wait, ask; return what to say.  Raises Problem."""
    if os.geteuid() != 0:
        raise NoPermission("only root can let Postfix forget former routes", "postfix reload")
    with progress() as report:
        publish(former, instance, report, newest=lambda: load(former.path))
    configuration = load(former.path)
    reloaded = forget_former(configuration, instance)
    _await(configuration, instance, entries)
    _ask(configuration, instance, entries)
    return "in force" + (": Postfix was reloaded and goes by it" if reloaded else "")


def forget_former(
    configuration: Configuration, instance: PostfixInstance, *, reads_log: bool = False
) -> bool:
    """Let a running Postfix forget former routes, and record that it has; returns whether it was reloaded.

    It is reloaded as well where one of its processes goes on without tables that were away, by what is noted
    and, if *reads_log*, by what the process itself says in Postfix's log.
    One at a time, and not while attach replaces the files: of several who wait, one reload is enough.
    """
    with atomic_file.writer_lock(instance.config_directory):
        # Before it is looked at: who asks from now on asks for another look.
        with suppress(OSError):
            request_path(configuration).unlink()
        in_place = InPlace.of(configuration)
        if in_place is None:
            return False
        known = routes_record.signature(configuration)
        missed = MissedTables(configuration, instance, reads_log=reads_log)
        reloaded = forget(instance, in_place, missed.by)
        missed.settle()
        routes_record.write(configuration, known)
    return reloaded


def _await(configuration: Configuration, instance: PostfixInstance, entries: Collection[Entry]) -> None:
    in_place = InPlace.of(configuration)
    if in_place is None or not entries:
        return
    listed = DomainList(entries)
    left = await_deliveries(instance, in_place, lambda address: _is_under(address, listed))
    if left:
        named = ", ".join(sorted({one.queue_id for one in left})[:_NAMED])
        raise Problem(
            f"a delivery that began before has not ended within {DELIVERY_SECONDS:g} s",
            f"{named}: {next(iter(left)).process.program}[{next(iter(left)).process.pid}]",
            "run this again, or end that process; every other message goes by the change already",
            ExitStatus.DIFFERENCE,
        )


def _is_under(address: str, listed: DomainList) -> bool:
    try:
        return listed.match(parse_domain(address.rpartition("@")[2])) is not None
    except InvalidDomainError:
        return False


def _ask(configuration: Configuration, instance: PostfixInstance, entries: Collection[Entry]) -> None:
    """Raise Problem unless Postfix's own look-ups lead where the configuration says."""
    asked = list(islice(entries, _ASKED))
    listed = DomainList(entry for entry in asked if entry in configuration.send)
    for finding in check_routing(replace(configuration, send=listed), instance, facts_of(instance)):
        if finding.severity is Severity.ERROR:
            raise Problem(finding.what, finding.proof, finding.fix, ExitStatus.DIFFERENCE)
    gone = dict(_gone(configuration, asked))
    for name, route in Router.of(instance).routes(gone).items():
        if route.transport == TRANSPORT_SERVICE:
            raise Problem(
                f"mail for {gone[name]} still goes by {TRANSPORT_SERVICE}",
                route.proof,
                "take that entry out, if it is not to",
                ExitStatus.DIFFERENCE,
            )


def _gone(configuration: Configuration, entries: Collection[Entry]) -> Iterator[tuple[str, Entry]]:
    for entry in entries:
        base = entry_base(entry)
        name = f"{SUBDOMAIN}.{base}" if entry.startswith("*.") else base
        if configuration.send.match(parse_domain(name)) is None:
            yield name, entry

"""``domain-secure receive`` and ``domain-secure send``: the two lists."""

import argparse
from collections.abc import Callable, Iterable

from domain_secure.commands.fleet.fleet_wait import add_no_wait, add_wait
from domain_secure.commands.in_force.receiving import in_force
from domain_secure.commands.terminal.common import (
    add_to_document,
    already_so,
    configuration_of,
    note,
    policy_store,
    print_json,
)
from domain_secure.commands.terminal.listed import meant
from domain_secure.policy.editing.editing import (
    ListChange,
    ListName,
    add,
    confirm,
    remove,
    set_entries,
)
from domain_secure.policy.editing.policy_store import PolicyStore
from domain_secure.policy.terms.problems import ExitStatus, Problem

Run = Callable[[argparse.Namespace], ExitStatus]


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``receive`` or ``send``."""
    list_name = ListName(command)
    actions = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    changes: tuple[tuple[str, Run, str], ...] = (
        ("add", run_add, "put domains on the list"),
        ("remove", run_remove, "take domains off the list"),
        ("set", run_set, "make the list hold these domains and no other"),
    )
    for name, run, text in changes:
        action = actions.add_parser(name, help=text)
        action.add_argument(
            "domains",
            nargs="*" if name == "set" else "+",
            metavar="DOMAIN",
            help="a domain, or '*.DOMAIN' for all its subdomains",
        )
        add_wait(action)
        add_no_wait(action)
        action.set_defaults(run=run, list_name=list_name)
        if name == "set":
            action.add_argument(
                "--none", action="store_true", help="make the list empty: the only way to an empty list"
            )
            action.add_argument(
                "--shown",
                type=int,
                metavar="REVISION",
                help="in a fleet: refuse unless the list is still as it was in this revision",
            )
    confirming = actions.add_parser(
        "confirm", help="let the list be as its files have it now, though many entries are gone from them"
    )
    confirming.set_defaults(run=run_confirm, list_name=list_name, wait=None)
    listing = actions.add_parser("list", help="print the list, one domain a line")
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    listing.set_defaults(run=run_list, list_name=list_name)


def run_add(arguments: argparse.Namespace) -> ExitStatus:
    """Put domains on the list; one that stands there already is no fault."""
    store = policy_store(arguments)
    change = add(store, arguments.list_name, arguments.domains)
    _print_changes(change, arguments.list_name, unchanged="on")
    return _finished(arguments, store, change)


def run_remove(arguments: argparse.Namespace) -> ExitStatus:
    """Take domains off the list; one that does not stand there is no fault, and may be a typing error."""
    store = policy_store(arguments)
    change = remove(store, arguments.list_name, arguments.domains)
    _print_changes(change, arguments.list_name, unchanged="not on")
    listed = arguments.list_name.of(configuration_of(arguments))
    for entry in change.unchanged:
        if question := meant(entry, (listed,)):
            note(f"{entry} is not on the {arguments.list_name} list{question}")
    return _finished(arguments, store, change)


def run_set(arguments: argparse.Namespace) -> ExitStatus:
    """Make the list hold these domains and no other; says which it dropped."""
    store = policy_store(arguments)
    name: ListName = arguments.list_name
    if arguments.none is bool(arguments.domains):
        given = "domains are named, and none" if arguments.none else "no domain is named"
        raise Problem(given, f"{name} set", "name the domains, or give --none for an empty list")
    shown = None if arguments.shown is None else store.list_at(name, arguments.shown)
    change = set_entries(store, name, arguments.domains, shown)
    _print_changes(change, name, unchanged="on")
    return _finished(arguments, store, change)


def _finished(arguments: argparse.Namespace, store: PolicyStore, change: ListChange) -> ExitStatus:
    if arguments.list_name is ListName.RECEIVE:
        return in_force(arguments, store, receiving=True, sent_to=())
    entries = (*change.added, *change.removed, *change.unchanged)
    return in_force(arguments, store, receiving=False, sent_to=entries)


def run_confirm(arguments: argparse.Namespace) -> ExitStatus:
    """Let the list be as its files have it, where the daemon or generate holds it back."""
    name: ListName = arguments.list_name
    entries = confirm(policy_store(arguments), name)
    add_to_document({"list": name, "domains": list(entries)})
    print(f"confirmed: the {name} list as it is, {len(entries)} entries")
    return ExitStatus.DONE


def _print_changes(change: ListChange, name: ListName, *, unchanged: str) -> None:
    outcomes: tuple[tuple[Iterable[str], str], ...] = (
        (change.added, "added to"),
        (change.removed, "removed from"),
    )
    for entries, outcome in outcomes:
        for entry in entries:
            print(f"{entry}: {outcome} the {name} list")
    for entry in change.unchanged:
        already_so(f"{entry} is {unchanged} the {name} list")
    if change.files:
        print(f"written: {', '.join(map(str, change.files))}")
    add_to_document(
        {
            "list": name,
            "added": list(change.added),
            "removed": list(change.removed),
            "unchanged": list(change.unchanged),
            "written": list(map(str, change.files)),
        }
    )


def run_list(arguments: argparse.Namespace) -> ExitStatus:
    """Print the list in the order of the configuration."""
    name: ListName = arguments.list_name
    configuration = configuration_of(arguments)
    entries = name.of(configuration)
    if arguments.json:
        print_json({"list": name, "domains": list(entries), "revision": configuration.revision})
    else:
        for entry in entries:
            print(entry)
        if configuration.revision is not None:
            note(f"revision {configuration.revision} of the fleet, as this node holds it")
    return ExitStatus.DONE

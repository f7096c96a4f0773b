"""``domain-secure receive`` and ``domain-secure send``: the two lists."""

import argparse
from collections.abc import Callable, Iterable

from ..policy.editing import ListChange, ListName, add, remove, set_entries
from ..policy.problems import ExitStatus
from .common import configuration_of, configuration_path, print_json

Run = Callable[[argparse.Namespace], ExitStatus]


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``receive`` or ``send``."""
    parser.set_defaults(list_name=ListName(command))
    actions = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    changes: tuple[tuple[str, Run, str], ...] = (
        ("add", run_add, "put domains on the list"),
        ("remove", run_remove, "take domains off the list"),
        ("set", run_set, "make the list hold these domains and no other"),
    )
    for name, run, text in changes:
        action = actions.add_parser(name, help=text)
        action.add_argument(
            "domains", nargs="+", metavar="DOMAIN", help="a domain, or '*.DOMAIN' for all its subdomains"
        )
        action.set_defaults(run=run)
    listing = actions.add_parser("list", help="print the list, one domain a line")
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    listing.set_defaults(run=run_list)


def run_add(arguments: argparse.Namespace) -> ExitStatus:
    """Put domains on the list; one that stands there already is no fault."""
    change = add(configuration_path(arguments), arguments.list_name, arguments.domains)
    _print_changes(change, arguments.list_name, unchanged="already on")
    return ExitStatus.DONE


def run_remove(arguments: argparse.Namespace) -> ExitStatus:
    """Take domains off the list; 1 when one of them is not there."""
    change = remove(configuration_path(arguments), arguments.list_name, arguments.domains)
    _print_changes(change, arguments.list_name, unchanged="not on")
    return ExitStatus.DIFFERENCE if change.unchanged else ExitStatus.DONE


def run_set(arguments: argparse.Namespace) -> ExitStatus:
    """Make the list hold these domains and no other; says which it dropped."""
    change = set_entries(configuration_path(arguments), arguments.list_name, arguments.domains)
    _print_changes(change, arguments.list_name, unchanged="already on")
    return ExitStatus.DONE


def _print_changes(change: ListChange, name: ListName, *, unchanged: str) -> None:
    outcomes: tuple[tuple[Iterable[str], str], ...] = (
        (change.added, "added to"),
        (change.removed, "removed from"),
        (change.unchanged, unchanged),
    )
    for entries, outcome in outcomes:
        for entry in entries:
            print(f"{entry}: {outcome} the {name} list")
    if change.files:
        print(f"written: {', '.join(map(str, change.files))}")


def run_list(arguments: argparse.Namespace) -> ExitStatus:
    """Print the list in the order of the configuration."""
    name: ListName = arguments.list_name
    entries = name.of(configuration_of(arguments))
    if arguments.json:
        print_json({"list": name, "domains": list(entries)})
    else:
        for entry in entries:
            print(entry)
    return ExitStatus.DONE

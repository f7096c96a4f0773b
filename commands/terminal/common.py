"""What the commands share: which configuration, and how they print."""

import argparse
import os
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import is_fleet_node, load
from domain_secure.policy.editing.policy_store import FileStore, PolicyStore
from domain_secure.policy.terms.problems import Problem

from .documents import answer, text_of
from .fitting import labelled, paragraphs

if TYPE_CHECKING:
    from domain_secure.fleet.editing.fleet_store import FleetStore

DEFAULT_CONFIGURATION = Path("/etc/domain-secure/domain-secure.toml")
CONFIGURATION_VARIABLE = "DOMAIN_SECURE_CONFIG"
ALREADY_SO = "already so"  #: what every command begins with that had nothing to do


def configuration_path(arguments: argparse.Namespace) -> Path:
    """Return the configuration file: ``--config``, else the environment's, else the default."""
    named: Path | None = arguments.config
    return named or Path(os.environ.get(CONFIGURATION_VARIABLE) or DEFAULT_CONFIGURATION)


def configuration_of(arguments: argparse.Namespace) -> Configuration:
    """Return the configuration the command is about; raises Problem."""
    return load(configuration_path(arguments))


def policy_store(arguments: argparse.Namespace) -> PolicyStore:
    """Return where lists and rules are edited: the file, or the store of the fleet; raises Problem.

    Where there is no fleet, nobody can wait for it.
    """
    path = configuration_path(arguments)
    if belongs_to_fleet(path):
        return fleet_store(arguments)
    if arguments.wait is not None:
        raise Problem("there is no fleet to wait for", "--wait", "leave it out, or see `domain-secure fleet`")
    return FileStore(path)


def fleet_store(arguments: argparse.Namespace) -> "FleetStore":
    """Return the store of the fleet this machine belongs to; raises Problem where it stands alone."""
    return fleet_store_at(configuration_path(arguments))


def fleet_store_at(path: Path) -> "FleetStore":
    """Return the store of the fleet that a configuration names; raises Problem where it names none."""
    # Loads requests, for which neither a file's commands nor its daemon should pay.
    from domain_secure.fleet.editing.fleet_store import FleetStore  # noqa: PLC0415

    if not belongs_to_fleet(path):
        load(path)  # of a faulty file it cannot be told, and what is wrong with it comes first
        raise Problem(
            "this machine is not part of a fleet",
            f"{path}: store.type",
            "see docs/fleet.md; `domain-secure fleet init` or `fleet join` makes it part of one",
        )
    return FleetStore(path, tell=note)


def belongs_to_fleet(path: Path) -> bool:
    """Tell whether a file says that this machine is a node of a fleet; a faulty or missing one does not."""
    try:
        return is_fleet_node(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return False


def print_json(document: Mapping[str, Any]) -> None:
    """Answer with a document, once ``--json`` was asked for; what JSON does not know becomes text.

    Called several times, the documents of all calls are one: a command that changes something and waits may
    answer in parts.
    """
    taken = answer()
    if taken is None:
        print(text_of(document, sys.stdout))
    else:
        taken.put(document)


def add_to_document(document: Mapping[str, Any]) -> None:
    """Say in the document, where one was asked for, what a command tells a person in words besides."""
    if (taken := answer()) is not None:
        taken.put(document)


def print_json_line(document: Mapping[str, Any]) -> None:
    """Answer with one document of many, in a line of its own, and at once; see ``print_json``."""
    if (taken := answer()) is not None:
        taken.put_line(document)


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headers: with rules and colour on a terminal, aligned plain text elsewhere.

    On a terminal that is too narrow for the table each row becomes a paragraph, in which nothing is cut off.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_rich(headers, cells)
        return
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    for row in [[header.upper() for header in headers], *cells]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_rich(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    # Costs 50 ms to import, so only where somebody looks.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    rows, console = list(rows), Console()
    if _least_width(headers, rows) > console.width:
        form = (
            labelled(rows, console.width) if len(headers) == 2 else paragraphs(headers, rows, console.width)
        )
        for line in form:
            print(line)
        return
    table = Table(*headers)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: a cell is never markup
    console.print(table)


def _least_width(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return how wide the table is when its cells are broken between words alone."""
    columns = zip(headers, *rows, strict=True)
    # Rules and padding: three for each column, and one.
    return 1 + sum(
        3 + max(len(word) for cell in column for word in cell.split() or [""]) for column in columns
    )


def note(text: str) -> None:
    """Tell the person something that is not the command's result, on standard error.

    A document has it as well, under ``notes``.
    """
    if (taken := answer()) is not None:
        taken.add_note(text)
    print(f"domain-secure: {text}", file=sys.stderr)


def already_so(what: str) -> None:
    """Say that nothing was to do, in the words of every command: it is no fault, and the exit status is 0."""
    print(f"{ALREADY_SO}: {what}")

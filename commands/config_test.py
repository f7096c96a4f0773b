"""``domain-secure config test``: what is wrong or doubtful in a configuration, before it is put in force."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from domain_secure.commands.terminal.common import configuration_path, print_json
from domain_secure.commands.terminal.fitting import fitted
from domain_secure.policy.configuration.reading import parse, read_configuration
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.toml.faults import FaultsFound
from domain_secure.postfix.findings.findings import Severity
from domain_secure.postfix.own_checks.configuration_checks import check_configuration


class _Found(NamedTuple):
    severity: Severity
    what: str
    where: str
    fix: str


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``config``."""
    del command
    actions = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    test = actions.add_parser("test", help="print all errors and warnings of a configuration, with lines")
    test.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="a file that need not be in place (default: the configuration)",
    )
    test.add_argument(
        "--strict", action="store_true", help="exit status 1 also where there are warnings alone"
    )
    test.add_argument("--json", action="store_true", help="print one JSON document")
    test.set_defaults(run=run_test)


def run_test(arguments: argparse.Namespace) -> ExitStatus:
    """Print what is wrong and what is doubtful; 1 when anything is wrong, 2 when the file cannot be read."""
    path: Path = arguments.file or configuration_path(arguments)
    content = read_configuration(path)
    found = tuple(_found(content, path))
    if arguments.json:
        print_json({"path": str(path), "findings": [one._asdict() for one in found]})
    else:
        with fitted(4):
            _print(path, found)
    bad = {Severity.ERROR, Severity.WARNING} if arguments.strict else {Severity.ERROR}
    return ExitStatus.DIFFERENCE if any(one.severity in bad for one in found) else ExitStatus.DONE


def _found(content: bytes, path: Path) -> Iterator[_Found]:
    try:
        configuration = parse(content, path)
    except FaultsFound as faults:
        for one in faults.every:
            yield _Found(Severity.ERROR, one.what, one.where, one.fix)
        return
    except Problem as problem:
        yield _Found(Severity.ERROR, problem.what, problem.where, problem.fix)
        return
    order = list(Severity)
    for finding in sorted(check_configuration(configuration), key=lambda one: order.index(one.severity)):
        yield _Found(finding.severity, finding.what, finding.proof, finding.fix)


def _print(path: Path, found: tuple[_Found, ...]) -> None:
    for one in found:
        print(f"{one.severity}: {one.where}: {one.what}: {one.fix}")
    errors, warnings = (
        sum(one.severity is severity for one in found) for severity in (Severity.ERROR, Severity.WARNING)
    )
    print(f"{path}: {_number(errors, 'error')}, {_number(warnings, 'warning')}")


def _number(count: int, word: str) -> str:
    return f"{count or 'no'} {word}{'' if count == 1 else 's'}"

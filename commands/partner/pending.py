"""``domain-secure pending``: certificates that came with mail of listed domains and that nobody knows yet."""

import argparse
from datetime import datetime
from typing import Any

from domain_secure.commands.terminal.common import configuration_of, print_json, print_table
from domain_secure.policy.configuration.configuration import Method
from domain_secure.policy.terms.problems import ExitStatus

from .pending_document import pending_document

_CHAIN = (
    "Ask the partner for the certificate and import it (domain-secure partner cert add DOMAIN FILE),",
    "or, once the partner has confirmed the digest by another way than mail, believe its public key:",
)
_PINS = (
    "Which is proved by pins: once the partner has confirmed the digest by another way than mail,",
    "believe its public key:",
)


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``pending``."""
    del command
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitStatus:
    """Print each unknown fingerprint with where it came from, and the command that settles it."""
    unsettled = pending_document(configuration_of(arguments))
    if arguments.json:
        print_json({"pending": unsettled})
    elif unsettled:
        _print(unsettled)
    else:
        print("no unknown certificates have been seen from listed domains")
    return ExitStatus.DONE


def _print(unsettled: list[dict[str, Any]]) -> None:
    print_table(
        ("domain", "client", "certificate", "first seen", "last seen", "count"),
        [
            (
                one["domain"],
                one["client"],
                one["sha256"],
                _local(one["first_seen"]),
                _local(one["last_seen"]),
                one["count"],
            )
            for one in unsettled
        ],
    )
    print()
    print("\n".join(_CHAIN if any(Method.PKIX in one["methods"] for one in unsettled) else _PINS))
    for one in unsettled:
        print(f"  {one['settle']}")


def _local(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().isoformat(sep=" ", timespec="seconds")

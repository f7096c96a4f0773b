"""``domain-secure log``: read the protocol log, and say how much goes into it."""

import argparse

from domain_secure.commands.terminal.listed import add_force
from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.time_words import MOMENT_HELP, SPAN_HELP

from .log_level import run_level
from .log_show import DEFAULT_LAST, run_show


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``log``."""
    del command
    actions = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    show = actions.add_parser(
        "show",
        help="print what happened",
        description=f"Prints the last {DEFAULT_LAST} records, or all since --since. "
        f"WHEN is {MOMENT_HELP}; a time without zone is local.",
    )
    show.add_argument(
        "direction",
        nargs="?",
        choices=[str(direction) for direction in Direction],
        help="one direction alone",
    )
    show.add_argument("--domain", metavar="D", help="one partner, or one of its hosts, alone")
    show.add_argument(
        "--for-partner",
        metavar="D",
        help="what a partner may be handed: the facts of its own sessions, and nothing of others or of ours",
    )
    show.add_argument("--since", metavar="WHEN", help="nothing before")
    show.add_argument("--until", metavar="WHEN", help="nothing from then on")
    show.add_argument(
        "--verdict",
        metavar="WORD",
        action="append",
        default=[],
        help="one verdict or reason alone, such as pass, no-tls, sent; may be given several times",
    )
    show.add_argument("--queue-id", metavar="ID", help="one message alone: the [ref …] of a reply")
    show.add_argument("--last", metavar="N", type=int, help="the last N records that fit")
    show.add_argument("--follow", action="store_true", help="go on with what happens from now on")
    show.add_argument(
        "--json", action="store_true", help="print one JSON document, or one a line with --follow"
    )
    show.set_defaults(run=run_show)
    for direction, mail in ((Direction.RECEIVE, "that comes in"), (Direction.SEND, "that goes out")):
        level = actions.add_parser(
            direction,
            help=f"how much is logged of mail {mail}",
            description="Without LEVEL, prints what holds. With LEVEL alone it becomes the configured one, "
            "and temporary ones end. With --for it holds for a while, for some partners or for all, across "
            f"restarts of the daemon, and ends by itself. TIME is {SPAN_HELP}.",
        )
        level.add_argument(
            "level", nargs="?", choices=[str(level) for level in LogLevel], metavar="LEVEL", help=_LEVELS
        )
        level.add_argument("domains", nargs="*", metavar="DOMAIN", help="list entries that it is for")
        level.add_argument("--for", dest="span", metavar="TIME", help="how long it holds")
        add_force(level, "set it")
        level.add_argument("--json", action="store_true", help="print what holds as one JSON document")
        level.set_defaults(run=run_level, direction=direction)


_LEVELS = "off (counts only), normal (a record a decision) or verbose (the whole reasoning)"

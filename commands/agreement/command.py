"""``domain-secure agreement``: what two sides announce to each other, as one signed file."""

import argparse

from domain_secure.commands.terminal.argument_types import checked
from domain_secure.commands.terminal.documents import add_json
from domain_secure.policy.configuration.setting_kinds import DURATION
from domain_secure.policy.terms.domain import parse_domain
from domain_secure.policy.terms.timed_pin import parse_time

from . import exporting, importing
from .arguments import add_our_domain


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``agreement``."""
    del command
    actions = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    _add_export(actions.add_parser("export", help="write and sign what we announce to partners"))
    take_in = actions.add_parser("import", help="propose what a partner's file would change")
    compare = actions.add_parser("diff", help="print how a partner's file differs from his rule")
    for action in (take_in, compare):
        action.add_argument("file", metavar="FILE", help="the partner's file; - reads standard input")
        action.add_argument(
            "--domain",
            action="append",
            default=[],
            type=checked(parse_domain),
            metavar="DOMAIN",
            help="of the domains in the file this one alone; may be given again",
        )
        add_json(action)
    take_in.add_argument(
        "--key",
        metavar="FINGERPRINT",
        help="the key that has to have signed it, as the partner told it by another way than mail, in any "
        "spelling (default: the one noted in the partner's rule)",
    )
    take_in.add_argument(
        "--out", metavar="FILE", help="write the commands that accept it there, as a shell script"
    )
    take_in.set_defaults(run=importing.run_import)
    compare.set_defaults(run=importing.run_diff)


def _add_export(parser: argparse.ArgumentParser) -> None:
    add_our_domain(parser)
    parser.add_argument(
        "--valid-for",
        type=checked(DURATION.parse),
        default=DURATION.parse("365d"),
        metavar="TIME",
        help="how long it holds (default: 365d)",
    )
    parser.add_argument(
        "--next-from",
        type=checked(parse_time),
        metavar="TIME",
        help="when we begin to show the next key, such as 2027-01-31T12:00:00Z (default: it counts at once)",
    )
    parser.add_argument(
        "--overlap",
        type=checked(DURATION.parse),
        default=DURATION.parse("14d"),
        metavar="TIME",
        help="with --next-from: how long the keys that the next one follows count after that (default: 14d)",
    )
    parser.add_argument(
        "--contact",
        action="append",
        default=[],
        metavar="TEXT",
        help="whom a partner turns to; may be given again (default: the postmaster of each domain)",
    )
    parser.add_argument(
        "--certificate",
        action="append",
        default=[],
        metavar="FILE",
        help="a certificate of another edge of ours, which counts as well; may be given again",
    )
    parser.add_argument("--out", metavar="FILE", help="write it there instead of printing it")
    add_json(parser)
    parser.set_defaults(run=exporting.run_export)

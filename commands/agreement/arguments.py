"""Arguments that are about what is ours, and how their values are read.

Loads nothing of Postfix, so that a parser that declares them is made at once.
"""

import argparse

from domain_secure.commands.terminal.argument_types import checked
from domain_secure.policy.terms.domain import parse_domain


def add_our_domain(parser: argparse.ArgumentParser) -> None:
    """Declare ``--our-domain``, for whom what Postfix says of its domains is too much or too little."""
    parser.add_argument(
        "--our-domain",
        action="append",
        default=[],
        type=checked(parse_domain),
        metavar="DOMAIN",
        help="a domain of ours; may be given again (default: those Postfix takes in mail for)",
    )

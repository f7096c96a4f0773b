"""Arguments that are about what is ours, and how their values are read.

Loads nothing of Postfix, so that a parser that declares them is made at once.
"""

import argparse
from collections.abc import Callable
from typing import TypeVar

from domain_secure.policy.terms.domain import parse_domain

T = TypeVar("T")


def typed(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return *parse* for a parser of arguments, which tells in its words why a value is none."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def add_our_domain(parser: argparse.ArgumentParser) -> None:
    """Declare ``--our-domain``, for whom what Postfix says of its domains is too much or too little."""
    parser.add_argument(
        "--our-domain",
        action="append",
        default=[],
        type=typed(parse_domain),
        metavar="DOMAIN",
        help="a domain of ours; may be given again (default: those Postfix takes in mail for)",
    )

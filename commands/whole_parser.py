"""The parser of the whole command line, with every argument of every command.

For manual pages and completions, which are made once; a command itself must not import all others.
"""

from argparse import ArgumentParser

from .command_line import CommandParser, build_parser, declare
from .main import COMMANDS


def whole_parser() -> CommandParser:
    """Return a parser that knows the arguments of each command."""
    parser = build_parser(COMMANDS)
    for name, below in parser.below.items():
        declare(COMMANDS[name], below, name)
    return parser


def words_of(parser: ArgumentParser) -> dict[str, CommandParser]:
    """Return the parser behind each word that a command line may go on with."""
    return dict(parser.below) if isinstance(parser, CommandParser) else {}

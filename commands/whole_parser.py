"""The parser of the whole command line, with every argument of every command.

For manual pages and completions, which are made once; a command itself must not import all others.
"""

from argparse import ArgumentParser
from importlib import import_module

from .command_line import build_parser
from .main import COMMANDS


def whole_parser() -> ArgumentParser:
    """Return a parser that knows the arguments of each command."""
    parser = build_parser(COMMANDS)
    for name, below in words_of(parser).items():
        import_module(f".{COMMANDS[name].module}", __package__).add_arguments(below, name)
    return parser


def words_of(parser: ArgumentParser) -> dict[str, ArgumentParser]:
    """Return the parser behind each word that a command line may go on with."""
    found: dict[str, ArgumentParser] = {}
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask
        if isinstance(action.choices, dict):
            found |= action.choices
    return found

"""The command line: which command it names, and what it says to that command.

Two steps, one after the other.  The name of the command stands in the arguments; its module is imported, and
declares what it takes.  Then its words lead to the parser of one action, and that parser reads the rest.
Must not do: import a command that is not asked for; the daemon's start and memory depend on it.
"""

import argparse
import sys
from collections.abc import Collection, Container, Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast

from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.suggestions import did_you_mean, nearest

from .terminal.documents import OPTION, add_json

if TYPE_CHECKING:
    from domain_secure.commands.help.usage import Usage

PROGRAM = "domain-secure"
_CONFIG = "--config"

#: Commands that answer with no document, each with the reason.
WITHOUT_DOCUMENT = {
    "apply-change": "its answer is for the daemon: it takes orders, and is no command for people",
    "serve": "it runs until it is told to stop; what it does is in its log, /healthz and /metrics",
}


class Command(NamedTuple):
    """One command: its module in this package, and its line in the help."""

    module: str
    help: str


def parse(arguments: Sequence[str], commands: Mapping[str, Command]) -> argparse.Namespace:
    """Return what the arguments say; ``run`` in it is the function that does it.

    Help, the version and wrong use are printed, and raise SystemExit.  ``--config`` is taken before the
    command and behind every part of it; the last one counts.  Options may stand before, between and behind
    the words of an action.
    """
    whole = build_parser(commands)
    name = next(
        (one for before, one in pairwise(("", *arguments)) if one in commands and before != _CONFIG), None
    )
    if name is not None:
        declare(commands[name], whole.below[name], name)

    parser, rest = whole, list(arguments)
    words: list[str] = []
    while word := _take_word(rest, parser.below):
        parser = parser.below[word]
        words.append(word)
    # argparse would take the words of a list in one piece.  A parser that misses its word says so itself.
    read = parser.parse_known_args if parser.below else parser.parse_known_intermixed_args
    found, unknown = read(rest, argparse.Namespace(config=None, words=" ".join(words)))
    if unknown:
        _refuse(parser, arguments, unknown)
    return found


def _refuse(parser: "CommandParser", arguments: Sequence[str], unknown: Sequence[str]) -> NoReturn:
    """Tell what is not known, under the usage of the command that was meant."""
    for word in arguments:
        parser = parser.below.get(word, parser)
    known = tuple(parser.options)
    written = unknown[0].partition("=")[0]
    if written in known:
        hint = f"; write {written} behind `{parser.prog}`"
    else:
        hint = did_you_mean(nearest(written, known)) if written.startswith("-") else ""
    parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")


def declare(command: Command, parser: "CommandParser", name: str) -> None:
    """Declare what a command takes, by its module; each of its actions takes ``--json`` then."""
    import_module(f".{command.module}", __package__).add_arguments(parser, name)
    if name not in WITHOUT_DOCUMENT:
        _let_answer(parser)


def _let_answer(parser: "CommandParser") -> None:
    for below in parser.below.values():
        _let_answer(below)
    if not parser.below and OPTION not in parser.options:
        add_json(parser)


def _take_word(arguments: list[str], words: Container[str]) -> str | None:
    """Take the first argument out if it is one of the words; ``--config`` alone may stand before it."""
    place = 0
    while place < len(arguments) and arguments[place].partition("=")[0] == _CONFIG:
        place += 2 if arguments[place] == _CONFIG else 1
    return arguments.pop(place) if place < len(arguments) and arguments[place] in words else None


class WrongUse(SystemExit):
    """Arguments that cannot be understood, once a person was told."""

    def __init__(self, problem: Problem, words: str) -> None:
        super().__init__(int(problem.status))
        self.problem = problem
        self.words = words  #: of the command, as far as they are understood


class CommandParser(argparse.ArgumentParser):
    """An ordinary parser that takes ``--config`` and knows the parsers of its words, of the same kind."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)
        # From Python 3.14 on argparse colours its texts by variables of the environment, too: ours are plain.
        self.color = False
        self.below: Mapping[str, CommandParser] = {}
        self.add_argument(
            _CONFIG,
            type=Path,
            metavar="FILE",
            # No default: it would stand for one that was not given.
            default=argparse.SUPPRESS,
            help="configuration file (default: $DOMAIN_SECURE_CONFIG, "
            "else /etc/domain-secure/domain-secure.toml)",
        )

    def add_subparsers(self, **options: Any) -> Any:
        """Add the words that may follow, and remember the parser of each."""
        made = super().add_subparsers(**options)
        self.below = cast("Mapping[str, CommandParser]", made.choices)
        return made

    @property
    def options(self) -> Collection[str]:
        """Return the options that it takes, as they are written."""
        return self._option_string_actions

    def error(self, message: str) -> NoReturn:
        """Tell of wrong use, and raise what ``main`` makes a document of where one was asked for."""
        try:
            super().error(message)
        except SystemExit as ended:
            fix = f"see `{self.prog} --help`"
            raise WrongUse(Problem(message, self.prog, fix, ExitStatus.WRONG_USE), self.words) from ended

    def format_help(self) -> str:
        """Return the help, with what the command is for and examples of its use."""
        former, self.description = self.description, self.whole_description()
        try:
            text = super().format_help()
        finally:
            self.description = former
        usage = _usage_of(self.words)
        return f"{text}\nexamples:\n{usage.shown(PROGRAM)}" if usage else text

    def whole_description(self) -> str | None:
        """Return what the command is for, and what its arguments mean together."""
        usage = _usage_of(self.words)
        return " ".join(filter(None, (usage.purpose if usage else None, self.description))) or None

    @property
    def words(self) -> str:
        """Return the words that lead to this parser, without the program's name."""
        return self.prog.removeprefix(PROGRAM).strip()

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Raise ArgumentError for a value that is none of the choices, naming the one that was meant."""
        if action.choices is not None and value not in action.choices:
            known = [str(one) for one in action.choices]
            near = nearest(str(value), known)
            hint = did_you_mean(near) or f" (choose from {', '.join(known)})"
            raise argparse.ArgumentError(action, f"invalid choice: {str(value)!r}{hint}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End, once what was printed is written."""
        # What cannot be written is known before the exit, as of every command.
        sys.stdout.flush()
        super().exit(status, message)


def _usage_of(words: str) -> "Usage | None":
    # Read for those who ask alone.
    from domain_secure.commands.help.usage import usage_of  # noqa: PLC0415

    return usage_of(words)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        # Looks through the installed distributions, which no other command should pay for.
        from importlib.metadata import version  # noqa: PLC0415

        print(f"{PROGRAM} {version('postfix-domain-secure')}")
        parser.exit()


def build_parser(commands: Mapping[str, Command]) -> CommandParser:
    """Return the parser that knows the name of every command, and the arguments of none."""
    parser = CommandParser(
        prog=PROGRAM,
        description="Mail between two organisations that both prove who they are: "
        "mutual TLS per domain for Postfix.",
        epilog=f"`{PROGRAM} COMMAND --help` explains a command. "
        "Exit status: 0 done, 1 a check failed or a difference was found, "
        "2 wrong use or configuration, 3 something outside did not answer.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    actions = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    for name, command in commands.items():
        actions.add_parser(name, help=command.help)
    return parser

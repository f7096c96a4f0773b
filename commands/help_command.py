"""``domain-secure help``: explain a topic, a command, a setting or a word of ours."""

import argparse
import shutil
import textwrap

from domain_secure.commands.help.topics import text_about, topics, words
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.suggestions import did_you_mean, nearest

from .command_line import PROGRAM, CommandParser, build_parser, declare
from .main import COMMANDS

_WIDEST = 100


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``help``."""
    del command
    parser.add_argument(
        "topic",
        nargs="*",
        metavar="TOPIC",
        help="a topic, the words of a command, a setting such as receive.on_failure, or a verdict",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitStatus:
    """Print what is asked for; without a topic, what there is to read about."""
    asked: list[str] = arguments.topic
    if not asked:
        _print_topics()
        return ExitStatus.DONE
    word = " ".join(asked)
    is_command = word in COMMANDS and word not in topics()
    if not is_command and (text := text_about(word.lower())) is not None:
        print(_fitted(text), end="")
        if word in COMMANDS:
            print(f"\nThe command itself: `{PROGRAM} {word} --help`.")
        return ExitStatus.DONE
    parser, unknown = _parser_of(asked)
    if unknown is not None:
        known = (*words(), *COMMANDS) if unknown == asked[0] else parser.below
        near = nearest(unknown, known)
        raise Problem(
            f"there is no help about {word!r}{did_you_mean(near)}",
            "help TOPIC",
            "`domain-secure help` lists what there is to read about",
        )
    parser.print_help()
    return ExitStatus.DONE


def _print_topics() -> None:
    print("domain-secure help TOPIC tells about\n")
    width = max(map(len, topics()))
    for name, text in topics().items():
        print(f"  {name:<{width}}  {text.partition(chr(10))[0]}")
    print("\nand about each command (help receive add), each setting of the configuration")
    print("(help receive.on_failure), and each verdict (help no-tls).")


def _fitted(text: str) -> str:
    """Return a text whose long lines are broken for the terminal; what is indented is left as it is."""
    width = min(shutil.get_terminal_size().columns, _WIDEST) - 1
    lines = (
        line if line.startswith(" ") or len(line) <= width else textwrap.fill(line, width)
        for line in text.splitlines()
    )
    return "\n".join(lines) + "\n"


def _parser_of(asked: list[str]) -> tuple[CommandParser, str | None]:
    """Return the parser that the words of a command lead to, and the first word that leads nowhere."""
    parser = build_parser(COMMANDS)
    for place, word in enumerate(asked):
        if word not in parser.below:
            return parser, word
        parser = parser.below[word]
        if place == 0:
            declare(COMMANDS[word], parser, word)
    return parser, None

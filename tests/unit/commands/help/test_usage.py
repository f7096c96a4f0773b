"""What each command is for, and its examples: every parser of the program has both, and they are true."""

import shlex
from collections.abc import Iterator

import pytest

from domain_secure.commands.command_line import CommandParser, parse
from domain_secure.commands.help.usage import usages
from domain_secure.commands.main import COMMANDS
from domain_secure.commands.whole_parser import whole_parser


def parsers(parser: CommandParser) -> Iterator[CommandParser]:
    """Yield a parser and all below it."""
    yield parser
    for below in parser.below.values():
        yield from parsers(below)


EVERY = {parser.words: parser for parser in parsers(whole_parser())}


def test_every_command_has_its_texts() -> None:
    """No command is without, and no text is of a command that is gone."""
    assert set(usages()) == set(EVERY)


@pytest.mark.parametrize("words", EVERY)
def test_the_help_says_what_it_is_for_with_two_examples(words: str) -> None:
    """The description is a sentence, and both examples stand below it, each with its meaning."""
    shown = EVERY[words].format_help()
    description = EVERY[words].whole_description()
    assert description is not None
    assert description.split()[0] in shown
    assert description.endswith((".", "?"))
    examples = usages()[words].examples
    assert len(examples) == 2
    assert shown.endswith(
        "\nexamples:\n" + "".join(f"  domain-secure {command}\n      {text}\n" for command, text in examples)
    )


@pytest.mark.parametrize(
    ("words", "command"),
    [(words, command) for words, usage in usages().items() for command, _ in usage.examples],
)
def test_the_parser_accepts_its_examples(words: str, command: str) -> None:
    """An example is understood as it stands, and is one of the command it explains."""
    arguments = shlex.split(command)
    assert callable(parse(arguments, COMMANDS).run)
    if "--config" in arguments:
        place = arguments.index("--config")
        arguments[place : place + 2] = []
    assert arguments[: len(words.split())] == words.split()

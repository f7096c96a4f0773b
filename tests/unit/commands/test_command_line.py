"""The command line: where words and options may stand, and what is told of those that make no sense."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from domain_secure.commands.command_line import CommandParser, parse
from domain_secure.commands.main import COMMANDS

CONFIG = ("--config", "/x")


def places(words: tuple[str, ...], option: tuple[str, ...]) -> Iterator[list[str]]:
    """Return the words with an option before, between and behind them, in every place."""
    for place in range(len(words) + 1):
        yield [*words[:place], *option, *words[place:]]


@pytest.mark.parametrize("option", [CONFIG, ("--config=/x",)])
def test_config_may_stand_anywhere(option: tuple[str, ...]) -> None:
    """``--config`` is taken before the command, behind every part of it, and between the words of a list."""
    words = ("partner", "cert", "add", "a.test", "file")
    for arguments in places(words, option):
        found = parse(arguments, COMMANDS)
        assert (found.config, found.domain, found.file) == (Path("/x"), "a.test", "file"), arguments


def test_the_last_config_counts() -> None:
    """Given twice, it is the one that stands further behind, wherever the two stand."""
    for arguments in places(("--config", "/first", "receive", "list"), CONFIG):
        if arguments.index("/x") > arguments.index("/first"):
            assert parse(arguments, COMMANDS).config == Path("/x"), arguments
    assert parse(["receive", "list"], COMMANDS).config is None


def test_a_file_may_have_the_name_of_a_command() -> None:
    """What stands behind ``--config`` is its file, and the command comes after it."""
    found = parse(["--config", "status", "send", "--config", "list", "list"], COMMANDS)
    assert (found.config, found.list_name) == (Path("list"), "send")


@pytest.mark.parametrize("option", [("--wait", "5"), ("--wait=5",)])
def test_an_action_takes_options_between_its_words(option: tuple[str, ...]) -> None:
    """An option of an action may stand before, between and behind the elements of a list."""
    for arguments in places(("a.test", "b.test", "c.test"), option):
        found = parse(["send", "set", *arguments], COMMANDS)
        assert (found.domains, found.wait) == (["a.test", "b.test", "c.test"], 5.0)


@pytest.mark.parametrize(
    ("arguments", "usage", "complaint"),
    [
        (
            ["--json", "receive", "list"],
            "domain-secure receive list [",
            "unrecognized arguments: --json; write --json behind `domain-secure receive list`",
        ),
        (["receive", "--json", "list"], "domain-secure receive list [", "--json; write --json behind"),
        (["receive", "list", "more"], "domain-secure receive list [", "unrecognized arguments: more\n"),
        (["receive", "list", "--jsno"], "domain-secure receive list [", "--jsno; did you mean --json?"),
        (["recieve", "list"], "domain-secure [", "invalid choice: 'recieve'; did you mean receive?"),
        (["partner", "Show"], "domain-secure partner [", "invalid choice: 'Show'; did you mean show?"),
        (["report", "--format", "jsn"], "domain-secure report [", "'jsn'; did you mean json?"),
        (["report", "--format", "pdf"], "domain-secure report [", "'pdf' (choose from "),
        (["nonsense", "receive", "list"], "domain-secure [", "invalid choice: 'nonsense'"),
        (["receive", "receive", "list"], "domain-secure receive [", "invalid choice: 'receive'"),
        (["partner", "cert"], "domain-secure partner cert [", "required: ACTION"),
        (["receive", "add", "--wait"], "domain-secure receive add [", "required: DOMAIN"),
        (["receive", "list", "--config"], "domain-secure receive list [", "expected one argument"),
        (["receive", "list", "--conf", "/x"], "domain-secure receive list [", "arguments: --conf /x"),
    ],
)
def test_what_is_refused(
    arguments: list[str], usage: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What makes no sense where it stands is named, under the usage of what it was said to."""
    with pytest.raises(SystemExit) as caught:
        parse(arguments, COMMANDS)
    told = capsys.readouterr().err
    assert caught.value.code == 2
    assert told.startswith(f"usage: {usage}")
    assert complaint in told


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        (["--help", "receive", "list"], "domain-secure ["),
        (["receive", "-h", "list"], "domain-secure receive ["),
        (["partner", "cert", "--help"], "domain-secure partner cert ["),
        (["send", "--config", "/x", "add", "a.test", "--help"], "domain-secure send add ["),
    ],
)
def test_help_is_of_what_stands_before_it(
    arguments: list[str], usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--help`` explains the words before it, and what follows is not asked for."""
    with pytest.raises(SystemExit) as caught:
        parse(arguments, COMMANDS)
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {usage}")


@pytest.mark.parametrize("name", COMMANDS)
def test_what_words_lead_through_takes_words_alone(name: str) -> None:
    """A parser of words declares no option but ``--config`` and no default: nobody would read it."""
    parser = CommandParser(prog=name)
    import_module(f"domain_secure.commands.{COMMANDS[name].module}").add_arguments(parser, name)
    waiting = [parser]
    while waiting:
        parser = waiting.pop()
        waiting += parser.below.values()
        if parser.below:
            assert [action.dest for action in parser._actions] == ["help", "config", "==SUPPRESS=="]
            assert parser._defaults == {}

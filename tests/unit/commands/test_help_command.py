"""``domain-secure help`` as a person uses it."""

import pytest

from domain_secure.commands.help.topics import topics
from domain_secure.commands.main import COMMANDS, main


def test_without_a_topic_it_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Each topic has a line with its title."""
    assert main(["help"]) == 0
    shown = capsys.readouterr().out
    for name, text in topics().items():
        assert f"{name} " in shown
        assert text.splitlines()[0] in shown


def test_a_topic_is_printed_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    """And the command of the same name is pointed to, where there is one."""
    assert main(["help", "down"]) == 0
    assert capsys.readouterr().out == topics()["down"]
    assert main(["help", "fleet"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(topics()["fleet"])
    assert "`domain-secure fleet --help`" in shown


def test_a_command_is_explained_by_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The words of a command, however many, lead to what its --help prints."""
    for words in ([name] for name in COMMANDS if name not in topics()):
        assert main(["help", *words]) == 0
        assert capsys.readouterr().out.startswith(f"usage: domain-secure {words[0]} [")
    assert main(["help", "partner", "cert", "add"]) == 0
    assert capsys.readouterr().out.startswith("usage: domain-secure partner cert add [")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["verdict"], "verdicts"),
        (["recieve"], "receive"),
        (["on-failure"], "on_failure"),
        (["partner", "sett"], "set"),
    ],
)
def test_what_was_meant_is_offered(words: list[str], meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A word that nothing answers to is wrong use, with the nearest one that does."""
    assert main(["help", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"did you mean {meant}?" in captured.err
    assert captured.err.count("\n") == 1


def test_settings_fit_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A long sentence is broken at the terminal's width."""
    monkeypatch.setenv("COLUMNS", "50")
    assert main(["help", "receive.hold_back"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "receive.hold_back"
    assert max(map(len, lines)) < 50

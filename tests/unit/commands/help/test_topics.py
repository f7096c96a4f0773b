"""The topics of ``help``: what stands in them is so, and fits a terminal."""

import re
import shlex

import pytest

from domain_secure.commands.command_line import parse
from domain_secure.commands.help.topics import name_of, text_about, topics, words
from domain_secure.commands.main import COMMANDS
from domain_secure.policy.configuration.settings import PARTNER, SETTINGS, settings_of
from domain_secure.policy.decision.verdict import Verdict

COMMAND = re.compile(r"^  domain-secure ((?:[^ \n]| (?! ))*)", re.MULTILINE)


@pytest.mark.parametrize("name", topics())
def test_a_topic_fits_a_terminal(name: str) -> None:
    """No line is wider than 80 columns, the first one is a title, and the file ends with a line's end."""
    text = topics()[name]
    assert max(map(len, text.splitlines())) < 80
    assert text.splitlines()[1] == ""
    assert text.endswith("\n")


@pytest.mark.parametrize("name", topics())
def test_the_commands_of_a_topic_are_understood(name: str) -> None:
    """Each command that a topic shows is one that the program accepts."""
    text = topics()[name].replace("\\\n", "").replace("HEX", "ab" * 32)
    for command in COMMAND.findall(text):
        assert parse(shlex.split(command), COMMANDS).run, command


def test_the_verdicts_are_all_told() -> None:
    """Each verdict stands in the topic with its reply, and is found by its word."""
    text = topics()["verdicts"]
    for verdict in Verdict:
        line = next(line for line in text.splitlines() if line.split()[:1] == [verdict.word])
        assert verdict.status is None or verdict.status in line
        assert (text_about(verdict.word) or "").startswith(text)


def test_the_keys_of_a_partner_are_all_told() -> None:
    """No key of a partner's rule is missing in the topic."""
    told = re.findall(r"^  ((?:[a-z_]+(?:, )?)+)", topics()["partner"], re.MULTILINE)
    assert set(settings_of(PARTNER)) <= {key for keys in told for key in keys.split(", ")}


@pytest.mark.parametrize("setting", SETTINGS, ids=name_of)
def test_each_setting_is_explained(setting: object) -> None:
    """By its name with the table, and by the key alone where that is no topic, with what may stand there."""
    (one,) = (one for one in SETTINGS if one is setting)
    for word in {name_of(one), one.key} - set(topics()):
        assert one.sentence in (text_about(word) or "")
    assert name_of(one) in words()


def test_other_words_have_no_text() -> None:
    """What is no topic, verdict or setting is not answered."""
    assert text_about("nonsense") is None

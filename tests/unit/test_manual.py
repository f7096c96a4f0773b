"""The manual pages and the completions: they know all that the program knows."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain_secure.commands.whole_parser import whole_parser, words_of
from domain_secure.policy.configuration.settings import SETTINGS
from domain_secure.policy.configuration.settings_file import settings_file

ROOT = Path(__file__).parents[2]
COMPLETIONS = ("bash/domain-secure", "zsh/_domain-secure", "fish/domain-secure.fish")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with everything that is generated."""
    folder = tmp_path_factory.mktemp("manual")
    subprocess.run([sys.executable, ROOT / "manual" / "write.py", folder], check=True, timeout=60)
    return folder


def page(folder: Path, name: str) -> str:
    """Return the text of a manual page without its marks for fonts and hyphens."""
    text = (folder / "man" / f"man{name[-1]}" / name).read_text()
    return re.sub(r"\\f[BIR]|\\[,/]", "", text).replace("\\-", "-")


def parsers(parser: argparse.ArgumentParser, words: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every parser with the words that lead to it."""
    yield words, parser
    for word, below in words_of(parser).items():
        yield from parsers(below, f"{words} {word}")


def options(parser: argparse.ArgumentParser) -> set[str]:
    """Return the options that a parser shows in its help."""
    shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    return {option for action in shown for option in action.option_strings} - {"-h", "--help"}


def test_the_page_has_every_command_and_option(made: Path) -> None:
    """Each action has its heading, and below it each of its options and arguments."""
    text = page(made, "domain-secure.1")
    parts = {part.partition("\n")[0]: part for part in text.split(".SS ")}
    everything = dict(parsers(whole_parser(), "domain-secure"))
    assert len(everything) > 60
    for words, parser in everything.items():
        if words == "domain-secure":
            continue
        assert words in parts
        for option in options(parser) - {"--config"}:
            assert re.search(rf"^(?:.*, )?{option}(?![a-z-])", parts[words], re.MULTILINE), (
                f"{words} {option}"
            )
    assert "\n--config FILE\n" in text


def test_the_daemon_has_its_page(made: Path) -> None:
    """Its options, its signals and its files stand there."""
    text = page(made, "domain-secure-serve.8")
    serve = words_of(whole_parser())["serve"]
    assert all(f"\n{option}" in text for option in options(serve))
    assert all(word in text for word in ("SIGHUP", "SIGTERM", "/etc/domain-secure/domain-secure.toml"))


def test_the_page_has_every_setting(made: Path) -> None:
    """Each key stands under the heading of its table, with its sentence."""
    text = page(made, "domain-secure.toml.5")
    found = [
        (heading, key)
        for heading, body in re.findall(r"^\.SH (.*)\n((?:(?!\.SH ).*\n)*)", text, re.MULTILINE)
        for key in re.findall(r"^\.TP\n([a-z_]+)$", body, re.MULTILINE)
    ]
    titles = {"": "Above all tables", "partner": '[partner."DOMAIN"]'}
    assert found == [(titles.get(one.section, f"[{one.section}]"), one.key) for one in SETTINGS]


@pytest.mark.parametrize("name", COMPLETIONS)
def test_completions_know_every_option(made: Path, name: str) -> None:
    """Each word and each long option of the program occurs in the completion of each shell."""
    text = (made / name).read_text()
    for words, parser in parsers(whole_parser(), "domain-secure"):
        assert words.rpartition(" ")[2] in text
        for option in options(parser):
            assert option.lstrip("-") in text, f"{words} {option}"


def test_bash_completes(made: Path) -> None:
    """Bash itself offers the words and the options that may follow."""
    script = """
        source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
        function=$(complete -p domain-secure | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        $function domain-secure "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    for words, offered in (
        (("rec",), {"receive"}),
        (("receive", ""), {"add", "remove", "set", "list"}),
        (("detach", "--a"), {"--all"}),
    ):
        done = subprocess.run(
            ["bash", "-c", script, "bash", made / "bash" / "domain-secure", "domain-secure", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert offered <= set(done.stdout.split()), done.stderr


def test_the_configuration_is_the_same(made: Path) -> None:
    """What a package lays down is what the table of settings yields."""
    assert (made / "domain-secure.toml").read_text() == settings_file()


def test_pages_are_the_same_each_time(tmp_path: Path) -> None:
    """The same tree gives the same bytes, whatever the terminal and the day are."""
    environment = {"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": "1764000000", "COLUMNS": "40"}
    for name in ("a", "b"):
        command = [sys.executable, ROOT / "manual" / "write.py", tmp_path / name]
        subprocess.run(command, env=environment, check=True, timeout=60)
        environment["COLUMNS"] = "200"
    a, b = tmp_path / "a", tmp_path / "b"
    names = [path.relative_to(a) for path in a.rglob("*") if path.is_file()]
    assert len(names) == 7
    assert all((a / name).read_bytes() == (b / name).read_bytes() for name in names)

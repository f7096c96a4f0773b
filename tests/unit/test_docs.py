"""What the documents tell a reader to type is understood, and where they lead there is something."""

import re
import shlex
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from room_plan import ROOT

from domain_secure.commands.command_line import PROGRAM, parse
from domain_secure.commands.main import COMMANDS
from domain_secure.commands.whole_parser import whole_parser, words_of

from machines.inside.document_reader import Command, File, added, is_shown, sections

DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
_INLINE = re.compile(rf"`(?:sudo )?({PROGRAM} [^`]+)`")
_INDENTED = re.compile(rf"(?m)^ {{4,}}(?:sudo )?({PROGRAM} .+)$")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ENDS = {";", "&&", "||", "|", "&", ">", ">>", "<", "(", ")"}
_NO_COMMANDS = {"decisions.md"}  #: it tells what was once as well
#: What a reader puts in place of it.
_ELIDED = "…"


def _typed(path: Path) -> Iterator[str]:
    """Yield what a document says is typed: in its fences and in indented lines."""
    text = path.read_text().replace("\\\n", "")
    for section in sections(text):
        yield from (step.text for step in section.steps if isinstance(step, Command))
    if path.name not in _NO_COMMANDS:
        yield from (found[1] for found in _INDENTED.finditer(text))


def _named(path: Path) -> Iterator[str]:
    """Yield what is named in a sentence, often without what it needs."""
    if path.name not in _NO_COMMANDS:
        yield from (" ".join(found[1].split()) for found in _INLINE.finditer(path.read_text()))


def _calls(typed: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of ours in a line for a shell."""
    lexer = shlex.shlex(typed, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    for start, word in enumerate(words):
        behind = list(takewhile(lambda one: one not in _ENDS, words[start + 1 :]))
        if word != PROGRAM or not behind:
            continue
        # Else it is the name of a unit, or another program is told to run it.
        if start == 0 or words[start - 1] in _ENDS | {"sudo"} or behind[0] in COMMANDS:
            yield behind


def _commands(told: Callable[[Path], Iterator[str]]) -> list[tuple[str, list[str]]]:
    return [
        (path.name, call)
        for path in DOCUMENTS
        for typed in told(path)
        for call in _calls(typed)
        if not any(_ELIDED in word for word in call)
    ]


def test_the_documents_are_full_of_commands() -> None:
    """What is looked for is found."""
    typed, named = _commands(_typed), _commands(_named)
    assert {"README.md", "operation.md", "urgent.md", "backup-and-move.md"} <= {name for name, _ in typed}
    assert len(typed) > 80
    assert len(named) > 30


@pytest.mark.parametrize(("document", "call"), _commands(_typed), ids=lambda value: " ".join(value)[:60])
def test_each_command_is_understood(
    document: str, call: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """No command or option of a document is unknown to the command line."""
    status = 0
    try:
        parse(call, COMMANDS)
    except SystemExit as end:
        status = int(end.code or 0)
    assert status == 0, f"{document}: {PROGRAM} {' '.join(call)}: {capsys.readouterr().err}"


@pytest.mark.parametrize(("document", "call"), _commands(_named), ids=lambda value: " ".join(value)[:60])
def test_each_command_in_a_sentence_is_known(document: str, call: list[str]) -> None:
    """Its words lead to an action, and that one has its options."""
    parser, words = whole_parser(), list(call)
    while words and (below := words_of(parser)) and not words[0].startswith("-"):
        assert words[0] in below, f"{document}: {PROGRAM} {' '.join(call)}"
        parser = below[words.pop(0)]
    known = {option for action in parser._actions for option in action.option_strings}
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert options <= known | {"--config"}, f"{document}: {PROGRAM} {' '.join(call)}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_each_link_leads_somewhere(path: Path) -> None:
    """Each relative link names a file that is there, and a heading of it."""
    for link in _LINK.findall(path.read_text()):
        name, _, anchor = link.partition("#")
        if "://" in name:
            continue
        target = path.parent / name if name else path
        assert target.exists(), f"{path.name}: {link}"
        assert not anchor or anchor in _anchors(target), f"{path.name}: {link}"


def _anchors(path: Path) -> set[str]:
    """Return the names of a document's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#{1,6} +(.+)$", path.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_each_file_is_named_to_the_reader(path: Path) -> None:
    """Who writes a file has read its name in the sentence before it."""
    for section in sections(path.read_text()):
        for step in section.steps:
            if isinstance(step, File):
                assert step.path.name in step.said, f"{path.name}:{step.line}"


def test_what_a_fence_says_is_read() -> None:
    """Commands, what they show, their status, files, and what others do, in the order of the document."""
    text = (
        "# Title\n\n## First\n\n```console status=1\n# one\nshown …\n# two\n> more\n```\n"
        "<!-- meanwhile: mail comes -->\n\n## Without\n\n```text\n# no\n```\n\n"
        "## Last\n\nIn `a`:\n\n```toml add=/a\n[x]\n```\n"
    )
    first, last = sections(text)
    assert [first.heading, last.heading] == ["First", "Last"]
    one, two, mail = first.steps
    assert one == Command(6, "one", ("shown …",), 0)
    assert two == Command(8, "two\nmore", (), 1)
    assert getattr(mail, "what", "") == "mail comes"
    (file,) = last.steps
    assert isinstance(file, File)
    assert (file.path, file.text, file.is_added, file.said) == (Path("/a"), "[x]\n", True, "In `a`:")


def test_a_fence_may_be_of_several_hosts() -> None:
    """Each command is typed on each of them, and the last one's status is as without."""
    (section,) = sections("# Title\n\n```console on=a,b status=1\n# one\n# two\n```\n")
    assert section.steps == [Command(4, "one", (), 0, ("a", "b")), Command(5, "two", (), 1, ("a", "b"))]


@pytest.mark.parametrize(
    ("expected", "output", "fits"),
    [
        (("a",), "a\n", True),
        (("a",), "a\nb\n", False),
        (("a", "…"), "a\nb\nc\n", True),
        (("…", "b …"), "a\nb  17\n", True),
        (("a b",), "a   b\n", True),
        (("a…b",), "a, then b\n", True),
        (("…", "c"), "a\nb\n", False),
    ],
)
def test_what_is_shown_is_compared(expected: tuple[str, ...], output: str, fits: bool) -> None:
    """Line by line, with … for what differs and blanks as they come."""
    assert is_shown(expected, output) is fits


def test_what_is_put_into_a_table_takes_the_place_of_its_keys() -> None:
    """A table is not there twice, nor a key in it; what has no table here comes last."""
    former = "[history]\n# days\ndays = 1\nmegabytes = 9\n\n[log]\ndays = 2\n"
    former = f"a = 1\n{former}"
    assert added(former, "[history]\ndays = 14\n") == former.replace("days = 1\n", "", 1).replace(
        "[history]\n", "[history]\ndays = 14\n"
    )
    assert added("a\n", "frontend\n") == "a\n\nfrontend\n"

"""What a document tells its reader to type and to write, and what it says will be shown.

Owns: the marks in the Markdown; whether what was shown is what the document says.

| fence | means |
| --- | --- |
| ``console`` | ``# COMMAND`` is typed by root, ``> MORE`` goes on with it; the next lines are what it shows |
| ``console on=HOST`` | the same, on one host of several, or on each of those that are joined by ``,`` |
| ``console status=N`` | the last command of it ends with that status; all others end with 0 |
| ``LANGUAGE file=PATH`` | the whole content of a file |
| ``LANGUAGE add=PATH`` | what is put into a file that is there, in TOML below the header it begins with |

A remark ``<!-- meanwhile: WHAT -->``, which no reader sees, is where others do something, or where is looked
whether what the document promises is so.

In what is shown ``…`` stands for any text, and alone on its line for any lines; runs of blanks count as
one.  What is in no such fence is not followed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

ANYTHING = "…"
#: Those that need several edges are followed in the laboratory (``tests/real``), and not on one machine.
IN_LABORATORY = frozenset({"from-exchange.md"})
_FENCE = re.compile(r"(?ms)^```(?P<info>[^\n`]+)\n(?P<text>.*?)^```$")
_MEANWHILE = re.compile(r"(?m)^<!-- meanwhile: (.+) -->$")
_HEADING = re.compile(r"(?m)^#{1,6} +(.+)$")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of root's, with the lines that it shows; none where the document says nothing of them."""

    line: int
    text: str
    shown: tuple[str, ...] = ()
    status: int = 0
    hosts: tuple[str, ...] = ()  #: where it is typed, where there are several


@dataclass(frozen=True, slots=True)
class File:
    """A file to be written, or a text to be put into one."""

    line: int
    path: Path
    text: str
    is_added: bool
    said: str  #: the paragraph before, which has to name the file


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What others do at this point, or what must hold here."""

    line: int
    what: str


Step = Command | File | Meanwhile


@dataclass(slots=True)
class Section:
    """What is to be done below one heading, in order."""

    heading: str
    steps: list[Step] = field(default_factory=list)


def sections(text: str) -> list[Section]:
    """Return the sections of a document that have something to do."""
    fences = list(_FENCE.finditer(text))
    marks = sorted([*fences, *_MEANWHILE.finditer(text)], key=lambda mark: mark.start())
    headings = [
        found
        for found in _HEADING.finditer(text)
        if not any(fence.start() < found.start() < fence.end() for fence in fences)
    ]
    made = []
    for number, heading in enumerate(headings):
        end = headings[number + 1].start() if number + 1 < len(headings) else len(text)
        section = Section(heading[1])
        for mark in marks:
            if heading.end() < mark.start() < end:
                section.steps += _steps(mark, text)
        if section.steps:
            made.append(section)
    return made


def is_shown(expected: tuple[str, ...], output: str) -> bool:
    """Tell whether *output* is what the document has, *expected*, line by line."""
    pattern = ""
    for line in expected:
        if line.strip() == ANYTHING:
            pattern += r"(?:.*\n)*?"
        else:
            parts = (re.escape(" ".join(part.split())) for part in line.strip().split(ANYTHING))
            pattern += " ?.*".join(parts) + r"\n"
    lines = "".join(" ".join(line.split()) + "\n" for line in output.rstrip("\n").split("\n"))
    return re.fullmatch(pattern, lines) is not None


def added(former: str, text: str) -> str:
    """Return *former* with *text* put in: at the end, or into the table of TOML that it begins with.

    There it takes the place of the keys that the table has already.
    """
    header, _, rest = text.partition("\n")
    before, found, behind = former.partition(f"\n{header}\n")
    if not found or not header.startswith("["):
        return f"{former.rstrip()}\n\n{text}"
    table, further, others = behind.partition("\n[")
    keys = tuple(line.partition("=")[0] + "=" for line in rest.splitlines() if "=" in line)
    kept = "".join(line for line in table.splitlines(keepends=True) if not line.startswith(keys))
    return f"{before}\n{header}\n{rest}{kept}{further}{others}"


def _steps(mark: re.Match[str], text: str) -> Iterator[Step]:
    line = text.count("\n", 0, mark.start()) + 1
    if mark.re is _MEANWHILE:
        yield Meanwhile(line, mark[1])
    else:
        yield from _of_fence(mark, line + 1, text[: mark.start()].rstrip())


def _of_fence(fence: re.Match[str], line: int, before: str) -> Iterator[Step]:
    language, *written = fence["info"].split()
    options = dict(one.split("=", 1) for one in written if "=" in one)
    if language == "console":
        hosts = tuple(options.get("on", "").split(",")) if "on" in options else ()
        commands = _commands(fence["text"], line, int(options.get("status", 0)))
        yield from (replace(one, hosts=hosts) for one in commands)
    for name in ("file", "add"):
        if name in options:
            yield File(line, Path(options[name]), fence["text"], name == "add", before.rpartition("\n\n")[2])


def _commands(text: str, first: int, last_status: int) -> list[Command]:
    found: list[Command] = []
    for number, line in enumerate(text.splitlines(), first):
        if line.startswith("# "):
            found.append(Command(number, line.removeprefix("# ")))
        elif not found:
            raise ValueError(f"line {number}: what is shown stands before any command")
        elif line.startswith("> ") and not found[-1].shown:
            former = found.pop()
            found.append(Command(former.line, f"{former.text}\n{line.removeprefix('> ')}"))
        else:
            former = found.pop()
            found.append(Command(former.line, former.text, (*former.shown, line)))
    if found:
        last = found.pop()
        found.append(Command(last.line, last.text, last.shown, last_status))
    return found

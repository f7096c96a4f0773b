"""A section of a document, followed to the letter beside Contoso's Postfix in the laboratory.

Owns: what the words of a document are here: its addresses, its ``systemctl``, its ``domain-secure``.  What a
fence means is in machines/inside/document_reader.py, and two kinds of marks are for the laboratory alone:

| mark | means |
| --- | --- |
| ``shell-session`` | as ``console``, and not followed on a booted machine |
| ``LANGUAGE written=PATH`` | as ``LANGUAGE file=PATH``, and not followed on a booted machine |
| ``LANGUAGE added=PATH`` | as ``LANGUAGE add=PATH``, and not followed on a booted machine |
| ``<!-- here: WHAT -->`` | as ``<!-- meanwhile: WHAT -->``, and nothing on a booted machine |
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .files import put
from .laboratory import ADDRESSES, CONTOSO, EVIL, NOBODY, WOODGROVE
from .namespaces import LabError
from .product import COMMAND, RELOADED, Product
from machines.inside.document_reader import Command, File, added, is_shown, sections

PROXY = "192.0.2.4"  #: the address of a proxy in front of Contoso, where there is one
HOME = Path("/run/lab/home")  #: where files lie that a document names without their folder
_DOCUMENTS = Path(__file__).resolve().parents[2] / "docs"
_HERE = {
    "203.0.113.1": ADDRESSES[CONTOSO],
    "203.0.113.2": ADDRESSES[WOODGROVE],
    "203.0.113.4": PROXY,
    "203.0.113.5": ADDRESSES[EVIL],
    "203.0.113.6": NOBODY,
}
_ADDRESS = re.compile(r"\b203\.0\.113\.\d+\b")
_FOR_US_ALONE = (
    (re.compile(r"(?m)^```shell-session"), "```console"),
    (re.compile(r"(?m)^(```\w+) written="), r"\1 file="),
    (re.compile(r"(?m)^(```\w+) added="), r"\1 add="),
    (re.compile(r"(?m)^<!-- here: "), "<!-- meanwhile: "),
)
_BACK = re.compile(r"\*\*Back")
Service = Callable[[], object]


@dataclass
class Followed:
    """Who follows a document: *units* is what ``systemctl VERB UNIT`` does, *meanwhile* what others do."""

    product: Product
    units: Mapping[str, Service] = field(default_factory=dict)
    meanwhile: Mapping[str, Service] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.product.lab.namespaces.run("mkdir", "-p", HOME)

    def follow(self, document: str, heading: str) -> None:
        """Do what stands below one heading, up to where it tells the way back.

        Raises AssertionError where something is not as the document says, LabError where it has no such
        heading.
        """
        self._follow(document, heading, back=False)

    def go_back(self, document: str, heading: str) -> None:
        """Do what stands below one heading from where it tells the way back; raises as follow()."""
        self._follow(document, heading, back=True)

    def _follow(self, document: str, heading: str, *, back: bool) -> None:
        text = (_DOCUMENTS / document).read_text()
        for pattern, replacement in _FOR_US_ALONE:
            text = pattern.sub(replacement, text)
        found = [section for section in sections(text) if section.heading == heading]
        if len(found) != 1:
            raise LabError(f"{document} has {len(found)} sections with something to do called {heading!r}")
        start = found[0].steps[0].line
        turn = next(
            (
                number
                for number, line in enumerate(text.splitlines(), 1)
                if number > start and _BACK.match(line)
            ),
            text.count("\n"),
        )
        for step in found[0].steps:
            if (step.line > turn) is not back:
                continue
            where = f"{document}:{step.line}"
            if isinstance(step, Command):
                self._type(step, where)
            elif isinstance(step, File):
                self._write(step)
            elif step.what not in self.meanwhile:
                raise LabError(f"{where}: nobody knows how {step.what!r} is done")
            else:
                self.meanwhile[step.what]()

    def _type(self, command: Command, where: str) -> None:
        text = _here(command.text)
        status, output = self._done(text)
        assert status == command.status, f"{where}: `{text}` ended with {status}\n{output}"
        shown = tuple(map(_here, command.shown))
        assert not shown or is_shown(shown, output), f"{where}: `{text}` shows\n{output}"

    def _done(self, text: str) -> tuple[int, str]:
        words = shlex.split(text)
        if words[0] == "systemctl":
            return self._manage(words[1:])
        if words[0] == "domain-secure":
            return self._command(words[1:])
        done = self.product.lab.namespaces.run("sh", "-c", f"exec 2>&1\n{text}", check=False)
        if words[0] == "postconf":
            self.product.lab.contoso.age_main()
        return done.returncode, done.stdout

    def _manage(self, words: list[str]) -> tuple[int, str]:
        reload = {"reload postfix": self.product.lab.contoso.reload}
        (reload | dict(self.units))[" ".join(words)]()
        return 0, ""

    def _command(self, words: list[str]) -> tuple[int, str]:
        if words[0] == "--config":
            # What it is told by name lies in root's folder.
            typed = ("sh", "-c", f'cd {HOME} && exec "$@"', "sh", COMMAND, *words)
            done = self.product.lab.namespaces.run(*typed, check=False)
            return done.returncode, done.stdout + done.stderr
        done = self.product.command(*words, check=False)
        if RELOADED in done.stdout:
            self._manage(["reload", "postfix"])
        return done.returncode, done.stdout + done.stderr

    def _write(self, step: File) -> None:
        path = self.product.lab.namespaces.outside(step.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = _here(step.text)
        put(path, (added(path.read_text(), text) if step.is_added else text).encode())


def _here(text: str) -> str:
    """Return a text of a document with the laboratory's addresses."""
    return _ADDRESS.sub(lambda found: _HERE[found.group()], text)

"""The one JSON document a command answers with where ``--json`` was asked for; an error is one as well.

Owns: the head of every document, and that nothing else gets to standard output.
Must not know: what a command does, and the schemas, which are documentation (``docs/schema``).

While a command runs, an ``Answer`` stands for standard output.  The command gives it a document by
``print_json``; what it prints for a person all the same is kept as lines under ``said``.
"""

import io
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from domain_secure.policy.terms.problems import Problem

VERSION = 1  #: raised when a key goes away or changes its meaning; new keys may come without
OPTION = "--json"
NAGIOS = "--nagios"  #: asks for another form, which answers in the same way


def add_json(parser: Any, help_text: str = "print one JSON document") -> None:
    """Let a command be asked for its document; every command gets this that does not do it itself."""
    parser.add_argument(OPTION, action="store_true", help=help_text)


class Answer(io.TextIOWrapper):
    """Stands for standard output while a command runs, and becomes its document in the end.

    stream: where the document goes.
    command: the words of the command, such as ``receive add``, once they are understood.
    """

    def __init__(self, stream: TextIO) -> None:
        self._octets = io.BytesIO()
        super().__init__(self._octets, encoding="utf-8", errors="replace", write_through=True)
        self.stream = stream
        self.command = ""
        self._document: Mapping[str, Any] = {}
        self._notes: list[str] = []
        self.is_in_lines = False  #: it is many documents, of which each is a line

    def put(self, document: Mapping[str, Any]) -> None:
        """Take what the command answers; its keys go beside those of the head."""
        self._document = {**self._document, **document}

    def put_line(self, document: Mapping[str, Any]) -> None:
        """Write one document of many at once, in a line of its own; from here on there is no other."""
        self.is_in_lines = True
        self._write({"version": VERSION, "command": self.command, **document}, indent=None)

    def add_note(self, text: str) -> None:
        """Take a word to the person that is not the result."""
        self._notes.append(text)

    def finish(self, status: int, problem: Problem | None = None) -> int:
        """Write the document of a command that ended with *status*, or failed with *problem*.

        Returns the exit status.
        """
        if self.is_in_lines and problem is None:
            return status
        found = whole(self.command, self._document, status, problem)
        found |= {"said": self._said(), "notes": self._notes}
        self._write(found, indent=None if self.is_in_lines else 2)
        return status

    def _said(self) -> list[str]:
        self.flush()
        return self._octets.getvalue().decode(errors="replace").splitlines()

    def _write(self, document: Mapping[str, Any], indent: int | None) -> None:
        print(text_of(document, self.stream, indent), file=self.stream, flush=True)


def text_of(document: Mapping[str, Any], stream: TextIO, indent: int | None = 2) -> str:
    """Return a document as it is written to *stream*; what the locale lacks is escaped."""
    # What stands for standard output in a program of ours has no encoding.
    has_all_letters = (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")
    return json.dumps(document, indent=indent, ensure_ascii=not has_all_letters, default=str)


def whole(
    command: str, document: Mapping[str, Any], status: int = 0, problem: Problem | None = None
) -> dict[str, Any]:
    """Return a command's document between the keys that every document has."""
    error = problem and {"what": problem.what, "where": problem.where, "fix": problem.fix}
    head = {"version": VERSION, "command": command, "exit_status": int(status), "error": error}
    return head | dict(document) | {"said": [], "notes": []}


def asked_answer(arguments: Sequence[str], stream: TextIO) -> Answer | None:
    """Return what is to stand for *stream* while a command with these arguments runs, or None.

    The arguments need not be right: that they are not is a document, too.
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if NAGIOS in options:
        # Nobody else should wait for it.
        from .plugin_output import PluginAnswer  # noqa: PLC0415

        return PluginAnswer(stream)
    return Answer(stream) if OPTION in options else None


def answer() -> Answer | None:
    """Return what takes the document of the command that runs; None where a person reads."""
    return sys.stdout if isinstance(sys.stdout, Answer) else None

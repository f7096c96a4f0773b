"""Faults found in the configuration: gathered first, then placed on their lines.

Owns: which fault is told, and how its place is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .problems import Problem
from .toml_lines import Keys, Lines, dotted, locate


@dataclass(frozen=True, slots=True)
class _Fault:
    keys: Keys
    element: int | None
    what: str
    fix: str


class Faults:
    """Gathers what is wrong, and finds the lines only when something is."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self._text = text
        self._faults: list[_Fault] = []
        self._elsewhere: list[Problem] = []

    def add(self, keys: Keys, what: str, fix: str, element: int | None = None) -> None:
        """Add a fault of the key *keys*, or of an element of its list."""
        self._faults.append(_Fault(keys, element, what, fix))

    def add_elsewhere(self, problem: Problem) -> None:
        """Add a fault of another file than the configuration itself."""
        self._elsewhere.append(problem)

    def raise_first(self) -> None:
        """Raise the Problem that stands first in the file, and say how many more there are."""
        lines = locate(self._text) if self._faults else Lines()
        problems = [*self._problems(lines), *self._elsewhere]
        if not problems:
            return
        first, more = problems[0], len(problems) - 1
        if more:
            first = Problem(f"{first.what} (the first of {more + 1} faults)", first.where, first.fix)
        raise first

    def _problems(self, lines: Lines) -> Iterator[Problem]:
        placed = [(lines.of(fault.keys, fault.element) or 0, fault) for fault in self._faults]
        for line, fault in sorted(placed, key=lambda pair: pair[0]):
            where = f"{self.path}:{line}: {dotted(fault.keys, fault.element)}"
            yield Problem(fault.what, where, fault.fix)

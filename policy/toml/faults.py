"""Faults found in the configuration: gathered first, then placed on their lines.

Owns: which fault is told, and how its place is written.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.terms.problems import Problem

from .toml_lines import Keys, Lines, dotted, locate


@dataclass(frozen=True, slots=True)
class _Fault:
    keys: Keys
    element: int | None
    what: str
    fix: str
    shared: bool | None  #: whether it stands in the shared document; None: its keys tell


class FaultsFound(Problem):
    """The fault that stands first in the file, and all the others."""

    def __init__(self, every: tuple[Problem, ...]) -> None:
        first, more = every[0], len(every) - 1
        what = f"{first.what} (the first of {more + 1} faults)" if more else first.what
        super().__init__(what, first.where, first.fix)
        self.every = every


class Faults:
    """Gathers what is wrong, and finds the lines only when something is.

    On a node of a fleet a second document, *shared*, holds the keys that *is_shared* accepts.
    """

    def __init__(
        self,
        path: Path,
        text: str,
        shared: tuple[Path, str] | None = None,
        is_shared: Callable[[Keys], bool] = lambda _: False,
    ) -> None:
        self.path = path
        self._text = text
        self._shared = shared
        self._is_shared = is_shared
        self._faults: list[_Fault] = []
        self._elsewhere: list[Problem] = []

    def add(self, keys: Keys, what: str, fix: str, element: int | None = None) -> None:
        """Add a fault of the key *keys*, or of an element of its list."""
        self._faults.append(_Fault(keys, element, what, fix, None))

    def add_own(self, keys: Keys, what: str, fix: str) -> None:
        """Add a fault of the node's own file, whoever the key belongs to."""
        self._faults.append(_Fault(keys, None, what, fix, shared=False))

    def add_shared(self, keys: Keys, what: str, fix: str) -> None:
        """Add a fault of the shared document, whoever the key belongs to."""
        self._faults.append(_Fault(keys, None, what, fix, shared=True))

    def add_elsewhere(self, problem: Problem) -> None:
        """Add a fault of another file than the configuration itself."""
        self._elsewhere.append(problem)

    def raise_first(self) -> None:
        """Raise FaultsFound where anything was added: the first in the file, and how many more there are."""
        own = [fault for fault in self._faults if not self._stands_in_shared(fault)]
        shared = [fault for fault in self._faults if self._stands_in_shared(fault)]
        problems = [*_problems(self.path, self._text, own)]
        if self._shared is not None:
            problems += _problems(*self._shared, shared)
        problems += self._elsewhere
        if problems:
            raise FaultsFound(tuple(problems))

    def _stands_in_shared(self, fault: _Fault) -> bool:
        if self._shared is None:
            return False
        return self._is_shared(fault.keys) if fault.shared is None else fault.shared


def _problems(path: Path, text: str, faults: Iterable[_Fault]) -> Iterator[Problem]:
    faults = tuple(faults)
    lines = locate(text) if faults else Lines()
    placed = [(lines.of(fault.keys, fault.element) or 0, fault) for fault in faults]
    for line, fault in sorted(placed, key=lambda pair: pair[0]):
        where = f"{path}:{line}: {dotted(fault.keys, fault.element)}"
        yield Problem(fault.what, where, fault.fix)

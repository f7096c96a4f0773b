"""One place where the product reads what others wrote.

Owns: what a target is, and what counts as a fault of it.
"""

import ast
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

DICTIONARIES = Path(__file__).parents[2] / "data" / "dictionaries"
#: Gives the product one input; raises whatever the product does not document, and `Fault`.
Take = Callable[[bytes], None]


class Fault(Exception):  # noqa: N818 - it is about the product, and it is not raised by it
    """The product did not raise, and yet it is wrong: the argument says what, in one clause."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target by its name.

    *opened* makes what it takes in an empty folder.  *largest* is how many octets can come at once, by our
    own bound or by that of who sends them; *seconds* of a processor are the most that any input may take.
    """

    name: str
    opened: Callable[[Path], AbstractContextManager[Take]]
    largest: int
    seconds: float = 1.0
    separators: tuple[bytes, ...] = (b"\n",)  #: where an input is cut into parts that may be repeated

    @property
    def dictionary(self) -> Path:
        """Return the file of words that inputs are made of, in libFuzzer's form."""
        return DICTIONARIES / f"{self.name}.dict"

    @property
    def words(self) -> tuple[bytes, ...]:
        """Return the words of the dictionary."""
        lines = self.dictionary.read_text(encoding="ascii").splitlines()
        return tuple(ast.literal_eval(f"b{line}") for line in lines)


class _Errors(logging.Handler):
    """Keeps the first fault of our own that was logged: it was caught, and it is one nevertheless."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.first = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Note a line."""
        line = record.getMessage()
        if not self.first and line.startswith("internal-error"):
            self.first = line


@contextmanager
def caught_errors() -> Iterator[Callable[[], None]]:
    """Yield what raises Fault where a fault of our own was caught and logged since it was asked last."""
    log, errors = logging.getLogger("domain_secure"), _Errors()
    log.addHandler(errors)
    propagated, log.propagate = log.propagate, False

    def check() -> None:
        if line := errors.first:
            errors.first = ""
            raise Fault(line)

    try:
        yield check
    finally:
        log.removeHandler(errors)
        log.propagate = propagated

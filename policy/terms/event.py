"""The form of every line that the daemon writes; which lines there are stands with who writes them.

A line is a word for the event, then ``key=value`` pairs in a fixed order; scripts search for them, so a
changed line is an incompatible change.  Values that a stranger chose are quoted and escaped here.
The lines themselves are in the modules ``events`` and ``protocol_events`` of the rooms;
``tests/unit/test_events.py`` has each to the letter.
"""

import json
import logging
import re
from dataclasses import dataclass
from typing import Self

_BARE = re.compile(r"[\w.:/@\[\]*+<>=,%-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Event:
    """One line: its level (as in ``logging``), its word, and its pairs."""

    level: int
    word: str
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, level: int, word: str, /, **pairs: object) -> Self:
        """Return the event; what is None is written as a dash."""
        written = [(key, "-" if value is None else str(value)) for key, value in pairs.items()]
        return cls(level, word, tuple(written))

    def __str__(self) -> str:
        """Return the line; values outside a safe alphabet are JSON strings in ASCII."""
        is_bare, quoted = _BARE.fullmatch, json.dumps
        said = [f"{key}={value if is_bare(value) else quoted(value)}" for key, value in self.pairs]
        return " ".join([self.word, *said])


def internal_error(where: str, error: BaseException) -> Event:
    """Return the line for a fault of our own; the traceback goes beside it."""
    return Event.of(
        logging.ERROR, "internal-error", where=where, type=type(error).__name__, detail=str(error)
    )

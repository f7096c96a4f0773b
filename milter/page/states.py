"""How things fare, and when something was, in words and signs.

Owns: the words for states and times.
Invariant: a state is told by a sign and a word; its colour only repeats them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, unique


@unique
class State(Enum):
    """How something fares: a rank (worst first), a sign for those who see no colours, and a word."""

    FAILING = 0, "✕", "failing"
    ATTENTION = 1, "▲", "attention"
    GOOD = 2, "●", "good"
    QUIET = 3, "○", "quiet"

    def __init__(self, rank: int, sign: str, word: str) -> None:
        self.rank, self.sign, self.word = rank, sign, word


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, for machines and for people."""

    iso: str
    exact: str
    ago: str


def moment(iso: str, now: datetime) -> Moment:
    """Return a time of a document as the page shows it."""
    when = datetime.fromisoformat(iso)
    return Moment(iso, f"{when:%Y-%m-%d %H:%M:%S} UTC", _ago(now - when))


def counted(number: int, noun: str) -> str:
    """Return a number of things; nothing for none."""
    return f"{number:,} {noun}{'s' * (number != 1)}" if number else ""


def _ago(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'s' * (number > 1)} ago"
    return "just now"

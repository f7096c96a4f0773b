"""What a measurement is, and how it is printed.

Owns: medians, ratios to a reference of the same run, goals and the promises made of them, the table, the JSON
document, what a command used up.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from domain_secure.commands.terminal.common import print_table

from .shortfalls import SHORTFALLS
from lab.namespaces import LabError
from promises import Promise

_SPAWN = Path(__file__).with_name("spawn.py")


_GOAL = re.compile(r"(?P<direction>>=|<=) (?P<number>[0-9.,]*[0-9])(?: (?P<unit>[^,]*[^, ]))?")


@dataclass(frozen=True, slots=True)
class Goal:
    """What a median has to be: at least or at most *number*.

    With a *unit* it is about the value itself, without one about its ratio to the reference.
    """

    number: float
    is_least: bool
    unit: str = ""

    @classmethod
    def parse(cls, text: str) -> "Goal":
        """Return the goal written *text*, as ``>= 0.95`` or ``<= 20 ms``; raises ValueError."""
        found = _GOAL.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no goal")
        return cls(float(found["number"].replace(",", "")), found["direction"] == ">=", found["unit"] or "")

    def is_met_by(self, value: float) -> bool:
        """Tell whether *value* is on the right side."""
        return value >= self.number if self.is_least else value <= self.number


@dataclass(frozen=True, slots=True)
class Measurement:
    """One thing measured several times.

    *ratios* are the values divided by those of the thing called *reference*, each pair of one round.
    *goal* is what `Goal` reads.
    """

    part: str
    what: str
    unit: str
    values: tuple[float, ...]
    reference: str = ""
    ratios: tuple[float, ...] = ()
    goal: str = ""

    def against(self, reference: "Measurement", *, called: str = "", goal: str = "") -> "Measurement":
        """Return the same with its ratio to *reference*, which had as many rounds.

        *called* is what the table calls the reference, where its own name is too long.
        """
        pairs = zip(self.values, reference.values, strict=True)
        # The kernel counts processor time in ticks of 10 ms: in a quick run it may see none.
        ratios = tuple(value / other for value, other in pairs if other)
        return replace(self, reference=called or reference.what, ratios=ratios, goal=goal or self.goal)

    def document(self) -> dict[str, Any]:
        """Return the measurement for JSON, medians included."""
        ratio = median(self.ratios) if self.ratios else None
        return asdict(self) | {"median": median(self.values), "median_ratio": ratio}


def promise_of(one: Measurement) -> Promise:
    """Return what a measurement with a goal promises, and whether its median keeps it."""
    goal = Goal.parse(one.goal)
    is_ratio = bool(one.ratios) and not goal.unit
    measured = median(one.ratios if is_ratio else one.values)
    told = f"{_figure(measured)} × {one.reference}" if is_ratio else f"{_figure(measured)} {one.unit}"
    wanted = f"{one.goal} × {one.reference}" if is_ratio else one.goal
    short = SHORTFALLS.get((one.part, one.what))
    if short is None:
        return Promise(one.part, one.what, wanted, told, goal.is_met_by(measured))
    is_known = Goal.parse(short.until).is_met_by(measured)
    return Promise(one.part, one.what, wanted, told, goal.is_met_by(measured), short.needed, known=is_known)


def print_measurements(measurements: Iterable[Measurement]) -> None:
    """Print a line for each measurement: the medians with their extremes."""
    headers = ("part", "what", "median", "min … max", "unit", "ratio", "min … max", "ratio to", "goal")
    print_table(headers, [_row(one) for one in measurements])


def _row(one: Measurement) -> tuple[str, ...]:
    return (
        one.part,
        one.what,
        *_with_extremes(one.values),
        one.unit,
        *_with_extremes(one.ratios),
        one.reference,
        one.goal,
    )


def _with_extremes(values: tuple[float, ...]) -> tuple[str, str]:
    if not values:
        return "", ""
    extremes = f"{_figure(min(values))} … {_figure(max(values))}" if len(values) > 1 else ""
    return _figure(median(values)), extremes


def _figure(value: float) -> str:
    """Return three digits, as far as they say something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What one command used up, its children included."""

    wall: float  #: seconds
    processor: float  #: seconds, user and system
    peak: float  #: MiB of resident memory, of its largest process


def usage_of(*command: str | Path) -> Usage:
    """Run a command to its end; raises LabError with what it printed when it fails."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", _SPAWN, *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    wall, processor, peak, status = done.stdout.split()
    if status != "0":
        raise LabError(f"`{' '.join(map(str, command))}` ended with {status}: {done.stderr.strip()}")
    return Usage(float(wall), float(processor), float(peak) / 1024)

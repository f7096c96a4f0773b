"""What a monitoring system that runs plugins reads with ``--nagios``: one line, a state, numbers.

Owns: the form, the exit status, and that whatever goes wrong is UNKNOWN.
Must not know: what is judged, and how bad it is.

Source: the Monitoring Plugins Development Guidelines, "Plugin Output for Nagios" and "Plugin Return Codes";
of a longer output Nagios reads 4 KB.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, unique
from pathlib import Path
from typing import Any

from domain_secure.policy.terms.problems import ExitStatus, Problem

from .documents import NAGIOS, Answer
from .own_process import document_of

SERVICE = "DOMAIN-SECURE"
SECONDS = 50.0  #: less than the minute that Nagios gives a plugin by default
_TEXT = 200  #: characters of the first line
_OUTPUT = 3_900  #: octets
_MOST_SECONDS = 3600.0


@unique
class State(IntEnum):
    """What is told, with the exit status."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Number:
    """One number of the performance data; the thresholds are ranges as the guidelines write them."""

    label: str
    value: float | None  #: None: not known
    unit: str = ""  #: empty for a count of things, ``c`` for a counter, ``s`` for seconds
    warning: str = ""
    critical: str = ""

    def __str__(self) -> str:
        """Return it as ``label=value[unit];[warning];[critical];minimum``."""
        value = "U" if self.value is None else f"{self.value:.10g}{self.unit}"
        # What is left has a negative number once it has ended.
        least = "" if self.value is not None and self.value < 0 else "0"
        return f"{self.label}={value};{self.warning};{self.critical};{least}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a plugin tells."""

    state: State
    text: str
    numbers: tuple[Number, ...] = ()
    more: tuple[str, ...] = ()  #: lines for who opens it

    def __str__(self) -> str:
        """Return the output: the line with the numbers, then the other lines as far as they fit."""
        first = f"{SERVICE} {self.state.name} - {_plain(self.text, _TEXT)}"
        if self.numbers:
            first += f" | {' '.join(map(str, self.numbers))}"
        lines, room = [first], _OUTPUT - len(first.encode())
        for number, line in enumerate(self.more):
            written = _plain(line, _OUTPUT)
            room -= len(written.encode()) + 1
            if room < 0:
                lines.append(f"and {len(self.more) - number} more")
                break
            lines.append(written)
        return "\n".join(lines)


class PluginAnswer(Answer):
    """Stands for standard output while a command judges something, and becomes its line in the end."""

    result: Result | None = None

    def finish(self, status: int, problem: Problem | None = None) -> int:
        """Write what was judged; what failed is UNKNOWN, wrong use as well."""
        del status
        result = self.result
        if problem is not None:
            result = Result(State.UNKNOWN, str(problem))
        elif result is None:
            result = Result(State.UNKNOWN, f"{self.command} judges nothing")
        print(str(result), file=self.stream, flush=True)
        return result.state


def add_nagios(parser: argparse.ArgumentParser, form: Any) -> None:
    """Let a command be run as a plugin; *form* is the parser or the group with its other forms."""
    form.add_argument(
        NAGIOS, action="store_true", help="print one line with a state, for a monitoring system"
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        help=f"with --nagios: UNKNOWN after so long (default: {SECONDS:g})",
    )


def judged(
    path: Path, command: list[str], timeout: float | None, judge: Callable[[dict[str, Any]], Result]
) -> ExitStatus:
    """Let a *command* about the configuration at *path* run on its own, and tell what *judge* makes of it.

    Raises Problem where it does not end in time, or fails.
    """
    started = time.monotonic()
    result = judge(document_of(path, command, timeout or SECONDS))
    took = Number("time", round(time.monotonic() - started, 3), "s")
    if isinstance(sys.stdout, PluginAnswer):
        sys.stdout.result = Result(result.state, result.text, (*result.numbers, took), result.more)
    return ExitStatus.DONE


def refuse_timeout(arguments: argparse.Namespace) -> None:
    """Raise Problem where a time limit is given to what has none."""
    if arguments.timeout is not None and not arguments.nagios:
        raise Problem("it is about --nagios", "--timeout", "add --nagios, or leave --timeout out")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= _MOST_SECONDS:  # also refuses nan
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {_MOST_SECONDS:g}")
    return value


def _plain(text: str, most: int) -> str:
    """Return text without what would end the line or begin the numbers, and no longer than *most*."""
    plain = "".join(one if one.isprintable() else " " for one in text.replace("|", "/"))
    plain = " ".join(plain.split())
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"

"""``./dev promises``: the long form of every tool, one after another, and whether all of it ends in time.

Owns: the order, what each may take, and what is told at the end.  Each tool is a process of its own and
prints its own table; one that breaks, or does not end, leaves the others to be run.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from promises import TOGETHER, Promise, broken, print_promises, record

PART = "time"
_TESTS = Path(__file__).parent
_WHOLE_MINUTES = 60  #: promised on a machine with two processors
#: How the hour is shared; what one takes beyond its share, others may have left.
SHARES = {"attack": 11, "fault": 20, "sabotage": 3, "mutation": 5, "bench": 17, "static": 4}
_ARGUMENTS = {"mutation": ("--sample", "80")}  #: of some thousand changes in each room
_PATIENCE = 4  #: shares, behind which a tool is ended
_ENDING_SECONDS = 60.0
_STATES = ("held", "falls short", "BROKEN", "not looked at")


@dataclass(frozen=True, slots=True)
class Ended:
    """How one tool ended."""

    tool: str
    status: int | None  #: None: it did not end by itself
    seconds: float
    printed: str

    @property
    def lines(self) -> list[str]:
        """Return the lines of its table."""
        return [line.rstrip() for line in self.printed.splitlines() if line.rstrip().endswith(_STATES)]

    @property
    def summary(self) -> str:
        """Return how many promises are in which state, and how it ended where that says more."""
        counts = Counter(next(state for state in _STATES if line.endswith(state)) for line in self.lines)
        told = ", ".join(f"{counts[state]} {state}" for state in _STATES if counts[state])
        if self.status is None:
            return f"{told or 'nothing told'}; it did not end"
        return f"{told or 'nothing told'}; ended with {self.status}"


def run(tool: str, arguments: Sequence[str]) -> Ended:
    """Run the long form of a tool to its end; what it prints is printed."""
    words = [sys.executable, "-P", "-m", f"{tool}.run", *_ARGUMENTS.get(tool, ()), *arguments]
    began = time.monotonic()
    # A group of its own: whoever interrupts this one is not to leave laboratories behind, nor is the timeout.
    with subprocess.Popen(
        words,
        env=os.environ | {"PYTHONPATH": str(_TESTS)},
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,
    ) as process:
        status: int | None
        try:
            printed, _ = process.communicate(timeout=SHARES[tool] * 60 * _PATIENCE)
            status = process.returncode
        except subprocess.TimeoutExpired:
            printed, status = _ended(process), None
        except BaseException:
            _ended(process)
            raise
    print(printed, end="", flush=True)
    return Ended(tool, status, time.monotonic() - began, printed)


def _ended(process: "subprocess.Popen[str]") -> str:
    """Have a tool tidy up, and end it where it does not; return what it printed."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        return process.communicate(timeout=_ENDING_SECONDS)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0]


def promises_of(ended: Sequence[Ended]) -> list[Promise]:
    """Return what is promised of the time and of each tool's end."""
    whole = sum(one.seconds for one in ended)
    is_in_time = whole <= _WHOLE_MINUTES * 60
    found = []
    for one in ended:
        is_within = one.seconds <= SHARES[one.tool] * 60
        found.append(
            Promise(
                PART,
                f"{one.tool}, elapsed",
                f"<= {SHARES[one.tool]} min",
                _minutes(one.seconds),
                is_within,
                "" if is_within else "Its share of the hour; others may have left some of theirs.",
                known=is_in_time,
            )
        )
        found.append(Promise(PART, f"{one.tool}, ends with", "0", one.summary, one.status == 0))
    is_whole = {one.tool for one in ended} == SHARES.keys()
    goal = f"<= {_WHOLE_MINUTES} min on 2 processors"
    if is_whole:
        found.append(Promise(PART, "all tools together, elapsed", goal, _minutes(whole), is_in_time))
    return found


def main(arguments: Sequence[str] | None = None, run_one: Callable[..., Ended] = run) -> int:
    """Run and print; return 1 where a promise of any tool breaks, or the time is not kept."""
    parser = argparse.ArgumentParser(prog="./dev promises", description=__doc__)
    parser.add_argument("tools", nargs="*", metavar="TOOL", help=f"{', '.join(SHARES)}; all unless named")
    parser.add_argument("--record", action="store_true", help="keep the figures in docs, each tool its own")
    options = parser.parse_args(arguments)
    if unknown := set(options.tools) - SHARES.keys():
        parser.error(f"no such tool: {', '.join(sorted(unknown))}; there is {', '.join(SHARES)}")
    ended = []
    for tool in options.tools or SHARES:
        print(f"promises: {tool}, at most {SHARES[tool]} min", file=sys.stderr, flush=True)
        ended.append(run_one(tool, ["--record"] if options.record else []))
    for one in ended:
        for line in one.lines:
            if line.endswith(("BROKEN", "not looked at")):
                print(f"promises: {one.tool}: {' '.join(line.split())}")
    promises = promises_of(ended)
    print_promises(promises)
    if options.record and not options.tools:
        record(TOGETHER, promises, sum(one.seconds for one in ended))
    return 1 if broken(promises) else 0


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


if __name__ == "__main__":
    # As an exception it has the tool that runs tidy up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())

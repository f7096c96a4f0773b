"""``./dev sabotage``: break the product in one place after another, and see that a tool turns red.

A tool that cannot fail proves nothing.  First each tool runs on the product as it is, and has to be green.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from subprocess import CompletedProcess

from .broken_copy import BrokenCopy, broken_copy
from .sabotages import SABOTAGES, Sabotage, Tool
from promises import Promise, broken, print_promises, record

CONTROL = "nothing"
_RED = 1  #: what pytest and the tools end with where something that was looked at is broken


def main(arguments: Sequence[str] | None = None) -> int:
    """Break, look and print; return 1 where a fault is not noticed, or a tool is red without one."""
    known = {one.name: one for one in SABOTAGES}
    parser = argparse.ArgumentParser(prog="./dev sabotage", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(known)}; all unless named")
    parser.add_argument(
        "--record", action="store_true", help="keep what was seen, and write docs/figures.md anew"
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(known):
        parser.error(f"no such sabotage: {', '.join(sorted(unknown))}; there is {', '.join(known)}")
    began = time.monotonic()
    chosen = [known[name] for name in options.names or known]
    tools = tuple(dict.fromkeys(one.caught_by for one in chosen))
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        controls = [pool.submit(_control, some) for some in _together(tools)]
        faults = [pool.submit(_sabotaged, one) for one in chosen]
        promises = [one for future in (*controls, *faults) for one in future.result()]
    print_promises(promises)
    if options.record:
        record("sabotage", promises, time.monotonic() - began)
    return 1 if broken(promises) else 0


def _together(tools: Sequence[Tool]) -> list[tuple[Tool, ...]]:
    """Return what runs in one process: all tests, for they share laboratories, and each part by itself."""
    tests = tuple(sorted((one for one in tools if one.is_test), key=lambda one: one.called))
    return [some for some in (tests, *((one,) for one in tools if not one.is_test)) if some]


def _control(tools: tuple[Tool, ...]) -> list[Promise]:
    """Run tools on a product that nobody has broken."""
    first = tools[0]
    with broken_copy(()) as copy:
        done = _run(copy, first, [one.called for one in tools[1:]])
    called = first.called if len(tools) == 1 else f"{len(tools)} tests of the suite"
    return [_promise(CONTROL, called, "green", done, held=done.returncode == 0)]


def _sabotaged(sabotage: Sabotage) -> list[Promise]:
    """Run the tool on a product that is broken in this one way."""
    with broken_copy(sabotage.replacements) as copy:
        done = _run(copy, sabotage.caught_by)
    # Another status says that the tool itself could not run, which notices nothing.
    is_seen = done.returncode == _RED and bool(_failures(done))
    what = f"{sabotage.what}: seen by {sabotage.caught_by.called}"
    return [_promise(sabotage.name, what, "red", done, held=is_seen)]


def _run(copy: BrokenCopy, tool: Tool, more: Sequence[str] = ()) -> "CompletedProcess[str]":
    done = copy.run(*tool.arguments, *more)
    print(f"sabotage: {tool.called}: ended with {done.returncode}", file=sys.stderr)
    return done


def _promise(name: str, what: str, goal: str, done: "CompletedProcess[str]", *, held: bool) -> Promise:
    failures = _failures(done)
    said = f"red: {failures[0]}" if failures else "green" if done.returncode == 0 else _end(done)
    return Promise(name, what, goal, said, held)


def _failures(done: "CompletedProcess[str]") -> list[str]:
    """Return what was found broken, as a test or a tool says it."""
    lines = done.stdout.splitlines()
    failed = [line.removeprefix("FAILED ").partition("::")[2] for line in lines if line.startswith("FAILED ")]
    return [*failed, *(" ".join(line.split()) for line in lines if line.rstrip().endswith("BROKEN"))]


def _end(done: "CompletedProcess[str]") -> str:
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return f"ended with {done.returncode}: {lines[-1][:200] if lines else 'without a word'}"


if __name__ == "__main__":
    sys.exit(main())

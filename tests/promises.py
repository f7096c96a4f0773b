"""What a tool promises and what it saw; the figures kept of it, and the document made of them.

Owns: the row, its table, the record of a run with date and machine, ``docs/figures.md``.
A promise that is known to fall short is named with what would be needed, and turns no tool red; so does
every other that breaks, and one that could not be looked at though it was asked for.
"""

import argparse
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import print_table

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "docs" / "figures.md"
RECORDS = ROOT / "tests" / "data" / "figures"
TOGETHER = "promises"  #: all tools, one after another
#: in the order of the document
TOOLS = (TOGETHER, "attack", "fault", "sabotage", "mutation", "bench", "static")
_TEXTS = frozenset({"measured", "needed"})
_SECONDS: dict[str, float] = {}  #: that each part took in this process


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing promised, and what was seen of it.

    *goal* and *measured* are texts for people, units included.  *held* is None where it could not be looked
    at, and *needed* then says why.  *known* marks a shortfall that is known, and *needed* then says what it
    would take.
    """

    part: str
    what: str
    goal: str
    measured: str
    held: bool | None
    needed: str = ""
    known: bool = False

    @property
    def state(self) -> str:
        """Return the word that the table shows."""
        if self.held:
            return "held"
        if self.held is None:
            return "not looked at"
        return "falls short" if self.known else "BROKEN"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a tool: why it cannot run here, and how it runs; ``measure(quick)`` returns its promises."""

    measure: Callable[[bool], list[Promise]]
    why_not: Callable[[], str | None] = lambda: None


def broken(promises: Iterable[Promise]) -> bool:
    """Return whether something is broken that was not known to fall short."""
    return any(not one.held and not one.known for one in promises)


def attempted(part: str, measure: Callable[[], list[Promise]]) -> list[Promise]:
    """Return what *measure* saw; where it fails, others go on, and it is a promise that broke."""
    began = time.monotonic()
    try:
        return measure()
    except Exception as error:  # noqa: BLE001 - a tool of an hour must not lose the rest for one part
        traceback.print_exc()
        return [Promise(part, "to be looked at", "yes", "no", held=False, needed=f"{error!r}"[:500])]
    finally:
        _SECONDS[part] = time.monotonic() - began


def print_promises(promises: Iterable[Promise]) -> None:
    """Print a line for each promise."""
    headers = ("part", "promise", "goal", "measured", "state")
    print_table(headers, [(one.part, one.what, one.goal, one.measured, one.state) for one in promises])


def record(tool: str, promises: Sequence[Promise], seconds: float) -> None:
    """Keep what a run of *tool* saw in `RECORDS`, parts that did not run as they were, and render.

    *seconds* is how long it took from start to end, where its parts were not `attempted` one after the other.
    """
    RECORDS.mkdir(exist_ok=True)
    file = RECORDS / f"{tool}.json"
    kept: dict[str, Any] = json.loads(file.read_text())["parts"] if file.exists() else {}
    ran = dict.fromkeys(one.part for one in promises)
    stamp = {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "machine": machine()}
    together = 0.0 if _SECONDS else seconds / len(ran)
    for part in ran:
        # Where somebody has the checkout is no figure.
        rows = [
            {
                key: text.replace(f"{ROOT}/", "") if isinstance(text, str) else text
                for key, text in row.items()
            }
            for row in (asdict(one) for one in promises if one.part == part)
        ]
        kept[part] = stamp | {"seconds": round(_SECONDS.get(part, together)), "rows": rows}
    document = {"tool": tool, "parts": kept}
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    FIGURES.write_text(figures_document())


def machine() -> str:
    """Return what these figures were taken on: processors, memory, kernel, Debian, Python."""
    model = _line("/proc/cpuinfo", "model name") or platform.machine()
    memory = int((_line("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) / 1024 / 1024
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    kernel = platform.release().split("-")[0]
    count = len(os.sched_getaffinity(0))
    return (
        f"{count} × {model}, {memory:.0f} GiB, Linux {kernel}, {system}, Python {platform.python_version()}"
    )


def figures_document() -> str:
    """Return ``docs/figures.md`` as the records say."""
    records = [json.loads(file.read_text()) for file in _files()]
    rows = [Promise(**row) for one in records for part in one["parts"].values() for row in part["rows"]]
    lines = [
        "# Figures",
        "",
        "Made by `./dev figures` from what the tools recorded, never typed: `./dev attack --record`, and",
        "`fault`, `sabotage`, `mutation`, `bench`, `static` alike, or all by `./dev promises --record`.  A",
        "figure says something of the machine beside it; ratios are to a reference of the same run.",
        "",
        f"Of {len(rows)} promises {sum(one.held is True for one in rows)} are held.",
        "",
        "## What falls short",
        "",
    ]
    short = [one for one in rows if not one.held]
    lines += [
        f"- **{one.part}**, {one.what}: {one.measured}, promised {one.goal} ({one.state}). {one.needed}"
        for one in short
    ] or ["Nothing."]
    for one in records:
        took = sum(part["seconds"] for part in one["parts"].values())
        lines += ["", f"## `./dev {one['tool']}`", "", f"All its parts together took {_minutes(took)}."]
        for name, part in one["parts"].items():
            lines += ["", f"### {name}", "", f"{part['date']}; {part['machine']}.", ""]
            lines += ["| promise | goal | measured | |", "|---|---|---|---|"]
            for row in (Promise(**each) for each in part["rows"]):
                cells = (row.what, row.goal, row.measured, row.state)
                lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def run_tool(
    tool: str, purpose: str, parts: Mapping[str, Part], arguments: Sequence[str] | None = None
) -> int:
    """Run the parts that *arguments* name, or all; return 1 where a promise breaks."""
    parser = argparse.ArgumentParser(prog=f"./dev {tool}", description=purpose)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(parts)}; all unless named")
    parser.add_argument("--quick", action="store_true", help="the short form")
    parser.add_argument("--record", action="store_true", help="keep the figures in docs")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(parts):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there is {', '.join(parts)}")
    if options.quick and options.record:
        parser.error("the short form says too little to be recorded")
    began = time.monotonic()
    promises: list[Promise] = []
    for name in options.parts or parts:
        if reason := parts[name].why_not():
            promises.append(Promise(name, "to be looked at", "yes", "no", None, reason))
            continue
        print(f"{tool}: {name}", file=sys.stderr)
        promises += attempted(name, lambda part=parts[name]: part.measure(options.quick))
    print_promises(promises)
    for one in promises:
        if not one.held and one.needed:
            print(f"{tool}: {one.part}, {one.what}: {one.needed}")
    if options.record:
        record(tool, promises, time.monotonic() - began)
    return 1 if broken(promises) else 0


def main() -> int:
    """``./dev figures``: write the document anew."""
    FIGURES.write_text(figures_document())
    return 0


def _files() -> list[Path]:
    return [file for tool in TOOLS if (file := RECORDS / f"{tool}.json").exists()]


def _minutes(seconds: int) -> str:
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"


def _line(path: str, key: str) -> str:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


if __name__ == "__main__":
    sys.exit(main())

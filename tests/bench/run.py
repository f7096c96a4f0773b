"""``./dev bench``: measure the product beside a reference in the same run, and print the ratios.

What has a goal is a promise: one that breaks, and is not known to fall short, turns the run red.  A figure
says something only beside the others of its run, and about that machine; the short form says whether it
works.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import (
    capacity,
    decisions,
    fleet,
    flood,
    latency,
    log_reading,
    mail_flow,
    many_edges,
    memory,
    records,
    scrape,
    start_up,
    tables,
    where_time_goes,
)
from .measurement import Measurement, print_measurements, promise_of
from promises import Promise, attempted, broken, print_promises, record


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    messages: int  #: a round and variant
    mail_rounds: int
    domains: int
    records: int  #: written down a round
    log_lines: int  #: of Postfix's log
    edges: int  #: of a fleet
    changes: int  #: of its policy
    rounds: int  #: of everything else


# Short rounds and many of them: what else the machine does then disturbs neighbours alike, and medians
# forget it.
FULL = Size(
    messages=1000,
    mail_rounds=14,
    domains=1_000_000,
    records=20_000,
    log_lines=500_000,
    edges=50,
    changes=20,
    rounds=5,
)
QUICK = Size(
    messages=40, mail_rounds=2, domains=2_000, records=500, log_lines=10_000, edges=2, changes=1, rounds=1
)

PARTS: dict[str, Callable[[Size], list[Measurement]]] = {
    mail_flow.PART: lambda size: mail_flow.measure(size.messages, size.mail_rounds),
    latency.PART: lambda size: latency.measure(size.messages),
    where_time_goes.PART: lambda size: where_time_goes.measure(size.messages * 2),
    capacity.PART: lambda size: capacity.measure(size.messages * 2, size.rounds),
    flood.PART: lambda size: flood.measure(size.messages // 10 + 5),
    decisions.PART: lambda size: decisions.measure(size.domains),
    scrape.PART: lambda size: scrape.measure(min(size.domains, 10_000)),
    records.PART: lambda size: records.measure(size.records),
    log_reading.PART: lambda size: log_reading.measure(size.log_lines, size.rounds),
    start_up.PART: lambda size: [
        *start_up.measure(size.rounds),
        *start_up.measure_long(size.domains, min(size.rounds, 2)),
    ],
    tables.PART: lambda size: tables.measure(size.domains, min(size.rounds, 3)),
    fleet.PART: lambda size: fleet.measure(size.edges, size.changes, size.domains),
}

#: Parts that look at what is promised, and need no reference; with how many messages the long run has.
PROMISED: dict[str, Callable[[bool, int], list[Promise]]] = {
    memory.PART: lambda quick, messages: memory.measure(messages, quick=quick),
    many_edges.PART: lambda quick, _: many_edges.measure(many_edges.QUICK if quick else many_edges.EDGES),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 where a promise breaks, or a part that was asked for cannot run here."""
    known = (*PARTS, *PROMISED)
    options = _options(arguments, known)
    began = time.monotonic()
    messages = options.messages or (memory.QUICK_SOAK if options.quick else memory.SOAK)
    size = QUICK if options.quick else FULL
    measurements: list[Measurement] = []
    needing = (mail_flow, latency, where_time_goes, capacity, flood, fleet, memory, many_edges)
    left_out = {part.PART: reason for part in needing if (reason := part.why_not())}
    promises: list[Promise] = []
    for part in options.parts or known:
        if part in left_out:
            print(f"bench: {part} is left out: {left_out[part]}", file=sys.stderr)
            promises.append(Promise(part, "to be measured", "yes", "no", None, left_out[part]))
            continue
        print(f"bench: measuring {part}", file=sys.stderr)

        def measure(part: str = part) -> list[Promise]:
            if part in PROMISED:
                return PROMISED[part](options.quick, messages)
            seen = PARTS[part](size)
            measurements.extend(seen)
            return [promise_of(one) for one in seen if one.goal]

        promises += attempted(part, measure)
    print_measurements(measurements)
    print()
    print_promises(promises)
    if options.json:
        options.json.write_text(json.dumps([one.document() for one in measurements], indent=1) + "\n")
    if options.record:
        record("bench", promises, time.monotonic() - began)
    asked_in_vain = bool(left_out.keys() & set(options.parts))
    return 1 if asked_in_vain or (broken(promises) and not options.quick) else 0


def _options(arguments: Sequence[str] | None, known: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(known)}; all unless named")
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean little")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every single value there")
    parser.add_argument("--record", action="store_true", help="keep the figures in docs/figures.md")
    parser.add_argument(
        "--messages",
        type=int,
        metavar="N",
        help=f"of {memory.PART}'s long run: {memory.SOAK:,}; overnight, 1000000",
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(known):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there is {', '.join(known)}")
    if options.quick and options.record:
        parser.error("the short form says too little to be recorded")
    return options


if __name__ == "__main__":
    sys.exit(main())

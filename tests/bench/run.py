"""``./dev bench``: measure the product beside a reference in the same run, and print the ratios.

What has a goal is a promise: one that breaks, and is not known to fall short, turns the run red.  A figure
says
something only beside the others of its run, and about that machine; the short form says whether it works.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from promises import Promise, broken, print_promises, record

from . import (
    capacity,
    decisions,
    fleet,
    flood,
    latency,
    log_reading,
    mail_flow,
    records,
    scrape,
    start_up,
    tables,
    where_time_goes,
)
from .measurement import Measurement, print_measurements, promise_of


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
    start_up.PART: lambda size: start_up.measure(size.rounds),
    tables.PART: lambda size: tables.measure(size.domains, min(size.rounds, 3)),
    fleet.PART: lambda size: fleet.measure(size.edges, size.changes, size.domains),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 where a promise breaks, or a part that was asked for cannot run here."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all unless named")
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean little")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every single value there")
    parser.add_argument(
        "--record", action="store_true", help="keep the figures, and write docs/figures.md anew"
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there is {', '.join(PARTS)}")
    if options.quick and options.record:
        parser.error("the short form says too little to be recorded")
    began = time.monotonic()
    size = QUICK if options.quick else FULL
    measurements: list[Measurement] = []
    reasons = {
        part.PART: part.why_not() for part in (mail_flow, latency, where_time_goes, capacity, flood, fleet)
    }
    left_out = {part: reason for part, reason in reasons.items() if reason}
    for part in options.parts or PARTS:
        if part in left_out:
            print(f"bench: {part} is left out: {left_out[part]}", file=sys.stderr)
            continue
        print(f"bench: measuring {part}", file=sys.stderr)
        measurements += PARTS[part](size)
    print_measurements(measurements)
    if options.json:
        options.json.write_text(json.dumps([one.document() for one in measurements], indent=1) + "\n")
    unseen = [Promise(part, "to be measured", "yes", "no", None, reason) for part, reason in left_out.items()]
    promises = [promise_of(one) for one in measurements if one.goal]
    print()
    print_promises([*promises, *unseen])
    if options.record:
        record("bench", [*promises, *unseen], time.monotonic() - began)
    asked_in_vain = bool(left_out.keys() & set(options.parts))
    return 1 if asked_in_vain or (broken(promises) and not options.quick) else 0


if __name__ == "__main__":
    sys.exit(main())

"""``./dev mutation``: change the rooms where it is decided a little, thousands of times, each time once.

A change that no test notices says that something may be built wrongly and stay green.  Those that are left
are in ``survivors.toml``, each with the reason why no test is to notice it.
"""

import argparse
import os
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from .mutants import Fate, Mutant, mutants
from promises import Promise, broken, print_promises, record

SURVIVORS = Path(__file__).parent / "survivors.toml"
_MOST = 5.0  #: per cent that may be left

#: Each room's own tests, and those of its neighbours that try what it is for; whatever runs a mutant is run.
ROOMS = {
    "decision": (
        "tests/unit/policy/decision",
        "tests/unit/policy/reflector/test_answer.py",
        "tests/unit/milter/session/test_inbound.py",
        "tests/unit/commands/explain",
        "tests/unit/commands/partner",
    ),
    "claims": tuple(
        f"tests/unit/policy/claims/test_{name}.py"
        for name in ("address", "claims", "encoded_word", "host_names")
    ),
    "certificates": ("tests/unit/policy/certificates",),
    "revocation": ("tests/unit/policy/revocation",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Change, try and print; return 1 where a change is left that has no reason."""
    parser = argparse.ArgumentParser(prog="./dev mutation", description=__doc__)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"{', '.join(ROOMS)}; all unless named")
    parser.add_argument("--sample", type=int, metavar="N", help="try so many of each room, always the same")
    parser.add_argument(
        "--record", action="store_true", help="keep the figures, and write docs/figures.md anew"
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.rooms) - set(ROOMS):
        parser.error(f"no such room: {', '.join(sorted(unknown))}; there is {', '.join(ROOMS)}")
    began = time.monotonic()
    promises: list[Promise] = []
    for room in options.rooms or ROOMS:
        print(f"mutation: {room}", file=sys.stderr)
        with TemporaryDirectory(prefix="mutation-") as folder:
            found, there_are = mutants(
                Path(folder), room, ROOMS[room], options.sample, len(os.sched_getaffinity(0))
            )
        promises += _promises(room, found, there_are)
    print_promises(promises)
    if options.record:
        record("mutation", promises, time.monotonic() - began)
    return 1 if broken(promises) else 0


def _promises(room: str, found: Sequence[Mutant], there_are: int) -> list[Promise]:
    left = [one for one in found if one.fate in {Fate.SURVIVED, Fate.UNTESTED}]
    reasons = known_survivors()
    without_reason = [one for one in left if not reasons.get((one.function, one.change))]
    for one in without_reason:
        print(f"mutation: {one.fate}: {one.function}: {one.change}")
    fates = Counter(one.fate for one in found)
    share = 100 * len(left) / len(found)
    told = ", ".join(f"{fates[fate]} {fate}" for fate in Fate)
    tried = f"all {there_are}" if len(found) == there_are else f"a sample of {len(found)} of {there_are}"
    is_held = share < _MOST
    return [
        Promise(
            room,
            "changes that no test notices",
            f"below {_MOST:.0f} %",
            f"{share:.1f} % of {tried}: {told}",
            is_held,
            "" if is_held else f"{len(left) - int(_MOST * len(found) / 100)} of them need a test",
            known=not is_held,
        ),
        Promise(
            room,
            "of these, without a reason in tests/mutation/survivors.toml",
            "0",
            str(len(without_reason)),
            not without_reason,
            "" if is_held else "a test each, or a reason",
            known=not is_held,
        ),
    ]


def known_survivors() -> dict[tuple[str, str], str]:
    """Return the reason for each change that no test is to notice, by function and change."""
    tables = tomllib.loads(SURVIVORS.read_text()).values()
    return {(row["function"], row["change"]): row["reason"] for rows in tables for row in rows}


if __name__ == "__main__":
    sys.exit(main())

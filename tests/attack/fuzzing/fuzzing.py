"""Part ``fuzzing`` of ``./dev attack``: no crash, no hang, no growth, whatever is sent or written to us.

Owns: how long each target is searched and examined, in processes of their own, and the promises.
The short form replays the corpus, some hundred inputs made of it, and some long ones, the same each time.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .corpus import MOST_OCTETS, kept
from .examination import GROWTH_OCTETS, STEEPEST, Examination, Outcome, hang_noticed
from .exploration import FOUND, LAST
from .mutation import Mutator
from .registry import TARGETS
from promises import Part, Promise

PART = "fuzzing"
FAULTS = Path(tempfile.gettempdir()) / "domain-secure-faults"  #: inputs that showed something
_TESTS = Path(__file__).parents[2]
_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)|Done (\d+) runs")
_SEED = 7  #: of the short form


@dataclass(frozen=True, slots=True)
class Size:
    """How much is tried on each target."""

    search_seconds: int
    mutations: int
    lengthened: int
    repeated: int
    seconds: float  #: of a processor, behind which no more of a kind is tried


FULL = Size(search_seconds=12, mutations=2000, lengthened=60, repeated=600, seconds=3.0)
#: How time grows with the octets is for the long form: beside other work a ratio of two times says little.
QUICK = Size(search_seconds=0, mutations=200, lengthened=0, repeated=60, seconds=0.4)


@dataclass(slots=True)
class _Seen:
    """What was seen of a target, as its processes tell it."""

    target: str
    searched: int = 0
    tried: int = 0
    faults: list[tuple[str, bytes]] = field(default_factory=list)
    slowest: float = 0.0
    slowest_octets: int = 0
    steepest: float = 0.0
    grown: int = 0
    repeated: int = 0


def measure(quick: bool) -> list[Promise]:
    """Return three promises for each target, and that of the corpus."""
    size = QUICK if quick else FULL
    seed = _SEED if quick else random.SystemRandom().randrange(1 << 31)
    workers = len(os.sched_getaffinity(0))
    names = list(TARGETS)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        # Starting a process takes longer than some targets do.
        step = workers if quick else len(names)
        groups = [names[start::step] for start in range(step)]
        done = pool.map(lambda group: _looked_at(group, Path(folder), size, seed), groups)
        seen = {one.target: one for group in done for one in group}
    octets = sum(len(one) for name in names for one in kept(name).values())
    promises = [promise for name in names for promise in _promises(seen[name])]
    goal = f"<= {MOST_OCTETS // 1000} kB"
    held = octets <= MOST_OCTETS
    promises.append(Promise(PART, "corpus that is kept", goal, f"{octets / 1000:.0f} kB", held))
    return promises


def why_not() -> str | None:
    """Return why the search cannot run here."""
    if find_spec("atheris") is None:
        return "Atheris is not there: it has builds for Linux on x86-64 and CPython from 3.11 on"
    return None


FUZZING = Part(measure, why_not)


def _promises(seen: _Seen) -> Iterable[Promise]:
    target = TARGETS[seen.target]
    crashes = [kind for kind, _ in seen.faults]
    tried = seen.searched + seen.tried
    told = "; ".join(crashes[:3])
    measured = f"{len(crashes)} in {tried:,} inputs" + (f": {told}" if told else "")
    yield Promise(PART, f"{seen.target}: faults", "0", measured, not crashes)
    is_quick = seen.slowest <= target.seconds and seen.steepest <= STEEPEST
    steep = f", twice as many {seen.steepest:.1f} ×" if seen.steepest else ""
    yield Promise(
        PART,
        f"{seen.target}: the slowest input",
        f"<= {target.seconds:.0f} s, twice the octets <= {STEEPEST:.0f} ×",
        f"{seen.slowest:.2f} s for {seen.slowest_octets / 1000:.0f} kB{steep}",
        is_quick,
    )
    yield Promise(
        PART,
        f"{seen.target}: growth when repeated",
        f"<= {GROWTH_OCTETS // 1024} KiB",
        f"{seen.grown / 1024:.0f} KiB in {seen.repeated:,} runs",
        seen.grown <= GROWTH_OCTETS,
    )


def _looked_at(names: Sequence[str], folder: Path, size: Size, seed: int) -> list[_Seen]:
    """Search and examine some targets, and return what was seen of them."""
    searched: dict[str, tuple[int, list[tuple[str, bytes]]]] = {}
    if size.search_seconds:
        for name in names:
            (folder / name).mkdir()
            searched[name] = _searched(name, folder / name, size.search_seconds, seed)
    found = _examined(names, folder, size, seed)
    for one in found:
        one.searched, faults = searched.get(one.target, (0, []))
        one.faults += faults
        _keep(one)
    return found


def _searched(name: str, folder: Path, seconds: int, seed: int) -> tuple[int, list[tuple[str, bytes]]]:
    command = ["exploration", name, str(folder), str(seconds), str(seed)]
    done = _run(command, seconds * 4 + 240)
    runs = max((int(one or other) for one, other in _RUNS.findall(done.stderr)), default=0)
    faults = []
    if (folder / FOUND).exists():
        faults = [(kind, bytes.fromhex(octets)) for kind, octets in json.loads((folder / FOUND).read_text())]
    if done.returncode != 0:
        noted = (folder / LAST).read_bytes() if (folder / LAST).exists() else bytes(8)
        last = noted[8 : 8 + int.from_bytes(noted[:8], "big")]
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        told = next((line for line in lines if "ERROR" in line or "Error" in line), lines[-1])
        faults.append((f"the process ended with {done.returncode}: {told[:150]}", last))
    return runs, faults


def _examined(names: Sequence[str], folder: Path, size: Size, seed: int) -> list[_Seen]:
    command = ["fuzzing", str(folder), json.dumps(asdict(size)), str(seed), *names]
    done = _run(command, 60 + 30 * len(names))
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found = [_Seen(**one | {"faults": [(k, bytes.fromhex(o)) for k, o in one["faults"]]}) for one in told]
    known = {one.target for one in found}
    for name in names:
        if name not in known:
            lines = done.stderr.strip().splitlines() or ["it said nothing"]
            found.append(
                _Seen(name, faults=[(f"the process ended with {done.returncode}: {lines[-1]}", b"")])
            )
    return found


def _run(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-P", "-m", f"attack.fuzzing.{command[0]}", *command[1:]]
    try:
        return subprocess.run(
            words,
            env=os.environ | {"PYTHONPATH": str(_TESTS)},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else ""
        return subprocess.CompletedProcess(words, -1, "", f"{said}\nERROR: it did not end in {seconds:.0f} s")


def _keep(seen: _Seen) -> None:
    """Leave the inputs that showed something, for whoever mends it."""
    for number, (kind, octets) in enumerate(seen.faults):
        FAULTS.mkdir(exist_ok=True)
        file = FAULTS / f"{seen.target}-{number}"
        file.write_bytes(octets)
        print(f"attack: fuzzing {seen.target}: {kind}; its input is {file}", file=sys.stderr)


def examine(name: str, found: Sequence[bytes], size: Size, seed: int) -> Outcome:
    """Examine one target in this process, with the corpus and what a search *found* besides."""
    target = TARGETS[name]
    known = [*kept(name).values(), *found]
    with tempfile.TemporaryDirectory() as work, hang_noticed(), target.opened(Path(work)) as take:
        examination = Examination(target, take)
        # The first of all loads modules and compiles patterns.
        take(b"")
        slow = [octets for _, octets in examination.replay(known)]
        mutator = Mutator(seed, known, target.words, target.largest)
        examination.mutate(mutator, size.mutations, size.seconds)
        examination.lengthen(mutator, slow[:40], size.lengthened, size.seconds)
        examination.repeat(slow[:20], size.repeated, size.seconds)
        return examination.outcome


def main() -> None:
    """Examine the targets that are named, and print a line of JSON for each: a process of ``measure``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("size")
    parser.add_argument("seed", type=int)
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    size = Size(**json.loads(options.size))
    for name in options.names:
        corpus = options.folder / name / "corpus"
        found = [file.read_bytes() for file in sorted(corpus.iterdir())] if corpus.is_dir() else []
        outcome = examine(name, found, size, options.seed)
        document: dict[str, Any] = {
            "target": name,
            "tried": outcome.inputs,
            "faults": [[one.kind, one.octets.hex()] for one in outcome.faults.values()],
            **{key: getattr(outcome, key) for key in ("slowest", "slowest_octets", "steepest", "grown")},
            "repeated": outcome.repeated,
        }
        print(json.dumps(document), flush=True)


if __name__ == "__main__":
    sys.exit(main())

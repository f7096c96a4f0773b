"""What is tried on one target, as it runs in production: known inputs, others made of them, long ones, again.

Owns: the bounds, how they are measured, and what is told.
Time is processor time of the whole process, so that a busy machine changes nothing; memory is what the
process holds, for what our libraries keep counts as well.
"""

import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from .mutation import Mutator
from .target import Fault, Take, Target

GROWTH_OCTETS = 1024 * 1024  #: that a process may hold more after the second half of its runs
STEEPEST = 3.0  #: how much longer twice the octets may take; 2 is linear
_FLOOR_SECONDS = 0.02  #: what takes less at its largest is no hang, however it grows
_HANG_SECONDS = 20.0
_PATIENCE = 4.0  #: seconds by the clock for one of a processor, where the machine is busy
_BLOCK_OCTETS = 64  #: of an object, about
_MOST_FAULTS = 20
_OURS = ("domain_secure", *(f"/{room}/" for room in ("policy", "postfix", "milter", "fleet", "commands")))


class _HangError(BaseException):
    """Not an Exception: nothing in the product may catch it."""


@dataclass(slots=True)
class Found:
    """One fault: what it is, in one line, and the input that shows it."""

    kind: str
    octets: bytes


@dataclass(slots=True)
class Outcome:
    """What was seen of one target."""

    target: str
    inputs: int = 0
    faults: dict[str, Found] = field(default_factory=dict)  #: by what tells one from another
    slowest: float = 0.0  #: seconds
    slowest_octets: int = 0
    steepest: float = 0.0  #: the largest ratio for twice the octets; 0: none took long enough to tell
    grown: int = 0  #: octets
    repeated: int = 0  #: runs in which it grew so much


@contextmanager
def hang_noticed() -> Iterator[None]:
    """Raise in whoever keeps the processor busy for too long."""

    def hang(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise _HangError

    former = signal.signal(signal.SIGPROF, hang)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, former)


class Examination:
    """Gives inputs to one target, and notes what becomes of them."""

    def __init__(self, target: Target, take: Take, allowance: float = 1.0) -> None:
        """Make one; *allowance* is how much slower than in production it may be here."""
        self.target = target
        self.outcome = Outcome(target.name)
        self._take = take
        self._allowance = allowance

    def run(self, octets: bytes) -> float:
        """Give one input, and return how many seconds of a processor it took."""
        signal.setitimer(signal.ITIMER_PROF, _HANG_SECONDS * self._allowance)
        before = time.process_time()
        try:
            self._take(octets)
        except Fault as fault:
            self._note(str(fault)[:300], str(fault)[:60], octets)
        except _HangError:
            self._note(f"it hangs: no end after {_HANG_SECONDS:.0f} s", "hang", octets)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self._note(*_told(error), octets)
        seconds = time.process_time() - before
        self.outcome.inputs += 1
        if seconds > self.outcome.slowest:
            self.outcome.slowest, self.outcome.slowest_octets = seconds, len(octets)
        if seconds > self.target.seconds * self._allowance:
            self._note(f"{len(octets)} octets take {seconds:.2f} s of a processor", "slow", octets)
        return seconds

    def replay(self, inputs: Iterable[bytes]) -> list[tuple[float, bytes]]:
        """Give each input, and return them with their seconds, the slowest for an octet first."""
        timed = [(self.run(octets), octets) for octets in inputs]
        return sorted(timed, key=lambda pair: pair[0] / (len(pair[1]) + 100), reverse=True)

    def mutate(self, mutator: Mutator, number: int, most_seconds: float) -> None:
        """Give so many new inputs, or as many as *most_seconds* of a processor allow."""
        is_over = _limit(most_seconds)
        for _ in range(number):
            if is_over():
                return
            self.run(mutator.next())

    def lengthen(self, mutator: Mutator, slow: Sequence[bytes], number: int, most_seconds: float) -> None:
        """Give inputs of the largest size, each with one part repeated; see how the slowest of them grow."""
        if not slow:
            return
        stretched = []
        is_over = _limit(most_seconds)
        for turn in range(number):
            if is_over():
                break
            octets = slow[turn % len(slow)]
            start, end = mutator.window(octets, self.target.separators)
            if end > start:
                seconds = self.run(_stretched(octets, start, end, self.target.largest))
                stretched.append((seconds, octets, start, end))
        stretched.sort(reverse=True)
        for seconds, octets, start, end in stretched[:2]:
            if seconds >= _FLOOR_SECONDS * self._allowance:
                self._double(octets, start, end)

    def repeat(self, inputs: Sequence[bytes], runs: int, most_seconds: float) -> None:
        """Give the same inputs again and again, and see what the process holds more in the second half."""
        if not inputs:
            return
        began = time.monotonic()
        once = max(sum(self.run(octets) for octets in inputs), (time.monotonic() - began) / _PATIENCE, 1e-4)
        rounds = max(1, min(runs // len(inputs), int(most_seconds / 2 / once)))
        for number in range(2 * rounds):
            if number == rounds:
                before = _held()
            for octets in inputs:
                self.run(octets)
        grown = (after - former for after, former in zip(_held(), before, strict=True))
        self.outcome.grown = max(0, *grown)
        self.outcome.repeated = rounds * len(inputs)
        if self.outcome.grown > GROWTH_OCTETS:
            text = f"{self.outcome.grown} octets more are held after {self.outcome.repeated} runs"
            self._note(text, "growth", inputs[0])

    def _double(self, octets: bytes, start: int, end: int) -> None:
        half, whole = (
            _stretched(octets, start, end, size) for size in (self.target.largest // 2, self.target.largest)
        )
        # Interleaved, and the least of several: what else disturbs makes it only longer.
        pairs = [(self.run(half), self.run(whole)) for _ in range(8)]
        ratio = min(two for _, two in pairs) / max(min(one for one, _ in pairs), 1e-6)
        self.outcome.steepest = max(self.outcome.steepest, ratio)
        if ratio > STEEPEST:
            self._note(f"twice the octets take {ratio:.1f} times as long", "steep", whole)

    def _note(self, kind: str, key: str, octets: bytes) -> None:
        known = self.outcome.faults.get(key)
        if known is None and len(self.outcome.faults) >= _MOST_FAULTS:
            return
        if known is None or len(octets) < len(known.octets):
            self.outcome.faults[key] = Found(kind, octets)


def _limit(seconds: float) -> Callable[[], bool]:
    """Return what tells whether so many seconds of a processor are over, or far more by the clock."""
    used, late = time.process_time() + seconds, time.monotonic() + seconds * _PATIENCE
    return lambda: time.process_time() > used or time.monotonic() > late


def _stretched(octets: bytes, start: int, end: int, size: int) -> bytes:
    """Return *octets* with the part from *start* to *end* repeated until there are *size* octets."""
    times = max(1, (size - len(octets) + end - start) // (end - start))
    return octets[:start] + octets[start:end] * times + octets[end:]


def _told(error: Exception) -> tuple[str, str]:
    """Return what was raised, and where in the product, in one line; and what tells it from others."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if any(part in frame.filename for part in _OURS)] or frames
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
    return f"{type(error).__name__} at {where}: {str(error)[:200]}", f"{type(error).__name__} {where}"


def _held() -> tuple[int, int]:
    """Return how much the process holds, and how much of it are objects of Python's, in octets.

    Objects may grow in memory that the process has already.
    """
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE"), sys.getallocatedblocks() * _BLOCK_OCTETS

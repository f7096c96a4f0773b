"""What was needed for a moment is given back."""

import gc
import subprocess
import sys

from domain_secure.milter.memory.memory_upkeep import MemoryUpkeep, resident

MEBIBYTE = 1024 * 1024


class Process:
    """A process that was of a size when its start was over, and a clock."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.released = 0
        self.now = -10.0
        self.mapped = 0
        self.upkeep = MemoryUpkeep(lambda: self.size, self.release, lambda: self.now, lambda: self.mapped)

    @classmethod
    def at_rest(cls, size: int) -> "Process":
        """Return one that has given back what its start needed."""
        process = cls(2 * size - 40 * MEBIBYTE)
        process.now = -5.0
        process.upkeep.attend()
        assert (process.released, process.size) == (1, size)
        process.now, process.released = 0.0, 0
        return process

    def release(self) -> None:
        """Give half of what is beyond forty mebibytes back."""
        self.released += 1
        self.size = (self.size + 40 * MEBIBYTE) // 2

    def attend(self, size: int) -> int:
        """Have the upkeep look at a size; return how often something was given back by now."""
        self.size = size * MEBIBYTE
        self.upkeep.attend()
        return self.released


def test_what_the_start_needed_is_given_back() -> None:
    """However big the process is then: once, when there was time for all that begins in the background."""
    process = Process(50 * MEBIBYTE)
    process.now = -5.5
    assert process.attend(60) == 0
    process.now = -5.0
    assert process.attend(50) == 1
    process.now = 60.0
    assert process.attend(45) == 1


def test_growth_is_given_back() -> None:
    """A process that has grown by mebibytes gives back; one that grows by less, or shrinks, does not."""
    process = Process.at_rest(50 * MEBIBYTE)
    assert [process.attend(size) for size in (50, 51, 49, 50)] == [0, 0, 0, 0]
    assert process.attend(52) == 1


def test_it_is_not_done_too_often() -> None:
    """What stays big is not worked at again and again; growth beyond it is, after a pause."""
    process = Process.at_rest(50 * MEBIBYTE)
    process.attend(50)
    assert process.attend(70) == 1
    assert process.attend(80) == 1
    process.now = 60.0
    assert process.attend(55) == 1
    assert process.attend(58) == 2


def test_what_was_read_of_files_is_left() -> None:
    """Mebibytes of files beyond what is in use; what comes back by the end of the pause is in use."""
    process = Process.at_rest(40 * MEBIBYTE)

    def read(mebibytes: int, now: float) -> int:
        process.mapped, process.now = mebibytes * MEBIBYTE, now
        return process.attend(40)

    assert [read(1, 0.0), read(2, 1.0), read(3, 2.0)] == [0, 0, 1]
    assert [read(20, 3.0), read(8, 8.0), read(9, 20.0), read(8, 30.0)] == [1, 1, 1, 1]
    assert read(10, 40.0) == 2


_PROGRAM = """
from domain_secure.milter.memory import memory_upkeep
memory_upkeep.limit_arenas()
memory_upkeep.settle()
before = memory_upkeep.resident()
held = [bytes(1000) for _ in range(50_000)]
kept = held[::1000]
grown = memory_upkeep.resident()
del held
memory_upkeep.give_back()
assert grown - before > 40_000_000, (before, grown)
assert memory_upkeep.resident() - before < 10_000_000, (before, grown, memory_upkeep.resident())
"""


def test_the_c_library_gives_back_what_lies_between() -> None:
    """Fifty megabytes in small pieces are gone, though some of the pieces are still in use."""
    subprocess.run([sys.executable, "-P", "-c", _PROGRAM], check=True)


_LARGE_BLOCKS = """
from domain_secure.milter.memory import memory_upkeep
memory_upkeep.limit_arenas()
before = memory_upkeep.resident()
kept = []
for _ in range(2):
    # What is freed first would otherwise be the measure of what is kept.
    blocks = [b"x" * 20_000_000 for _ in range(3)]
    kept.append(b"x" * 90_000)
    del blocks
assert memory_upkeep.resident() - before < 10_000_000, (before, memory_upkeep.resident())
"""


def test_a_large_block_goes_back_at_once() -> None:
    """Twenty megabytes that are free are gone without being asked for, whatever was allocated behind them."""
    subprocess.run([sys.executable, "-P", "-c", _LARGE_BLOCKS], check=True)


def test_the_size_is_that_of_this_process() -> None:
    """The size is told in octets, and is nothing small."""
    assert resident() > 10 * MEBIBYTE
    assert gc.isenabled()

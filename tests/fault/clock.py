"""The clock of the daemon is set, by a day and by a year, forth and back, and set right again."""

import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from .load import Load
from .requirements import why_not
from .scene import Scene
from lab.namespaces import Namespaces
from promises import Part, Promise

_SOURCE = Path(__file__).with_name("shifted_clock.c")
_FOLDER = Path("/run/lab/clock")
_LIBRARY, _SHIFT = _FOLDER / "shifted_clock.so", _FOLDER / "shift"
_DAY = 86_400
_SHIFTS = {"+ 1 day": _DAY, "- 1 day": -_DAY, "+ 1 year": 365 * _DAY, "- 1 year": -365 * _DAY}


def clock(quick: bool) -> list[Promise]:
    """CLOCK_REALTIME of the daemon alone, by a library of our own in front of libc's."""
    with Scene.made("clock") as scene:
        _build(scene.lab.namespaces)
        scene.product.stop()
        scene.product.serve(variables={"LD_PRELOAD": str(_LIBRARY), "SHIFTED_CLOCK": str(_SHIFT)})
        shifts = {"+ 1 year": _SHIFTS["+ 1 year"]} if quick else _SHIFTS
        found = []
        for what, seconds in shifts.items():
            found += scene.under(f"clock {what}", partial(_set, scene, seconds), 2 if quick else 5)
        return found


def _build(namespaces: Namespaces) -> None:
    folder = namespaces.outside(_FOLDER)
    folder.mkdir(mode=0o755)
    target = namespaces.outside(_LIBRARY)
    subprocess.run(["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", target, _SOURCE], check=True)
    _write(namespaces, 0)


def _write(namespaces: Namespaces, seconds: int) -> None:
    path = namespaces.outside(_SHIFT)
    path.touch()
    # In place: the daemon has it mapped.
    with path.open("r+b") as file:
        file.write(struct.pack("=q", seconds))


@contextmanager
def _set(scene: Scene, seconds: int, _: Load) -> Iterator[None]:
    _write(scene.lab.namespaces, seconds)
    # The log has what the daemon takes for the time.
    day = f"{datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%d}"
    scene.product.wait_for_log(f"\n{day} ")
    try:
        yield
    finally:
        _write(scene.lab.namespaces, 0)


PARTS = {"clock": Part(clock, lambda: why_not("cc"))}

"""How much work something is, by what a busy machine does not change."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def lines_run(task: Callable[[], object]) -> int:
    """Return how many lines of Python are run for a task; what it raises is passed on."""
    count = 0

    def line(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        del frame, argument
        count += event == "line"
        return line

    former = sys.gettrace()
    sys.settrace(line)
    try:
        task()
    finally:
        sys.settrace(former)
    return count

"""Waiting for a condition, with a deadline and a message that says what did not come about.

A condition must name what only the awaited event can bring about: another one may be true already, because of
what happened before.
"""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 60.0  #: seconds; generous, because a loaded machine is slow and a failure is rare
_INTERVAL = 0.02


def wait_for(
    condition: Callable[[], T | None],
    what: str,
    *,
    deadline: float = DEADLINE,
    context: Callable[[], str] | None = None,
) -> T:
    """Return the first true answer of *condition*.

    Raises TimeoutError that names *what* was awaited, followed by the text of *context*, after *deadline*
    seconds.
    """
    end = time.monotonic() + deadline
    while True:
        # In this order: what has come about while nobody let us look is no failure.
        is_late = time.monotonic() > end
        if answer := condition():
            return answer
        if is_late:
            detail = f"\n{context()}" if context else ""
            raise TimeoutError(f"waited {deadline:g} s in vain for {what}{detail}")
        time.sleep(_INTERVAL)

"""When the daemon runs, and who waits to be enforced: once a minute.

Must not know: what is made of either.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.policy.promotion import watch_file
from domain_secure.policy.promotion.waiting import Waiting, waiting
from domain_secure.policy.terms.problems import Problem


class WatchedTime:
    """For the supervising thread; *show* is told who waits."""

    def __init__(
        self,
        state: Path,
        show: Callable[[Iterable[Waiting]], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._show = show
        self._monotonic = monotonic
        self._due = 0.0

    def attend(self) -> None:
        """Note that the daemon runs, and look who waits."""
        if self._monotonic() < self._due:
            return
        self._due = self._monotonic() + watch_file.NOTE_SECONDS
        # What is not noted counts as not watched, and a folder that is gone is told by others.
        with suppress(OSError):
            watch_file.note(self._state, datetime.now(UTC))
        with suppress(Problem):
            self._show(waiting(self._state))

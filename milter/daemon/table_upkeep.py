"""When Postfix's tables are made again: after every change of ours or of Postfix, and after a failed attempt.

Must not know: how they are made.
"""

import threading
import time
from collections.abc import Callable

from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.policy.configuration.configuration import Configuration

# A full disk, or a table type that is missing, is mended without a word to us.
RETRY_SECONDS = 10.0


class TableUpkeep:
    """Calls *publish* when that is due; it says in the metrics how an attempt ended."""

    def __init__(
        self,
        publish: Callable[[Configuration, Metrics], None],
        metrics: Metrics,
        monotonic: Callable[[], float] = time.monotonic,
        postfix_changed: Callable[[Configuration], bool] = lambda _: False,
    ) -> None:
        self._publish = publish
        self._metrics = metrics
        self._postfix_changed = postfix_changed
        self._monotonic = monotonic
        self._asked = threading.Event()
        self._attempted = 0.0

    def ask(self) -> None:
        """Let the next `attend` make them; from any thread."""
        self._asked.set()

    def attend(self, configuration: Configuration) -> None:
        """Make them if that is due; may take its time."""
        failed_a_while_ago = (
            self._metrics.tables.problem is not None and self._monotonic() - self._attempted > RETRY_SECONDS
        )
        # Another type or syntax of tables may be needed then.
        changed = self._postfix_changed(configuration)
        if not self._asked.is_set() and not failed_a_while_ago and not changed:
            return
        self._asked.clear()
        self._publish(configuration, self._metrics)
        self._attempted = self._monotonic()

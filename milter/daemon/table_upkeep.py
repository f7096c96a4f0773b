"""When Postfix's tables are made again: after every change of ours or of Postfix, when one was taken away or
changed, and after a failed attempt.

Must not know: how they are made.
"""

import threading
import time
from collections.abc import Callable

from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.policy.configuration.configuration import Configuration

# A full disk, or a table type that is missing, is mended without a word to us.
RETRY_SECONDS = 10.0
# Without a table that is named all mail stands still.
_MISSING_SECONDS = 2.0


class TableUpkeep:
    """Calls *publish* when that is due; it says in the metrics how an attempt ended.

    *taken_away* tells what is wrong with tables that were made, or None.
    """

    def __init__(
        self,
        publish: Callable[[Configuration, Metrics], None],
        metrics: Metrics,
        monotonic: Callable[[], float] = time.monotonic,
        postfix_changed: Callable[[Configuration], bool] = lambda _: False,
        taken_away: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._publish = publish
        self._metrics = metrics
        self._postfix_changed = postfix_changed
        self._taken_away = taken_away
        self._monotonic = monotonic
        self._asked = threading.Event()
        self._attempted = 0.0
        self._was_missing = False

    def ask(self) -> None:
        """Let the next `attend` make them; from any thread."""
        self._asked.set()

    def attend(self, configuration: Configuration) -> None:
        """Make them if that is due; may take its time."""
        since = self._monotonic() - self._attempted
        failed_a_while_ago = self._metrics.tables.problem is not None and since > RETRY_SECONDS
        missing = self._taken_away()
        # Another type or syntax of tables may be needed then.
        changed = self._postfix_changed(configuration)
        # Who put it back knows nothing of those who found none meanwhile.
        returned = self._was_missing and missing is None
        self._was_missing = missing is not None
        is_due = (
            failed_a_while_ago or changed or returned or (missing is not None and since > _MISSING_SECONDS)
        )
        if not self._asked.is_set() and not is_due:
            return
        self._asked.clear()
        self._publish(configuration, self._metrics)
        self._attempted = self._monotonic()

    def fault(self, seconds: float) -> str | None:
        """Return why the tables are not as they should be, or None; *seconds* are of no use here."""
        del seconds
        return self._metrics.tables.problem or self._taken_away()

"""The protocol log as lines: one for each claimed domain, and the whole reasoning where it is verbose.

Must not know: where lines go.
"""

from collections.abc import Callable, Sequence

from ..policy import events
from ..policy.configuration import LogLevel
from ..policy.decision_record import DecisionRecord
from ..policy.domain import Entry
from ..policy.history_item import Direction

Levels = Callable[[Direction, Sequence[Entry]], LogLevel]


class ProtocolLog:
    """Writes the lines of decisions."""

    def __init__(self, level: Levels, log: Callable[[events.Event], None]) -> None:
        self._level = level
        self._log = log

    def consume(self, batch: Sequence[DecisionRecord]) -> None:
        """Write the lines of each record, as many as its level wants."""
        for record in batch:
            level = self._level(Direction.RECEIVE, record.entries)
            if level is LogLevel.VERBOSE:
                for event in events.reasoning(record):
                    self._log(event)
            if level is not LogLevel.OFF:
                for finding in record.decision.findings:
                    self._log(
                        events.decided(
                            record.decision,
                            finding,
                            queue_id=record.queue_id,
                            client=record.client,
                            reply=str(record.reply) if record.reply else None,
                        )
                    )

    def close(self) -> None:
        """Finish; lines are written at once."""

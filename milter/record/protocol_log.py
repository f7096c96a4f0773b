"""The protocol log as lines: one for each claimed domain or delivery, more of them where it is verbose.

Must not know: where lines go.
"""

from collections.abc import Callable, Sequence

from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.record import protocol_events
from domain_secure.policy.record.decision_record import DecisionRecord
from domain_secure.policy.record.observed import Observed
from domain_secure.policy.sending.delivery import Delivery
from domain_secure.policy.terms.event import Event

Levels = Callable[[Observed], LogLevel]


class ProtocolLog:
    """Writes the lines of decisions and deliveries."""

    def __init__(self, level: Levels, log: Callable[[Event], None]) -> None:
        self._level = level
        self._log = log

    def consume(self, batch: Sequence[Observed]) -> None:
        """Write the lines of each record, as many as its level wants."""
        for record in batch:
            level = self._level(record)
            if level is not LogLevel.OFF:
                for event in _lines(record, verbose=level is LogLevel.VERBOSE):
                    self._log(event)

    def close(self) -> None:
        """Finish; lines are written at once."""


def _lines(record: Observed, *, verbose: bool) -> tuple[Event, ...]:
    if isinstance(record, DecisionRecord):
        reasoning = protocol_events.reasoning(record) if verbose else ()
        return (*reasoning, *protocol_events.decisions(record))
    lines = protocol_events.postfix_lines(record) if verbose else ()
    if isinstance(record, Delivery):
        return (*lines, protocol_events.delivered(record))
    return (*lines, protocol_events.session_failed(record))

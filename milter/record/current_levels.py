"""The log levels in force: what is configured, and what holds instead for a while.

Owns: noticing a change of the file that ``domain-secure log`` writes.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from domain_secure.policy.configuration.configuration import Configuration, LogLevel
from domain_secure.policy.files.file_signature import FileSignature, file_signature
from domain_secure.policy.record.log_levels import (
    FILE_NAME,
    LogLevels,
    TemporaryLevel,
    configured_levels,
    temporary_levels,
    told,
)
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from . import events


class CurrentLevels:
    """Answers from any thread; ``refresh`` is for one alone."""

    def __init__(self, configuration: Callable[[], Configuration], log: Callable[[Event], None]) -> None:
        self._configuration = configuration
        self._log = log
        self._signature: FileSignature | None = None
        self._temporary: tuple[TemporaryLevel, ...] = ()
        self.refresh()

    def level(self, direction: Direction, entries: Iterable[Entry]) -> LogLevel:
        """Return the level for a message of these partners now."""
        levels = LogLevels(configured_levels(self._configuration()), self._temporary)
        return levels.level(direction, entries, datetime.now(UTC))

    def refresh(self) -> None:
        """Read the file again where it is not what it was; the former levels stay where that fails."""
        state = self._configuration().state
        signature = file_signature(state / FILE_NAME)
        if signature == self._signature:
            return
        self._signature = signature
        try:
            self._temporary = temporary_levels(state)
        except Problem as problem:
            self._log(events.log_levels_rejected(str(problem)))
        else:
            self._log(events.log_levels_changed(told(self._temporary, datetime.now(UTC))))

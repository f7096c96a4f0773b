"""The log levels in force: what is configured, and what holds instead for a while.

Owns: noticing a change of the file that ``domain-secure log`` writes, and which level a record has.
Must not know: Postfix, of which it is told where its services listen.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from domain_secure.policy.configuration.configuration import Configuration, LogLevel
from domain_secure.policy.files.file_signature import FileSignature, file_signature
from domain_secure.policy.record.decision_record import DecisionRecord
from domain_secure.policy.record.log_levels import (
    FILE_NAME,
    LogLevels,
    TemporaryLevel,
    configured_levels,
    temporary_levels,
    told,
)
from domain_secure.policy.record.observed import Observed, direction_of, entries_of
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.smtp_listener import SmtpListener, service_at

from . import events

Listeners = Callable[[Configuration], Sequence[SmtpListener]]
_POSTFIX_FILES = ("main.cf", "master.cf")


class CurrentLevels:
    """Answers from any thread; ``refresh`` is for one alone.

    *listeners* tells where Postfix's services listen, and raises Problem; it is asked where levels of single
    services are configured, and again when Postfix's files change.
    """

    def __init__(
        self,
        configuration: Callable[[], Configuration],
        log: Callable[[Event], None],
        listeners: Listeners = lambda _: (),
    ) -> None:
        self._configuration = configuration
        self._log = log
        self._ask = listeners
        self._asked: tuple[object, ...] = ()
        self._listeners: tuple[SmtpListener, ...] = ()
        self._signature: FileSignature | None = None
        self._temporary: tuple[TemporaryLevel, ...] = ()
        self.refresh()

    def of(self, record: Observed) -> LogLevel:
        """Return the level of what happened: that of its service, where one has its own."""
        service = None
        if self._listeners and isinstance(record, DecisionRecord):
            service = service_at(self._listeners, record.server_address, record.server_port)
        return self.level(direction_of(record), entries_of(record), service)

    def level(self, direction: Direction, entries: Iterable[Entry], service: str | None = None) -> LogLevel:
        """Return the level for a message of these partners now; *service* None: which is not known."""
        configuration = self._configuration()
        configured = configured_levels(configuration)
        if direction is Direction.RECEIVE and service is not None:
            configured[direction] = configuration.log_services.get(service, configured[direction])
        if not self._temporary:
            return configured[direction]
        return LogLevels(configured, self._temporary).level(direction, entries, datetime.now(UTC))

    def refresh(self) -> None:
        """Read the file again where it is not what it was; the former levels stay where that fails."""
        self._refresh_listeners(self._configuration())
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

    def _refresh_listeners(self, configuration: Configuration) -> None:
        """Ask where Postfix listens, once for each state of its files; nobody is asked without a reason."""
        directory = configuration.config_directory
        files = (file_signature(directory / name) for name in _POSTFIX_FILES)
        asked = (directory, *files) if configuration.log_services else ()
        if asked == self._asked:
            return
        self._asked = asked
        try:
            self._listeners = tuple(self._ask(configuration)) if asked else ()
        except Problem as problem:
            # By which service a session came in is not known then, and the level of its direction holds.
            self._listeners = ()
            self._log(events.services_unknown(str(problem)))

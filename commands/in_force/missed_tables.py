"""Root's own look for processes of Postfix's that go on without tables which are there again.

Owns: what is looked at.
Must not know: how Postfix is reloaded, and how often somebody asks.

Nobody but root is believed: the daemon's note is a wish for this look.  Any user of the machine may write
into a log file in Postfix's name; what it says leads to nothing unless it names a process that runs.
"""

from collections.abc import Collection
from contextlib import suppress

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.running import Process
from domain_secure.postfix.log.unavailable_tables import still_without
from domain_secure.postfix.tables import put_back


class MissedTables:
    """What is noted when this is made is looked at; `settle` once nobody is left whom `by` has named."""

    def __init__(self, configuration: Configuration, instance: PostfixInstance, *, reads_log: bool) -> None:
        self._configuration = configuration
        self._instance = instance
        self._reads_log = reads_log
        try:
            self._moment = put_back.take(configuration.state)
        except OSError as error:
            raise cannot_write(
                "that tables were away cannot be taken up", str(configuration.state), error
            ) from error

    def by(self, running: Collection[Process]) -> tuple[Process, ...]:
        """Return who among *running* may have started while tables were away."""
        if self._moment is not None and (left := put_back.left_from_then(running, self._moment)):
            return left
        # A log that cannot be read is a finding of its own.
        with suppress(Problem, OSError):
            if self._reads_log:
                return still_without(self._configuration, self._instance, running)
        return ()

    def settle(self) -> None:
        """Forget what was noted; raises Problem."""
        try:
            put_back.settle(self._configuration.state)
        except OSError as error:
            raise cannot_write(
                "that Postfix was reloaded cannot be noted", str(self._configuration.state), error
            ) from error

"""Postfix's tables as the daemon keeps them: made, watched, and asked of root to be gone by.

Owns: what they looked like when they were made, and what is asked of the unit that root runs.
Must not know: when it is time to make them (``milter/daemon/table_upkeep.py``).
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from domain_secure.milter.daemon import events
from domain_secure.milter.daemon.daemon import log_event
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files.file_signature import FileSignature, file_signature
from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.attach.routes_record import request_path
from domain_secure.postfix.attach.unforgotten import FIX, unforgotten
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables import put_back
from domain_secure.postfix.tables.publication import files_of
from domain_secure.postfix.tables.publish import publish
from domain_secure.postfix.tables.tables import named_types

# Any user of the machine may write into a log file in Postfix's name.
AGAIN_SECONDS = 30.0  #: between two looks that are asked of root for what Postfix's log says


class TableWatch:
    """Brings Postfix's tables up to date, and tells what somebody does to them afterwards."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._made: dict[Path, FileSignature] = {}
        self._missed: str | None = None  #: what was missing, until it is noted that it is there again
        self._told: str | None = None
        self._asked = -AGAIN_SECONDS  #: when, for what Postfix's log says

    def publish(self, configuration: Configuration, metrics: Metrics) -> None:
        """Make them; a failure leaves the former ones and is logged.

        An edge that sends to no listed domain, and never did, needs no tables and perhaps has no Postfix.
        """
        if not configuration.outbound_tables:
            self._made, self._missed = {}, None
            return
        if not configuration.send and not self._made and not (configuration.state / "maps").exists():
            return
        changed = self.taken_away()
        self._tell(self._missed)
        instance = PostfixInstance(configuration.config_directory)
        try:
            result = publish(configuration, instance)
            self._note_return(configuration, instance)
        except Problem as problem:
            log_event(events.maps_failed(str(problem)))
            metrics.tables.attempted(str(problem))
            return
        files = [file for table in result.tables for file in files_of(table.path, result.map_type)]
        self._made = {file: state for file in files if (state := file_signature(file)) is not None}
        metrics.tables.attempted(None)
        if result.changed:
            # A command of root's changes them as well, and then they are as they should be.
            self._tell(changed)
            log_event(events.maps_published(changed=",".join(result.changed)))
        self._told = None
        _let_forget(configuration, instance, changed=bool(result.changed))

    def taken_away(self) -> str | None:
        """Return which file is not as it was made, or None."""
        for file, made in self._made.items():
            present = file_signature(file)
            if present is None:
                self._missed = f"{file} is missing"
                return self._missed
            if present != made:
                return f"{file} was changed by somebody else"
        return None

    def complained_of(self, configuration: Configuration) -> None:
        """Ask root for a look, as a process of Postfix's says in the log that a table of ours is unavailable.

        For the thread that reads the log.  While a table is away a reload would help nobody.
        """
        now = self._monotonic()
        if now - self._asked < AGAIN_SECONDS or self.taken_away() is not None:
            return
        self._asked = now
        try:
            request_path(configuration).touch()
        except OSError as error:
            problem = cannot_write("root cannot be asked", str(request_path(configuration)), error)
            log_event(events.not_in_force(str(problem)))

    def _tell(self, detail: str | None) -> None:
        if detail is not None and detail != self._told:
            log_event(events.tables_taken_away(detail))
            self._told = detail

    def _note_return(self, configuration: Configuration, instance: PostfixInstance) -> None:
        """Have root look for processes of Postfix's that started meanwhile; raises Problem."""
        missed = self._missed
        if missed is None:
            return
        if not named_types(instance, configuration.state):
            self._missed = None
            return
        try:
            put_back.note(configuration.state)
        except OSError as error:
            raise cannot_write(
                "that tables are there again cannot be noted", str(configuration.state), error
            ) from error
        log_event(events.tables_put_back(missed))
        self._missed = None


def _let_forget(configuration: Configuration, instance: PostfixInstance, *, changed: bool) -> None:
    """Let Postfix forget former routes: as root at once, else by a request to whom the units run as root."""
    found = unforgotten(configuration, instance)
    if found is None:
        return
    try:
        if os.geteuid() == 0:
            # The daemon's user may not, and its memory does without what this loads.
            from domain_secure.commands.in_force.in_force import forget_former  # noqa: PLC0415

            forget_former(configuration, instance)
            return
        request_path(configuration).touch()
        detail = found.detail
    except (Problem, OSError) as error:
        detail = str(error)
    if changed:
        log_event(events.not_in_force(f"{detail}; {FIX}"))

"""Bypasses begin and end while the daemon runs: noticed at once, ended by the clock that nobody sets as well.

Owns: when the files are looked at, and when it is noted how much time has passed.
Must not know: what a bypass does to a message, and Postfix's tables.
"""

import time
from collections.abc import Callable, Iterable
from datetime import UTC
from pathlib import Path
from typing import Any

from domain_secure.policy.bypass.bypass import Bypass, noted
from domain_secure.policy.bypass.bypass_file import BypassFile, Read, reading
from domain_secure.policy.files.file_signature import file_signature
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from . import events
from .live_configuration import LiveConfiguration

_NOTE_SECONDS = 10.0  #: of a bypass that a kill and a clock set back together may cost


class BypassUpkeep:
    """For the supervising thread; *show* is told what is in force, with each change."""

    def __init__(
        self,
        state: Path,
        show: Callable[[Iterable[Bypass]], None],
        log: Callable[[Event], None],
        read: Read = reading,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = BypassFile(state, read)
        self._show = show
        self._log = log
        self._read = read
        self._monotonic = monotonic
        self._told: dict[str, Bypass] = {}
        self._note_due = 0.0
        self._fault: str | None = None

    def attend(self, live: LiveConfiguration) -> None:
        """Put in force what is in force by now, and nothing else."""
        if (
            not self._told
            and not live.current.configuration.bypasses
            and not file_signature(self._files.path)
        ):
            return
        try:
            in_force = self._files.in_force()
            self._note(in_force)
        except (Problem, OSError) as problem:
            in_force = ()
            if self._fault != str(problem):
                self._fault = str(problem)
                self._log(events.bypasses_unknown(self._fault))
        live.put_bypasses(in_force)
        self._tell(in_force)

    def _note(self, in_force: tuple[Bypass, ...]) -> None:
        """Keep how much time has passed, so that neither a restart nor a clock gives any of it back."""
        self._fault = None
        if in_force and self._monotonic() >= self._note_due:
            self._note_due = self._monotonic() + _NOTE_SECONDS
            with self._files.edited() as edit:
                edit.note(noted(in_force, self._files.account(), self._read()))

    def _tell(self, in_force: tuple[Bypass, ...]) -> None:
        present = {one.key: one for one in in_force}
        if present == self._told:
            return
        self._show(in_force)
        for key, one in present.items():
            if self._told.get(key) != one:
                self._log(events.bypass_in_force(one))
        for key in self._told.keys() - present.keys():
            self._log(events.bypass_over(self._told[key]))
        self._told = present


def bypasses_document(live: LiveConfiguration) -> list[dict[str, Any]]:
    """Return the bypasses that the daemon goes by, for ``/healthz``.

    None that is over by the latest time that the daemon knows: it lets nothing in.
    """
    latest = live.known_time.latest
    return [
        {
            "domain": one.entry,
            "direction": one.direction,
            "end": one.end.astimezone(UTC).isoformat(),
            "by": one.by,
            "reason": one.reason,
        }
        for one in live.current.configuration.bypasses
        if one.end > latest
    ]

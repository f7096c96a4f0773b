"""What was taken away while the daemon runs is put back: state folder, certificate book, sockets.

Must not know: what is in them, and Postfix's tables, which have an upkeep of their own.
"""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from domain_secure.policy.book.book_rescue import BookRescue
from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.files import state_folder
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import ExitStatus, Problem

from . import events
from .doors import Doors
from .watchdog import Question

# systemd.exec(5), StateDirectory=: who starts us makes the folder.
_STATE_VARIABLE = "STATE_DIRECTORY"
_BOOK_SECONDS = 1.0


class StateUpkeep:
    """For the supervising thread."""

    def __init__(
        self,
        state: Path,
        book: CertificateBook,
        log: Callable[[Event], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._book = BookRescue(book, state / FILE_NAME, log)
        self._log = log
        self._monotonic = monotonic
        self._book_due = 0.0
        self._fault: str | None = None
        self._unbound: str | None = None

    def attend(self, doors: Doors) -> None:
        """Put back what is missing; raises Problem where only a new start of the daemon can."""
        self._attend_folder()
        if self._monotonic() >= self._book_due:
            self._book_due = self._monotonic() + _BOOK_SECONDS
            self._book.attend()
        try:
            for endpoint in doors.bind_again():
                self._log(events.socket_bound_again(str(endpoint)))
            self._unbound = None
        except Problem as problem:
            if str(problem) != self._unbound:
                self._unbound = str(problem)
                self._log(events.part_unhealthy("sockets", str(problem)))

    @property
    def questions(self) -> Mapping[str, Question]:
        """Return how to ask what is looked after here."""
        return {"book": lambda _: self._fault or self._book.fault}

    def _attend_folder(self) -> None:
        if self._state.is_dir():
            self._fault = None
            return
        try:
            state_folder.make(self._state)
        except OSError as error:
            if os.environ.get(_STATE_VARIABLE):
                raise Problem(
                    "the state folder was taken away",
                    str(self._state),
                    "the service manager makes it again with the next start",
                    ExitStatus.NO_ANSWER,
                ) from error
            owner = state_folder.USER if state_folder.daemon_user() else "root"
            self._fault = (
                f"the state folder was taken away ({error.strerror}): {self._state}: run "
                f"`install -d -o {owner} -g {owner} -m 755 {self._state}`"
            )

"""What keeps revocation up to date: the watch, what it is told of each configuration, and who asks it anew.

Must not know: what is fetched, and how.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from domain_secure.milter.knowledge.live_configuration import Live
from domain_secure.milter.revocation.revocation_watch import RevocationWatch
from domain_secure.policy.revocation.location_report import LocationReport
from domain_secure.policy.revocation.refresh_request import RefreshRequests
from domain_secure.policy.revocation.revocation import ValidatedPath
from domain_secure.policy.revocation.revocation_store import FOLDER, RevocationStore
from domain_secure.policy.terms.event import Event

from . import events


class RevocationUpkeep:
    """Owns the watch; *paths* gives the chains that are looked into ahead of their first message."""

    def __init__(
        self,
        state: Path,
        log: Callable[[Event], None],
        next_updates: Callable[[Mapping[str, datetime]], None],
        paths: Callable[[Live], Iterable[ValidatedPath]],
    ) -> None:
        self.watch = RevocationWatch(RevocationStore(state / FOLDER), log, next_updates)
        self._log = log
        self._paths = paths
        self._requests = RefreshRequests(state)
        self._is_open = False
        self._failure = ""  #: told already

    def use(self, live: Live) -> None:
        """Watch by this configuration from now on."""
        trust = live.configuration.trust
        self.watch.configure(
            live.revocation_lists,
            private=trust.fetch_private,
            refresh=timedelta(seconds=trust.revocation_refresh),
            paths=self._paths(live),
        )

    def attend(self, live: Live) -> None:
        """Take what commands ask for (``refresh_request``); called a few times a second."""
        try:
            if not self._is_open:
                self._requests.open()
                self._is_open = True
            tokens = self._requests.take()
        except OSError as error:
            self._is_open = False
            self._fail(error)
            return
        if tokens:
            # Certificates may have come into the book since the last time.
            self.use(live)
        for token in tokens:
            self.watch.refresh(lambda reports, token=token: self._reply(token, reports))  # type: ignore[misc]

    def _reply(self, token: str, reports: tuple[LocationReport, ...]) -> None:
        failed = sum(bool(one.failure) for one in reports)
        self._log(events.revocation_refreshed(locations=len(reports), failed=failed))
        try:
            self._requests.reply(token, reports)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        failure = f"{error.strerror}: {error.filename}"
        if failure != self._failure:
            self._failure = failure
            self._log(events.refresh_request_failed(failure))

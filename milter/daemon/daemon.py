"""The inbound daemon as one object: listeners, live configuration, and their common end.

Must not know: where Postfix keeps its queue, or its tables; whoever composes the daemon passes that in.
"""

import logging
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType

from domain_secure.milter.fetching.issuer_fetcher import IssuerFetcher
from domain_secure.milter.knowledge.bypass_upkeep import BypassUpkeep, bypasses_document
from domain_secure.milter.knowledge.certificate_dates import DateUpkeep
from domain_secure.milter.knowledge.familiar_partners import FamiliarPartners
from domain_secure.milter.knowledge.knowledge import Background, CertificateKnowledge
from domain_secure.milter.knowledge.list_guard import Load
from domain_secure.milter.knowledge.live_configuration import (
    POLL_SECONDS,
    Live,
    LiveConfiguration,
    loaded_event,
)
from domain_secure.milter.knowledge.observing import observing
from domain_secure.milter.knowledge.watched_time import WatchedTime
from domain_secure.milter.memory.memory_upkeep import MemoryUpkeep, settle
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.milter.page.http_server import Health, HttpServer, Pages
from domain_secure.milter.record import kept_counters
from domain_secure.milter.record.configuration_in_force import ConfigurationInForce
from domain_secure.milter.record.current_levels import CurrentLevels
from domain_secure.milter.record.recorder import Recorder
from domain_secure.milter.record.recording import recorder_of
from domain_secure.milter.reflector.reflector import Reflector
from domain_secure.milter.session.inbound import Inbound
from domain_secure.milter.session.joined import RecentRequests
from domain_secure.policy.book.certificate_book import FILE_NAME as BOOK
from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.list_losses import ListVanishedError
from domain_secure.policy.history.history_file import FILE_NAME as HISTORY
from domain_secure.policy.history.history_file import fault as history_fault
from domain_secure.policy.history.outcomes import Outcomes
from domain_secure.policy.record.observed import Observed
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from . import events
from .doors import Doors
from .health import HealthWatch, http_fault, reason_of
from .notify import notify
from .revocation_upkeep import RevocationUpkeep
from .state_upkeep import StateUpkeep
from .surroundings import Running, Surroundings
from .table_upkeep import TableUpkeep
from .watchdog import Heartbeat, Question, Watchdog

_log = logging.getLogger("domain_secure")

# Reading a list of a million domains keeps one thread busy for seconds; with Python's own 5 ms every
# step of every session would wait that long for its turn.
_SWITCH_SECONDS = 0.0005

# What a daemon that runs cannot change.
_SOCKETS = ("metrics_listen", "milter_socket", "policy_socket")
_FOR_ITS_LIFE = (*_SOCKETS, "metrics_access", "state", "config_directory")


def log_event(event: Event) -> None:
    """Write one event to the daemon's log."""
    _log.log(event.level, event)


class Daemon:
    """Milter, policy listener and HTTP server on one live configuration."""

    def __init__(self, load: Load, path: Path, version: str, surroundings: Surroundings) -> None:
        self.metrics = Metrics()
        self._tables = TableUpkeep(
            surroundings.configuration_changed,
            self.metrics,
            postfix_changed=surroundings.postfix_changed,
            taken_away=surroundings.tables_taken_away,
        )
        self._version = version
        self._live = LiveConfiguration(load, path, log_event, self._on_reload)
        configuration = self._live.current.configuration
        self._started_with = configuration
        self._endpoints = surroundings.endpoints(configuration)
        self._requests = RecentRequests(time.monotonic)
        self._book = CertificateBook(configuration.state / BOOK)
        self._dates = DateUpkeep(self._book, self.metrics.certificates.set_dates, log_event)
        self._state = StateUpkeep(configuration.state, self._book, log_event)
        self._watched = WatchedTime(configuration.state, self.metrics.promotions.show)
        self._bypasses = BypassUpkeep(configuration.state, self.metrics.bypasses.show, log_event)
        self._sources = surroundings.sources(self._book, lambda: self._live.current.configuration)
        self._revocation = RevocationUpkeep(
            configuration.state,
            log_event,
            self.metrics.set_crl_next_updates,
            lambda live: self._knowledge.partners_paths(live, datetime.now(UTC)),
        )
        self._issuers = IssuerFetcher(log_event)
        self._knowledge = self._make_knowledge(configuration.state)
        self._in_force = ConfigurationInForce()
        self._levels = CurrentLevels(
            lambda: self._live.current.configuration, log_event, surroundings.smtp_listeners
        )
        self._recorder = self._make_recorder(configuration)
        self._reflector = self._make_reflector(surroundings)
        self._inbound = self._make_inbound()
        self._pages = self._made_pages(surroundings)
        self._deliveries = surroundings.deliveries(
            lambda: self._live.current.configuration,
            self.metrics.outbound.update,
            (self._recorder.observe_patiently,),
        )
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._reload_asked = threading.Event()
        self._inherited = surroundings.inherited
        self._doors: Doors | None = None
        self._heartbeat = Heartbeat()
        self._health: HealthWatch | None = None
        self._background: tuple[Background, ...] = (
            self._revocation.watch,
            self._issuers,
            self._reflector,
            self._deliveries,
            *self._sources.background,
            *surroundings.companions(self._running()),
        )

    def _made_pages(self, surroundings: Surroundings) -> Pages:
        def current() -> Configuration:
            return self._live.current.configuration

        counters = partial(kept_counters.told, self.metrics, self._recorder)
        pages = surroundings.status_page(current), surroundings.further_pages(current)
        return Pages(counters, self.health, *pages, surroundings.changes(current))

    def _make_inbound(self) -> Inbound:
        known, observe = (self._requests, self._knowledge), self._recorder.observe
        inbound = Inbound(lambda: self._live.current, *known, self.metrics, log_event, observe)
        inbound.reflector = self._reflector
        return inbound

    def _make_knowledge(self, state: Path) -> CertificateKnowledge:
        return CertificateKnowledge(
            self._book,
            replace(self._sources, revocation=self._revocation.watch, issuers=self._issuers),
            self._live.known_time,
            FamiliarPartners(self._book, Outcomes(state).passed_with),
        )

    def _make_reflector(self, surroundings: Surroundings) -> Reflector:
        state = self._started_with.state
        strangers = self._sources.strangers
        made = Reflector(state, self._knowledge, strangers, surroundings.door, self.metrics, log_event)
        made.keeps_recipients_apart = surroundings.keeps_recipients_apart
        return made

    def _make_recorder(self, configuration: Configuration) -> Recorder[Observed]:
        kept_counters.resume(self.metrics, configuration, log_event)
        return recorder_of(
            configuration.state / HISTORY,
            self.metrics,
            self._levels.of,
            lambda: self._live.current.configuration,
            lambda: self._in_force.present,
            log_event,
        )

    def _running(self) -> Running:
        return Running(
            lambda: self._live.current.configuration,
            lambda: self._live.problem,
            self.metrics,
            self._wake.set,
            self._inbound.canaries,
        )

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; raises Problem when it cannot start or a listener dies."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        http = self._http_server()
        doors = self._doors = Doors(
            self._endpoints, self._inherited, self._inbound, self._requests, log_event, self._wake.set
        )
        self._recorder.start()
        doors.open()
        http.start()
        self._tell_of_reload()
        log_event(loaded_event(self._live.current.configuration))
        log_event(
            events.started(
                version=self._version,
                milter=str(self._endpoints.milter),
                policy=str(self._endpoints.policy),
                metrics=http.address,
            )
        )
        health = self._health = self._health_watch(doors, http)
        health.start()
        settle()
        notify("READY=1")
        watchdog = Watchdog({**doors.questions, "supervision": self._heartbeat.fault}, log_event)
        watchdog.start()
        self._tables.ask()
        for background in self._background:
            background.start()
        self._revocation.use(self._live.current)
        try:
            self._supervise(doors)
        finally:
            notify("STOPPING=1")
            watchdog.stop()
            health.stop()
            doors.close()
            for background in self._background:
                background.stop()
            http.stop()
            self._recorder.stop()

    def _http_server(self) -> HttpServer:
        started_with = self._started_with
        return HttpServer(started_with.metrics_listen, self._pages, started_with.metrics_access)

    def _health_watch(self, doors: Doors, http: HttpServer) -> HealthWatch:
        history = self._started_with.state / HISTORY
        is_tls = self._started_with.metrics_access.cert_file is not None
        parts: dict[str, Question] = {
            **doors.questions,
            "tables": self._tables.fault,
            **self._state.questions,
            "history": lambda _: history_fault(history),
            "log": lambda _: self._log_fault(),
            "http": lambda seconds: http_fault(http.address, seconds, is_tls=is_tls),
            "selfproof": lambda _: self.metrics.self_proof.present.fault,
            "configuration": lambda _: str(self._live.problem) if self._live.problem else None,
        }
        return HealthWatch(parts, log_event, lambda part, ok: self.metrics.healthy.labels(part).set(int(ok)))

    def _log_fault(self) -> str | None:
        """Return why deliveries are not counted, where there are any to count."""
        standing, detail = self.metrics.outbound.standing
        return f"{standing}: {detail}" if detail and self._live.current.configuration.send else None

    def health(self) -> Health:
        """Return the state of the daemon as one JSON document."""
        problem = self._live.problem
        configuration = self._live.current.configuration
        log_standing, log_detail = self.metrics.outbound.standing
        proof = self.metrics.self_proof.present
        faults = self._health.faults if self._health else {"milter": "not looked at yet"}
        return {
            "healthy": not any(faults.values()),
            "parts": {name: {"ok": fault is None, "reason": fault} for name, fault in faults.items()},
            "version": self._version,
            "sessions": self._doors.sessions if self._doors else None,
            "pid": os.getpid(),
            "configuration": {
                "path": str(configuration.path),
                "in_force": "last good" if problem else "as on disk",
                "problem": str(problem) if problem else None,
                "files": {str(file.absolute()): state for file, state in self._live.files.items()},
                "reason": reason_of(problem),
                "mode": configuration.mode,
                "receive_domains": len(configuration.receive),
                "send_domains": len(configuration.send),
            },
            "bypasses": bypasses_document(self._live),
            "observing": observing(configuration),
            "tables": {"problem": self.metrics.tables.problem},
            "log": {"standing": log_standing, "detail": log_detail},
            "self_proof": {
                "standing": proof.standing,
                "detail": proof.detail,
                "tried": proof.tried.isoformat(timespec="seconds") if proof.tried else None,
            },
        }

    def _supervise(self, doors: Doors) -> None:
        memory = MemoryUpkeep()
        while not self._stop.is_set():
            self._heartbeat.beat()
            if self._reload_asked.is_set():
                self._reload_asked.clear()
                self._live.reload()
                self._tell_of_reload()
                self._revocation.watch.ask_again()
            elif self._live.reload_if_changed():
                self._tell_of_reload()
            self._bypasses.attend(self._live)
            self._watched.attend()
            self._state.attend(doors)
            self._in_force.attend(self._live.current.configuration, self._live.files)
            self._tables.attend(self._live.current.configuration)
            self._revocation.attend(self._live.current)
            self._levels.refresh()
            self._dates.attend(self._live.current)
            memory.attend()
            if fault := doors.fault:
                raise Problem(
                    fault,
                    f"{self._endpoints.milter}, {self._endpoints.policy}",
                    "read the log above; the service manager starts the daemon again",
                )
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()
        log_event(events.stopping("signal"))

    def _tell_of_reload(self) -> None:
        problem = self._live.problem
        self.metrics.configuration.read(
            is_in_force=problem is None,
            vanished=problem.loss.list_name if isinstance(problem, ListVanishedError) else None,
        )
        notify(f"STATUS={self._status_line()}")

    def _status_line(self) -> str:
        configuration = self._live.current.configuration
        if self._live.problem:
            return f"last good configuration in force: {self._live.problem}"
        return f"{len(configuration.receive)} receive, {len(configuration.send)} send domains"

    def _on_reload(self, former: Live, present: Live) -> None:
        before, now = former.configuration, present.configuration
        gone, came = before.receive.without(now.receive), now.receive.without(before.receive)
        self.metrics.inbound.list_changed(frozenset(gone), frozenset(came))
        self._tables.ask()
        self._revocation.use(present)
        changed = tuple(
            name for name in _FOR_ITS_LIFE if getattr(self._started_with, name) != getattr(now, name)
        )
        if changed:
            log_event(events.restart_needed(changed))

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        (self._reload_asked if number == signal.SIGHUP else self._stop).set()
        self._wake.set()

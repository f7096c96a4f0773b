"""Follow Postfix's log while the daemon runs: lines in, sums committed, events told.

Owns: the thread, the order of its steps, and what happens when the log or the file of sums cannot be used.
Must not know: who listens.
Invariants: what is published was committed before; observers hear of an event after it was counted, at most
once (a daemon that is killed between the two tells nobody, and its sums are right all the same).
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from domain_secure.policy.configuration.configuration import Configuration, SendMethod
from domain_secure.policy.sending.delivery import Delivery, DeliveryEvent, DeliveryObserver, FailureReason
from domain_secure.policy.sending.delivery_counts import LogStanding, OutboundProgress, added
from domain_secure.policy.sending.promised_route import Promise
from domain_secure.policy.terms.domain import Domain, Entry, InvalidDomainError, parse_domain
from domain_secure.policy.terms.event import Event, internal_error
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.deliveries.delivery_tracker import DeliveryTracker

from . import events
from .delivery_ledger import DeliveryLedger, Reading, Sums
from .log_location import LogLocation
from .log_source import Batch, LogSource
from .log_standing import StandingWatch
from .unavailable_tables import without_tables

POLL_SECONDS = 0.25  #: how soon a line is noticed
_RETRY_SECONDS = 1.0
_FOREIGN_SECONDS = 3600.0
_REMEMBERED = 50_000  #: domains, most of them not listed

_UNMATCHED = {SendMethod.DANE: FailureReason.DANE, SendMethod.PIN: FailureReason.PIN}


class SendList:
    """The send list of the configuration in force, asked for each delivery of the whole machine."""

    def __init__(self, configuration: Callable[[], Configuration]) -> None:
        self._configuration = configuration
        self._list: DomainList | None = None
        self._known: dict[str, tuple[Domain, Entry] | None] = {}
        self._promising: Configuration | None = None
        self._promises: dict[tuple[Entry, str], Promise] = {}

    def find(self, domain: str) -> tuple[Domain, Entry] | None:
        """Return a domain in normal form with its entry, None for one that is not listed."""
        current = self._configuration().send
        if current is not self._list or len(self._known) > _REMEMBERED:
            self._list, self._known = current, {}
        try:
            return self._known[domain]
        except KeyError:
            return self._known.setdefault(domain, _listed(domain, current))

    def unmatched(self, entry: Entry) -> FailureReason:
        """Return what it means for an entry that no pin or TLSA record fits."""
        method = self._configuration().partner(entry).send_method
        return _UNMATCHED.get(method, FailureReason.UNTRUSTED)

    def promise(self, entry: Entry, transport: str) -> Promise:
        """Return what is promised of mail to an entry; *transport* is the dedicated one's name in the log."""
        configuration = self._configuration()
        if configuration is not self._promising or len(self._promises) > _REMEMBERED:
            self._promising, self._promises = configuration, {}
        promise = self._promises.get((entry, transport))
        if promise is None:
            promise = self._promises[entry, transport] = Promise(
                configuration.partner(entry),
                transport if configuration.direct else "",
                entry in configuration.sent_unproved,
            )
        return promise

    def of_listed(self, sums: Sums) -> Sums:
        """Return the sums of what is listed now."""
        current = self._configuration().send
        return {key: value for key, value in sums.items() if key.entry in current}

    def waiting(self, counts: Mapping[Entry, int]) -> Mapping[Entry, int]:
        """Return how many messages wait for what is listed now."""
        current = self._configuration().send
        return {entry: count for entry, count in counts.items() if entry in current}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the follower is told, and whom it tells."""

    configuration: Callable[[], Configuration]
    locate: Callable[[Configuration], LogLocation]
    location_changed: Callable[[], bool]  #: whether `locate` may give another answer than before
    publish: Callable[[OutboundProgress], None]
    observers: Sequence[DeliveryObserver]
    log: Callable[[Event], None]
    #: told that a process of Postfix's cannot open a table of ours
    table_unavailable: Callable[[Configuration], None] = lambda _: None


class LogFollower:
    """A thread that follows the log until it is stopped."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._send_list = SendList(surroundings.configuration)
        self._stop = threading.Event()
        self._problem = ""
        self._foreign = 0  #: lines in Postfix's name by somebody else, since that was told
        self._foreign_told = -_FOREIGN_SECONDS
        self._progress = OutboundProgress()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    def start(self) -> None:
        """Begin; returns without waiting."""
        self._thread.start()

    def stop(self) -> None:
        """End after the commit under way; returns without waiting."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except Problem as problem:
                if str(problem) != self._problem:
                    self._problem = str(problem)
                    self._around.log(events.log_not_followed(self._problem))
                self._not_read(str(problem))
            except Exception as error:  # noqa: BLE001 - mail goes on; the metric shows that nothing is read
                self._around.log(internal_error("reading the log of Postfix", error))
                self._not_read(f"a fault of the daemon: {error}")
            else:
                continue  # stopped, or the log is elsewhere now
            self._stop.wait(_RETRY_SECONDS)

    def _follow(self) -> None:
        """Follow the log where it is now, until told to stop or it moves; raises Problem."""
        configuration = self._around.configuration()
        with closing(DeliveryLedger(configuration.state)) as ledger:
            reading = ledger.load()
            self._publish(sums=self._send_list.of_listed(reading.sums), since=ledger.since())
            location = self._around.locate(configuration)
            tracker = DeliveryTracker(
                self._send_list.find,
                self._send_list.unmatched,
                location.syslog_names,
                lambda entry: self._send_list.promise(entry, location.transport),
            )
            if reading.tracker:
                tracker.resume(reading.tracker)
            with closing(location.open(reading.position)) as source:
                self._problem = ""
                self._around.log(events.log_followed(str(location), location.why))
                self._read(source, tracker, ledger, reading, location)

    def _read(
        self,
        source: LogSource,
        tracker: DeliveryTracker,
        ledger: DeliveryLedger,
        reading: Reading,
        location: LogLocation,
    ) -> None:
        watch = StandingWatch(location.syslog_names, location.last_activity)
        while not self._stop.is_set():
            if self._around.location_changed() and location != self._around.locate(
                self._around.configuration()
            ):
                return
            found, batch = self._take(source, tracker, watch)
            if batch.position != reading.position:
                sums = added(reading.sums, found) if found else reading.sums
                reading = Reading(sums, batch.position, tracker.document())
                ledger.commit(reading)
            self._show(reading.sums, tracker, watch, location, at_end=batch.at_end)
            self._tell(found)
            if batch.at_end:
                self._stop.wait(POLL_SECONDS)

    def _show(
        self,
        sums: Sums,
        tracker: DeliveryTracker,
        watch: StandingWatch,
        location: LogLocation,
        *,
        at_end: bool,
    ) -> None:
        """Publish where the reading stands; what nobody sends by, nobody needs to be told of."""
        sends = bool(self._around.configuration().send)
        standing, detail = watch.standing() if sends else (LogStanding.UNKNOWN, "")
        if standing.is_bad and standing is not self._progress.standing:
            self._around.log(events.log_tells_nothing(str(location), standing, detail))
        self._publish(
            sums=self._send_list.of_listed(sums),
            waiting=self._send_list.waiting(tracker.waiting),
            lines=tracker.lines,
            unknown_lines=tracker.unknown_lines,
            at_end=at_end,
            known=watch.known,
            strange=watch.strange,
            standing=standing,
            detail=detail,
        )

    def _not_read(self, problem: str) -> None:
        sends = bool(self._around.configuration().send)
        standing = LogStanding.UNREADABLE if sends else LogStanding.UNKNOWN
        self._publish(at_end=False, standing=standing, detail=problem if sends else "")

    def _publish(self, **changes: Any) -> None:
        self._progress = replace(self._progress, **changes)
        self._around.publish(self._progress)

    def _take(
        self, source: LogSource, tracker: DeliveryTracker, watch: StandingWatch
    ) -> tuple[list[DeliveryEvent], Batch]:
        """Read to the end, but not for long: each commit costs as much as some thousand lines."""
        until = time.monotonic() + POLL_SECONDS
        batch = source.read()
        found = self._feed(tracker, watch, batch)
        while not batch.at_end and time.monotonic() < until:
            batch = source.read()
            found += self._feed(tracker, watch, batch)
        return found, batch

    def _feed(self, tracker: DeliveryTracker, watch: StandingWatch, batch: Batch) -> list[DeliveryEvent]:
        if batch.lost:
            tracker.interrupted()
            self._around.log(events.log_lines_lost(batch.lost))
        self._tell_of_foreign(batch.foreign)
        watch.look(batch.lines)
        configuration = self._around.configuration()
        if without_tables(batch.lines, configuration.state):
            self._around.table_unavailable(configuration)
        tracker.unknown_lines += batch.odd
        found = tracker.feed(batch.lines, datetime.now(UTC))
        return [] if batch.from_before else found

    def _tell_of_foreign(self, count: int) -> None:
        """Say that somebody writes in Postfix's name, once in a while: he shall not fill our log."""
        self._foreign += count
        now = time.monotonic()
        if self._foreign and now >= self._foreign_told + _FOREIGN_SECONDS:
            self._around.log(events.log_lines_foreign(self._foreign))
            self._foreign, self._foreign_told = 0, now

    def _tell(self, found: list[DeliveryEvent]) -> None:
        for event in found:
            if isinstance(event, Delivery) and event.counted and not event.verified:
                self._around.log(events.sent_unverified(event))
            for observer in self._around.observers:
                try:
                    observer(event)
                except Exception as error:  # noqa: BLE001 - one listener's fault is not the others'
                    self._around.log(internal_error("an observer of deliveries", error))


def _listed(domain: str, entries: DomainList) -> tuple[Domain, Entry] | None:
    try:
        parsed = parse_domain(domain)
    except InvalidDomainError:
        return None
    entry = entries.match(parsed)
    return (parsed, entry) if entry else None

"""The configuration in force, as one reference that a reload replaces whole.

Owns: noticing a change, reading it, and keeping the last good state when it is bad.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from domain_secure.policy.bypass.bypass import Bypass
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.certificates.trust import Revocation
from domain_secure.policy.configuration.configuration import Configuration, Trust
from domain_secure.policy.configuration.list_losses import ListVanishedError
from domain_secure.policy.configuration.pins_in_force import steady_time, with_pins_at
from domain_secure.policy.files.file_signature import FileSignature, file_signature
from domain_secure.policy.files.known_time import KnownTime
from domain_secure.policy.revocation.revocation import RevocationList
from domain_secure.policy.revocation.statements import read_crl_files
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from . import events
from .list_guard import ListGuard, Load, UnsettledError

# A stat(2) of a handful of files; unlike inotify it also sees a change behind a symbolic link, on a
# network file system and in a folder that is replaced whole.
POLL_SECONDS = 0.25

# How far the clock that stamps a file may be behind ours, if the file is not on another machine.
_CLOCK_SECONDS = 1.0

# For how long files must stay as they are before entries that are gone from them are gone: a list that is
# written in place has lost some at any moment until it is whole again.
SETTLING_SECONDS = 2.0

Signatures = Mapping[Path, FileSignature | None]  #: None: the file is not there


@dataclass(frozen=True, slots=True)
class Live:
    """What one message is judged by; a message keeps the one it started with."""

    configuration: Configuration
    anchors: TrustAnchors
    revocation_lists: tuple[RevocationList, ...] = ()  #: of ``trust.crl_files``
    #: the ways in which a client may write the reflector's address, in lower case; each recipient is compared
    reflector: frozenset[bytes] = field(init=False)

    def __post_init__(self) -> None:
        """Spell the reflector's address once for all messages."""
        address = self.configuration.reflector.address
        spellings = () if address is None else (address.encode(), f"<{address}>".encode())
        object.__setattr__(self, "reflector", frozenset(spellings))


def read_live(load: Callable[[Path], Configuration], path: Path) -> Live:
    """Read the configuration and the trust anchors it names; raises Problem."""
    configuration = load(path)
    for listed in (configuration.receive, configuration.send):
        listed.prepare()
    trust = configuration.trust
    try:
        content = trust.ca_file.read_bytes()
    except FileNotFoundError as error:
        if not trust.ca_file_is_default:
            raise Problem(
                "the file of trusted authorities does not exist",
                f"{path}: trust.ca_file = {trust.ca_file}",
                "name a PEM file that exists",
            ) from error
        # Pins need no authority; ``check`` says that pkix has nothing to go by.
        content = b""
    except OSError as error:
        raise Problem(
            f"cannot read the file of trusted authorities ({error.strerror})",
            f"{path}: trust.ca_file = {trust.ca_file}",
            "let the user the daemon runs as read it; run a command as root",
        ) from error
    lists = () if trust.revocation is Revocation.OFF else read_crl_files(trust.crl_files, path)
    return Live(configuration, _anchors(content, trust), lists)


@lru_cache(maxsize=1)
def _anchors(content: bytes, trust: Trust) -> TrustAnchors:
    """Return the authorities in a file; most reloads find the same ones, and reading them takes 50 ms.

    What was judged by them is remembered as long as they are these, so other rules of *trust* make them anew.
    """
    del trust
    return TrustAnchors.load(content)


class LiveConfiguration:
    """Holds the present Live and replaces it when a file changes; ``current`` may be read from any thread.

    *changed* is called with the former and the new Live after each replacement, *log* with each event.
    """

    def __init__(
        self,
        load: Load,
        path: Path,
        log: Callable[[Event], None],
        changed: Callable[[Live, Live], None],
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._guard = ListGuard(load, path, log)
        self._path = path
        self._log = log
        self._changed = changed
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._unsettled: tuple[Signatures, float] | None = None  #: a reading that waits, and until when
        self._held_back: Signatures | None = None  #: the files of a reading that lost too much
        self.problem: Problem | None = None
        #: The files of ``current`` as they were before they were read; empty while these are held back.
        self.files: Signatures
        seen = _signatures((path,))
        try:
            self.current, self._seen = self._read(seen, is_settled=True)
        except ListVanishedError as vanished:
            self.current = read_live(lambda _: self._guard.in_force, path)
            self._seen = seen
            self._hold_back(vanished)
            self.files = {}
        else:
            self._guard.put_in_force(self.current.configuration)
            self.files = self._seen
        #: What certainly has been: a clock that is behind brings back no pin that has ended.
        self.known_time = KnownTime.of_state(self.current.configuration.state)
        self._is_clock_ahead = False
        self.current = self._with_pins(self.current)

    def reload(self, *, is_asked: bool = True) -> bool:
        """Read everything again; a fault leaves ``current`` in force, sets ``problem`` and returns False.

        Who asks says that the files are written to the end.  Otherwise, where entries are gone, they must
        have been as they are for a while first.  Who asks again, about the same files, means what is left on
        a list that lost too much.
        """
        with self._lock:
            former = self.current
            self._seen = _signatures(self._seen)
            is_settled = is_asked or self._has_settled()
            try:
                read, self._seen = self._read(
                    self._seen, is_settled=is_settled, is_insisted=is_asked and self._held_back == self._seen
                )
                self.current = self._with_pins(read)
            except UnsettledError as unsettled:
                self._also_watch(unsettled.files)
                self._unsettled = self._seen, self._monotonic() + SETTLING_SECONDS
                return False
            except ListVanishedError as vanished:
                self._hold_back(vanished)
                return False
            except Problem as problem:
                self._reject(problem)
                return False
            self.problem = self._unsettled = self._held_back = None
            self._guard.put_in_force(self.current.configuration)
            self._log(loaded_event(self.current.configuration))
            self._changed(former, self.current)
            self.files = self._seen
            return True

    def reload_if_changed(self) -> bool:
        """Reload when a watched file is not what it was; returns whether it tried.

        Where the time of a pin begins or ends, that alone is replaced, whatever the files say now.
        """
        self._guard.attend()
        self._attend_pins()
        self._attend_clock()
        if _signatures(self._seen) == self._seen and not self._has_settled():
            return False
        self.reload(is_asked=False)
        return True

    def _attend_pins(self) -> None:
        with self._lock:
            since, until = self._steady
            now = self.known_time.after(self._clock())
            if (since is None or since <= now) and (until is None or now < until):
                return
            former = self.current
            self.current = self._with_pins(former)
            for entry, partner in self.current.configuration.partners.items():
                if (before := former.configuration.partners[entry].pins) != partner.pins:
                    begun, ended = sorted(partner.pins - before), sorted(before - partner.pins)
                    self._log(events.pins_changed(entry, begun, ended))
            self._changed(former, self.current)

    def _attend_clock(self) -> None:
        """Tell that the clock has leapt ahead, and when it is in doubt no longer."""
        if self.known_time.is_clock_ahead is self._is_clock_ahead:
            return
        self._is_clock_ahead = self.known_time.is_clock_ahead
        event = events.clock_ahead if self._is_clock_ahead else events.clock_believed
        self._log(event(self._clock(), self.known_time.latest))

    def _with_pins(self, live: Live) -> Live:
        """Return what holds now of pins that have a time, and remember for how long it holds."""
        now = self.known_time.after(self._clock())
        self._steady = steady_time(live.configuration, now)
        configuration = with_pins_at(live.configuration, now)
        return live if configuration is live.configuration else replace(live, configuration=configuration)

    def put_bypasses(self, bypasses: tuple[Bypass, ...]) -> None:
        """Let these be in force, whatever the files of the configuration say; a faulty one keeps none."""
        with self._lock:
            former = self.current
            if former.configuration.bypasses != bypasses:
                changed = replace(former.configuration, bypasses=bypasses)
                self.current = replace(former, configuration=changed)
                self._changed(former, self.current)

    def _has_settled(self) -> bool:
        """Tell whether the reading that waits has waited for long enough."""
        if self._unsettled is None:
            return False
        seen, until = self._unsettled
        return self._monotonic() >= until and seen == self._seen

    def _hold_back(self, vanished: ListVanishedError) -> None:
        loss = vanished.loss
        if str(vanished) != str(self.problem):
            self._log(
                events.list_vanished(loss.list_name, gone=loss.gone, former=loss.former, detail=str(vanished))
            )
        self._also_watch(vanished.files)
        self._reject(vanished)
        self._held_back = self._seen

    def _reject(self, problem: Problem) -> None:
        self.problem, self._unsettled, self._held_back = problem, None, None
        self._log(events.configuration_rejected(str(problem)))

    def _also_watch(self, files: Iterable[Path]) -> None:
        """Watch files of a reading that did not come into force; how they look is for the next reading."""
        unknown = dict.fromkeys((*files, *self._guard.watched), None)
        self._seen = {**unknown, **self._seen}

    def _read(
        self, seen: Signatures, *, is_settled: bool, is_insisted: bool = False
    ) -> tuple[Live, Signatures]:
        """Read everything; return it with the signatures of its files from before they were read.

        *seen* are those that are known already.  A signature from afterwards would hide a change that came in
        between, so a file that was named for the first time must be an old one, or all is read again.
        """
        began = time.time()
        live = read_live(self._guard.load, self._path)
        files = _files_of(live)
        unseen = _signatures(file for file in files if file not in seen)
        if not all(_is_older(file, began - _CLOCK_SECONDS) for file in unseen):
            known = {file: seen[file] for file in self._guard.watched if file in seen}
            return self._read({**known, **_signatures(files)}, is_settled=is_settled, is_insisted=is_insisted)
        self._guard.judge(live.configuration, is_settled=is_settled, is_insisted=is_insisted)
        # What confirms is read first of all: how it looks now is for the next reading.
        confirming = {file: seen.get(file) for file in self._guard.watched}
        return live, {file: unseen[file] if file in unseen else seen[file] for file in files} | confirming


def loaded_event(configuration: Configuration) -> Event:
    """Return the log event for a configuration that is in force from now on."""
    return events.configuration_loaded(
        str(configuration.path),
        receive=len(configuration.receive),
        send=len(configuration.send),
        mode=configuration.mode,
    )


def _files_of(live: Live) -> tuple[Path, ...]:
    configuration = live.configuration
    return (*configuration.files, configuration.trust.ca_file, *configuration.trust.crl_files)


def _is_older(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_ctime < moment
    except OSError:
        return False


def _signatures(paths: Iterable[Path]) -> Signatures:
    return {path: file_signature(path) for path in paths}

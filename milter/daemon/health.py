"""How the daemon fares, part by part, each asked as those ask who need it.

Owns: when the parts are asked, what is known of them, and telling of a change.
Must not do: take a thread that is alive for one that works, or an old answer for a new one.
Source: DESIGN section 8.
"""

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from socket import create_connection

from domain_secure.policy.configuration.list_losses import ListVanishedError
from domain_secure.policy.terms.event import Event, internal_error
from domain_secure.policy.terms.problems import Problem

from . import events
from .watchdog import Question

_PAUSE_SECONDS = 1.0
_ANSWER_SECONDS = 2.0
# All parts silent at once: each takes its time, and then some.
_STALE_SECONDS = 30.0


class HealthWatch:
    """Asks the *parts*, by name, again and again; *tell* gets each part with whether it is well."""

    def __init__(
        self,
        parts: Mapping[str, Question],
        log: Callable[[Event], None],
        tell: Callable[[str, bool], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._parts = parts
        self._log = log
        self._tell = tell
        self._monotonic = monotonic
        self._faults: dict[str, str | None] = {}
        self._looked = monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Ask once, and then again and again in a thread of its own."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; returns at once."""
        self._stop.set()

    def look(self) -> None:
        """Ask every part once."""
        for name, ask in self._parts.items():
            try:
                fault = ask(_ANSWER_SECONDS)
            except Exception as error:  # noqa: BLE001 - a question that fails is no answer
                self._log(internal_error(f"the health of {name}", error))
                fault = f"it cannot be asked ({error})"
            former = self._faults.get(name)
            self._faults[name] = fault
            self._tell(name, fault is None)
            if fault is not None and former is None:
                self._log(events.part_unhealthy(name, fault))
            elif fault is None and former is not None:
                self._log(events.part_healthy(name))
        self._looked = self._monotonic()

    @property
    def faults(self) -> Mapping[str, str | None]:
        """Return what is wrong with each part, None where it is well."""
        silent = self._monotonic() - self._looked
        if silent > _STALE_SECONDS:
            return dict.fromkeys(self._parts, f"not looked at for {silent:.0f} s")
        return {name: self._faults.get(name, "not looked at yet") for name in self._parts}

    def _run(self) -> None:
        while not self._stop.wait(_PAUSE_SECONDS):
            self.look()


def http_fault(address: str, seconds: float, *, is_tls: bool) -> str | None:
    """Return why the HTTP server at *address*, ``host:port``, does not answer within *seconds*, or None."""
    host, _, port = address.rpartition(":")
    try:
        with create_connection((_reachable(host), int(port)), seconds) as plain:
            connection = plain
            if is_tls:
                # Whether it answers is asked, and by nobody who could be deceived.
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                connection = context.wrap_socket(plain)
            connection.sendall(b"HEAD /healthz HTTP/1.0\r\n\r\n")
            return None if connection.recv(5) == b"HTTP/" else "it gave another answer than ours"
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except OSError as error:
        return error.strerror or str(error)


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what may be configured


def reason_of(problem: Problem | None) -> str | None:
    """Return why a configuration is not in force, as one stable word."""
    if problem is None:
        return None
    return "list-vanished" if isinstance(problem, ListVanishedError) else "rejected"

"""Get the certificate of a missing authority where the certificate below it says that it can be had.

Owns: when a place is asked again, how many are remembered, and who waits for which.
Must not know: which certificates are worth asking for, and what becomes of what is found.
Invariants: what is handed out has issued the certificate that was asked about, by name and by signature;
asking never waits; a place is asked once an hour at most when it was of use, and after a minute, doubled up
to an hour, when it was not; what strangers can cause is bounded.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.issuers import MAXIMUM_OCTETS, issuer_locations, read_issuers
from domain_secure.policy.terms.event import Event

from . import events
from .fetcher import Fetcher
from .http_fetch import FetchError, Request

Issuers = tuple[Certificate, ...]

_FIRST_RETRY, _PAUSE = 60.0, 3600.0  #: seconds
# A stranger may show certificates that name any number of places.
_REMEMBERED = 512
_AT_ONCE = 64  #: that are asked or wait for it
_SECONDS = 10.0  #: for one exchange


@dataclass(slots=True)
class _Place:
    """A location that one certificate names."""

    issuers: Issuers = ()
    failures: int = 0
    not_before: float = 0.0
    is_asked: bool = False
    waiting: list[Future[Issuers]] = field(default_factory=list)


class IssuerFetcher:
    """Finds issuers; its methods may be called from any thread.  *monotonic* returns seconds."""

    def __init__(self, log: Callable[[Event], None], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._monotonic = monotonic
        self._fetcher = Fetcher()
        self._lock = threading.Lock()
        self._places: OrderedDict[tuple[str, Certificate], _Place] = OrderedDict()

    def start(self) -> None:
        """Do nothing: there is no work before the first question."""

    def stop(self) -> None:
        """End soon; returns without waiting."""
        self._fetcher.close()

    def find(self, certificate: Certificate, *, private: bool) -> Future[Issuers]:
        """Return a future of the authorities that issued a certificate, of none where none can be had now.

        *private*: at any address.  Returns without waiting.
        """
        futures = [self._ask(url, certificate, private) for url in issuer_locations(certificate)]
        return _first(futures)

    def _ask(self, url: str, certificate: Certificate, private: bool) -> Future[Issuers]:
        future: Future[Issuers] = Future()
        key = url, certificate
        with self._lock:
            asked = sum(one.is_asked for one in self._places.values())
            if key not in self._places and asked >= _AT_ONCE:
                future.set_result(())
                return future
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
            if len(self._places) > _REMEMBERED:
                self._forget_oldest()
            is_new = not place.is_asked and self._monotonic() >= place.not_before
            if is_new or place.is_asked:
                place.is_asked = True
                place.waiting.append(future)
            else:
                future.set_result(place.issuers)
        if is_new:
            request = Request(url, MAXIMUM_OCTETS, private=private, seconds=_SECONDS)
            self._fetcher.start(request, lambda result: self._received(key, place, result))
        return future

    def _received(self, key: tuple[str, Certificate], place: _Place, result: bytes | FetchError) -> None:
        url, certificate = key
        issuers, fault = _read(result, certificate)
        if issuers:
            self._log(events.issuer_fetched(url, issuer=issuers[0].subject))
        else:
            self._log(events.issuer_not_fetched(url, detail=fault))
        with self._lock:
            place.is_asked = False
            place.issuers = issuers
            place.failures = 0 if issuers else place.failures + 1
            pause = min(_PAUSE, _FIRST_RETRY * 2 ** min(place.failures - 1, 16)) if place.failures else _PAUSE
            place.not_before = self._monotonic() + pause
            waiting, place.waiting = place.waiting, []
        for future in waiting:
            future.set_result(issuers)

    def _forget_oldest(self) -> None:
        for key, place in self._places.items():
            if not place.is_asked:
                del self._places[key]
                return


def _read(result: bytes | FetchError, certificate: Certificate) -> tuple[Issuers, str]:
    """Return who issued a certificate, or nobody and why."""
    if isinstance(result, FetchError):
        return (), str(result)
    try:
        return read_issuers(result, certificate), ""
    except MalformedCertificateError as error:
        return (), str(error)


def _first(futures: list[Future[Issuers]]) -> Future[Issuers]:
    """Return a future of the first result that is not empty, of the empty one where all are."""
    found: Future[Issuers] = Future()
    lock = threading.Lock()
    missing = len(futures)

    def take(future: Future[Issuers]) -> None:
        nonlocal missing
        with lock:
            missing -= 1
            if (future.result() or missing == 0) and not found.done():
                found.set_result(future.result())

    for future in futures:
        future.add_done_callback(take)
    if not futures:
        found.set_result(())
    return found

"""Ask locations in the background.

Owns: how many are asked at once, that a slow server keeps one slot busy and no more, and what the operator
can do where asking again will not help.
Must not know: when a location is due, and what its octets mean.
Source: RFC 5280 section 8 on https locations.
"""

import threading
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

from domain_secure.policy.revocation.needs import OCSP_REQUEST_TYPE
from domain_secure.policy.revocation.revocation import Location
from domain_secure.policy.revocation.statements import MAXIMUM_ANSWER_OCTETS, MAXIMUM_LIST_OCTETS

from .http_fetch import (
    FetchError,
    PrivateAddressError,
    Request,
    TooLargeError,
    UntrustedServerError,
    fetch,
)

_SLOTS = 4

Report = Callable[[Location, bytes | FetchError], None]


class RevocationFetcher:
    """Starts fetches, from any thread; *report* is called once for each, from the thread that made it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Location, bool]] = deque()
        self._busy: set[str] = set()
        self._closed = False

    def start(self, location: Location, *, private: bool) -> None:
        """Fetch a location as soon as its server and a slot are free; *private*: at any address."""
        with self._lock:
            self._waiting.append((location, private))
        self._next()

    def close(self) -> None:
        """Start nothing more; what is under way ends by itself and is not waited for."""
        with self._lock:
            self._closed = True
            self._waiting.clear()

    def _next(self) -> None:
        with self._lock:
            for one in self._waiting:
                host = urlsplit(one[0].url).netloc.lower()
                if self._closed or len(self._busy) >= _SLOTS:
                    return
                if host not in self._busy:
                    self._waiting.remove(one)
                    self._busy.add(host)
                    break
            else:
                return
        threading.Thread(target=self._fetch, args=(*one, host), name="revocation-fetch", daemon=True).start()

    def _fetch(self, location: Location, private: bool, host: str) -> None:
        try:
            result: bytes | FetchError = fetch(_request(location, private=private))
        except FetchError as error:
            result = error
        except Exception as error:  # noqa: BLE001 - the slot must be free again, whatever a server does
            result = FetchError(f"{type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._busy.discard(host)
        self._report(location, result)
        self._next()


def advice(result: bytes | FetchError) -> str:
    """Return what to do about a fetch that will fail again, in one clause; empty where time may mend it."""
    match result:
        case UntrustedServerError():
            return (
                "ask the authority to publish over http, as lists and answers are signed themselves; or let "
                "this machine believe the server's authority (update-ca-certificates), or fetch the list "
                "yourself and name its file in [trust] crl_files"
            )
        case TooLargeError():
            return (
                "ask the authority for lists in parts, or for an OCSP responder; one that the certificate "
                "names is asked all the same"
            )
        case PrivateAddressError():
            return "set [trust] fetch_private = true if the authority is your own"
        case _:
            return ""


def _request(location: Location, *, private: bool) -> Request:
    if location.request:
        return Request(
            location.url, MAXIMUM_ANSWER_OCTETS, location.request, OCSP_REQUEST_TYPE, private=private
        )
    return Request(location.url, MAXIMUM_LIST_OCTETS, private=private)

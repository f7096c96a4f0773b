"""Fetch in the background.

Owns: how many servers are asked at once, and that a slow one keeps one slot busy and no more.
Must not know: when something is due, and what its octets mean.
"""

import threading
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

from domain_secure.policy.threads.bounded_start import BoundedStartThread

from .http_fetch import FetchError, Request, fetch

_SLOTS = 4

Report = Callable[[bytes | FetchError], None]


class Fetcher:
    """Starts fetches, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Request, Report]] = deque()
        self._busy: set[str] = set()
        self._closed = False

    def start(self, request: Request, report: Report) -> None:
        """Fetch as soon as the server and a slot are free; *report* is called once, from another thread."""
        with self._lock:
            self._waiting.append((request, report))
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
        try:
            BoundedStartThread(self._fetch, (*one, host), name="fetch").start()
        except RuntimeError as error:
            with self._lock:
                self._busy.discard(host)
            one[1](FetchError(str(error)))

    def _fetch(self, request: Request, report: Report, host: str) -> None:
        try:
            result: bytes | FetchError = fetch(request)
        except FetchError as error:
            result = error
        except Exception as error:  # noqa: BLE001 - the slot must be free again, whatever a server does
            result = FetchError(f"{type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._busy.discard(host)
        report(result)
        self._next()

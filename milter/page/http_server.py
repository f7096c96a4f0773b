"""Metrics, health and the status page over HTTP.

Owns: the listener, TLS on it, what is answered to whom, and the headers that every answer carries.
Must not know: what the answers say, or what may be changed.
Invariant: where it listens beyond loopback there are TLS and a token; the configuration makes sure of it.
"""

import errno
import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import AF_INET6, SHUT_RDWR, socket
from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST

from domain_secure.milter.changes.forms import PATH, Answer, Posted
from domain_secure.policy.configuration.configuration import WebAccess
from domain_secure.policy.terms.event import internal_error
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.threads.bounded_start import BoundedStartThread

from .http_access import Access, read_token

if TYPE_CHECKING:
    from domain_secure.milter.changes.page_changes import PageChanges

Health = dict[str, Any]
_log = logging.getLogger("domain_secure")

# A browser opens six connections, a scraper one; who opens more waits for nobody.
_MOST_CONNECTIONS = 64
# The whole request, however slowly its octets come: a request is some hundred of them.
_REQUEST_SECONDS = 5.0
_PAUSE_SECONDS = 0.5
_MOST_POSTED = 4096  #: octets of a form; ours have some hundred
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


Render = Callable[[str], tuple[Mapping[str, str], bytes]]


@dataclass(frozen=True, slots=True)
class Pages:
    """What is served; *status_page* gets the query of the URL and returns headers and HTML."""

    exposition: Callable[[], bytes]
    health: Callable[[], Health]
    status_page: Render
    further: Mapping[str, Render] = field(default_factory=dict)  #: by path; headers may say the type
    changes: "PageChanges | None" = None  #: what changes something; None: nothing does


@dataclass(frozen=True, slots=True)
class _Answer:
    status: HTTPStatus
    content_type: str
    body: bytes
    headers: Mapping[str, str]


class HttpServer:
    """Serves *pages* at *address* until stopped."""

    def __init__(self, address: tuple[str, int], pages: Pages, access: WebAccess) -> None:
        """Bind *address*; raises Problem where that is not possible, or a file of *access* is of no use."""
        token = read_token(access.token_file) if access.token_file else None
        judge = Access(token, access.host_names)
        handler = type("_BoundHandler", (_Handler,), {"pages": pages, "access": judge})
        certificate = _ServerCertificate.of(access)
        try:
            self._server = _Server(address, handler, certificate)
        except OSError as error:
            raise Problem(
                f"cannot listen ({error.strerror})",
                f"metrics.listen = {address[0]}:{address[1]}",
                "choose an address of this machine and a port that is free",
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="http", daemon=True)

    @property
    def address(self) -> str:
        """Return the address in use, ``host:port``."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def start(self) -> None:
        """Start serving in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End the service."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _ServerCertificate:
    """The files of the listener's certificate; a renewed one is shown to the next connection."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = (certificate, key)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._seen: tuple[tuple[int, int], ...] = ()
        try:
            self._load()
        except (OSError, ValueError) as error:
            where = f"metrics.cert_file = {certificate}, metrics.key_file = {key}"
            fix = "name a certificate chain and its key in PEM that the daemon's user may read"
            raise Problem(f"cannot use the certificate ({error})", where, fix) from error

    @classmethod
    def of(cls, access: WebAccess) -> "_ServerCertificate | None":
        """Return the certificate where one is configured."""
        if access.cert_file is None or access.key_file is None:
            return None
        return cls(access.cert_file, access.key_file)

    def wrap(self, connection: socket) -> socket:
        """Return the connection under TLS; the handshake comes with the first read, in its own thread."""
        try:
            self._load()
        except (OSError, ValueError) as error:
            _log.error(internal_error("the certificate of the status page", error))
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def _load(self) -> None:
        seen = tuple((state.st_ino, state.st_mtime_ns) for state in (file.stat() for file in self._files))
        if seen != self._seen:
            self._seen = seen
            self._context.load_cert_chain(*self._files, password=lambda: "")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        certificate: _ServerCertificate | None,
    ) -> None:
        if ":" in address[0]:
            self.address_family = AF_INET6
        self._certificate = certificate
        self._free = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._asking: dict[int, tuple[socket, float]] = {}  #: who has not asked yet, and since when
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket, Any]:
        try:
            connection, address = super().get_request()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                # The loop would ask again at once, and keep the processor busy until a descriptor is free.
                time.sleep(_PAUSE_SECONDS)
            raise
        return (self._certificate.wrap(connection) if self._certificate else connection), address

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            # Who has been about to ask for the longest has to go: slow ones must not shut others out.
            self._hang_up_on_slow(0.0, most=1)
            if not self._free.acquire(timeout=_PAUSE_SECONDS):
                self.shutdown_request(request)
                return
        with self._lock:
            self._asking[id(request)] = request, time.monotonic()
        try:
            BoundedStartThread(self.process_request_thread, (request, client_address), name="page").start()
        except RuntimeError:
            self.has_asked(request)
            self._free.release()
            self.shutdown_request(request)

    def service_actions(self) -> None:
        self._hang_up_on_slow(_REQUEST_SECONDS)

    def has_asked(self, request: Any) -> None:
        """Take note that a request is complete."""
        with self._lock:
            self._asking.pop(id(request), None)

    def _hang_up_on_slow(self, seconds: float, most: int = _MOST_CONNECTIONS) -> None:
        """Hang up on those who have been asking for longer than *seconds*, the longest first."""
        since = time.monotonic() - seconds
        with self._lock:
            slow = [(key, one) for key, (one, began) in self._asking.items() if began <= since][:most]
            for key, _ in slow:
                del self._asking[key]
        for _, connection in slow:
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.has_asked(request)
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A peer that went away or does not speak TLS is no fault of ours, and stderr is the daemon's log.
        del request, client_address


class _Handler(BaseHTTPRequestHandler):
    pages: Pages
    access: Access
    server_version = "domain-secure"
    sys_version = ""
    # A peer that says nothing must not hold a thread for ever.
    timeout = 10

    def do_GET(self) -> None:
        if isinstance(self.server, _Server):
            self.server.has_asked(self.request)
        site = self.headers.get("Sec-Fetch-Site")
        self._send(self._answer(lambda: _page(self.pages, self.path, site)))

    def do_POST(self) -> None:
        """Take a form of the page; whoever is slow with it is hung up on like anybody who asks slowly."""
        body = self._body()
        if isinstance(self.server, _Server):
            self.server.has_asked(self.request)
        # What was not read may not be taken for the next request.
        self.close_connection = True
        self._send(self._answer(lambda: self._posted(body)))

    def _body(self) -> bytes | None:
        """Return what was sent with the request; None where it does not say how much, or sends too much."""
        length = self.headers.get("Content-Length", "")
        if (
            not length.isascii()
            or not length.isdecimal()
            or int(length[:8]) > _MOST_POSTED
            or len(length) > 8
        ):
            return None
        return self.rfile.read(int(length))

    def _posted(self, body: bytes | None) -> _Answer:
        changes = self.pages.changes
        if changes is None or self.path != PATH:
            return _text(HTTPStatus.NOT_FOUND, "nothing is changed here\n")
        if body is None:
            return _text(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "this is no form of ours\n")
        headers = {name.lower(): value for name, value in self.headers.items()}
        return _made(changes.perform(Posted(headers, body, self.client_address[0])))

    def _send(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        headers = {**_HEADERS, **answer.headers, "Content-Type": answer.content_type}
        for name, value in (headers | {"Content-Length": str(len(answer.body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, ask: Callable[[], _Answer]) -> _Answer:
        if not self.access.is_addressed(self.headers.get("Host")):
            told = "this name is not ours: see [metrics] host_names\n"
            return _text(HTTPStatus.MISDIRECTED_REQUEST, told)
        if not self.access.is_granted(self.headers.get("Authorization")):
            challenge = {"WWW-Authenticate": 'Basic realm="domain-secure", charset="UTF-8"'}
            return _text(HTTPStatus.UNAUTHORIZED, "the token is needed\n", challenge)
        try:
            return ask()
        except Problem as problem:
            return _text(HTTPStatus.SERVICE_UNAVAILABLE, f"{problem}\n")
        except Exception as error:  # noqa: BLE001 - the browser is told something, and the log more
            _log.error(internal_error("http", error), exc_info=True)
            return _text(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of the daemon: see its log\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        del format, args


def _page(pages: Pages, target: str, site: str | None) -> _Answer:
    path, _, query = target.partition("?")
    match path:
        case "/":
            headers, html = pages.status_page(query)
            return _Answer(HTTPStatus.OK, "text/html; charset=utf-8", html, headers)
        case "/metrics":
            return _Answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, pages.exposition(), {})
        case "/healthz":
            document = pages.health()
            status = HTTPStatus.OK if document["healthy"] else HTTPStatus.SERVICE_UNAVAILABLE
            return _Answer(status, "application/json", json.dumps(document).encode() + b"\n", {})
        case _ if path == PATH and pages.changes is not None:
            return _made(pages.changes.confirm(query, site))
        case _ if (render := pages.further.get(path)) is not None:
            headers, body = render(query)
            content_type = headers.get("Content-Type", "text/html; charset=utf-8")
            rest = {name: value for name, value in headers.items() if name != "Content-Type"}
            return _Answer(HTTPStatus.OK, content_type, body, rest)
        case _:
            there = ", ".join(("/", "/metrics", *sorted(pages.further)))
            return _text(HTTPStatus.NOT_FOUND, f"there is {there} and /healthz\n")


def _made(answer: Answer) -> _Answer:
    return _Answer(answer.status, answer.headers["Content-Type"], answer.body, answer.headers)


def _text(status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> _Answer:
    return _Answer(status, "text/plain; charset=utf-8", text.encode(), headers or {})

"""A small HTTP server for what certificates point to; it may misbehave on demand."""

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from .waiting import DEADLINE


@dataclass
class Page:
    """What the server answers at one path."""

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    answer: Callable[[bytes], bytes] | None = None  #: makes the content of a POST from its body
    raw: Callable[[socket.socket], None] | None = None  #: takes the connection over instead
    gate: threading.Event | None = None  #: the answer waits for it


class WebServer:
    """Serves ``pages``, which a test may change at any time; ``asked`` counts requests by path.

    It listens where it is made: in the network of the thread that makes it.
    """

    def __init__(self, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: Counter[str] = Counter()
        self._server = _Server((address, port), _Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._server.pages, self._server.asked = self.pages, self.asked
        self.address, self.port = self._server.server_address[:2]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def url(self, path: str, host: str | None = None) -> str:
        """Return the URL of a path, by a host name where one is given."""
        return f"http://{host or self.address}:{self.port}{path}"

    def close(self) -> None:
        """Stop serving."""
        for page in self.pages.values():
            if page.gate:
                page.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    pages: dict[str, Page]
    asked: Counter[str]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of some tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = DEADLINE

    def do_GET(self) -> None:
        self._respond(b"")

    def do_POST(self) -> None:
        self._respond(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, *arguments: object) -> None:
        """Keep quiet."""

    def _respond(self, body: bytes) -> None:
        self.server.asked[self.path] += 1
        page = self.server.pages.get(self.path, Page(status=404))
        if page.gate:
            page.gate.wait(DEADLINE)
        if page.raw:
            page.raw(self.connection)
            return
        content = page.answer(body) if page.answer else page.content
        self.send_response(page.status)
        for name, value in ({"Content-Length": str(len(content))} | page.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def resolving(monkeypatch: Any, answers: dict[str, list[list[str]]]) -> Iterator[list[str]]:
    """Let host names resolve to addresses, another list at each look-up; yield the names asked for."""
    asked: list[str] = []
    original = socket.getaddrinfo

    def look_up(host: str, port: int, *rest: Any, **options: Any) -> list[Any]:
        asked.append(host)
        if host not in answers:
            return original(host, port, *rest, **options)
        found = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up)
        yield asked

"""``/metrics`` and ``/healthz`` over HTTP, on loopback."""

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST

from ..policy.problems import Problem

Health = dict[str, Any]


class HttpServer:
    """Serves *exposition* (text format) and *health* (one JSON document) until stopped."""

    def __init__(
        self, address: tuple[str, int], exposition: Callable[[], bytes], health: Callable[[], Health]
    ) -> None:
        """Bind *address*; raises Problem where that is not possible."""
        handler = _handler(exposition, health)
        try:
            self._server = _Server(address, handler)
        except OSError as error:
            raise Problem(
                f"cannot listen ({error.strerror})",
                f"metrics.listen = {address[0]}:{address[1]}",
                "choose a loopback address and port that are free",
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = AF_INET6
        super().__init__(address, handler)


def _handler(exposition: Callable[[], bytes], health: Callable[[], Health]) -> type[BaseHTTPRequestHandler]:
    def answer(path: str) -> tuple[HTTPStatus, str, bytes]:
        match path.partition("?")[0]:
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, exposition()
            case "/healthz":
                document = health()
                status = HTTPStatus.OK if document["healthy"] else HTTPStatus.SERVICE_UNAVAILABLE
                return status, "application/json", json.dumps(document).encode() + b"\n"
            case _:
                return HTTPStatus.NOT_FOUND, "text/plain", b"there is /metrics and /healthz\n"

    class Handler(BaseHTTPRequestHandler):
        server_version = "domain-secure"
        sys_version = ""
        # A peer that says nothing must not hold a thread for ever.
        timeout = 10

        def do_GET(self) -> None:
            status, content_type, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            del format, args

    return Handler

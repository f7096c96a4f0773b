"""A mail relay that takes every message and keeps an account of when.

Must not know: who sends, and why.  Source: RFC 5321; it offers nothing beyond SMTP itself.
"""

import re
import socketserver
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from .namespaces import Namespaces
from .waiting import DEADLINE

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Relayed:
    """One message that the relay has taken."""

    at: float  #: as time.monotonic() tells
    message_id: str
    recipients: tuple[str, ...]


class Relay:
    """Listens on port 25 of an address inside until it is closed."""

    def __init__(self, namespaces: Namespaces, address: str) -> None:
        self.relayed: list[Relayed] = []
        self.is_holding = threading.Event()  #: set while a message waits for its reply
        self.goes_on = threading.Event()  #: cleared: whoever has sent a message waits for the reply
        self.goes_on.set()
        relayed, is_holding, goes_on = self.relayed, self.is_holding, self.goes_on

        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                recipients: list[str] = []
                self.wfile.write(b"220 relay ESMTP\r\n")
                for line in self.rfile:
                    verb = line.strip().upper()
                    if verb.startswith(b"RCPT"):
                        recipients.append(line.partition(b"<")[2].partition(b">")[0].decode())
                    if verb == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        content = b"".join(iter(self.rfile.readline, b".\r\n"))
                        if not goes_on.is_set():
                            is_holding.set()
                            goes_on.wait(DEADLINE)
                        found = _MESSAGE_ID.search(content)
                        name = found[1].decode() if found else ""
                        relayed.append(Relayed(time.monotonic(), name, tuple(recipients)))
                        recipients = []
                    self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                    if verb == b"QUIT":
                        return

        with namespaces.network():
            self._server = socketserver.ThreadingTCPServer((address, 25), Session)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self.goes_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

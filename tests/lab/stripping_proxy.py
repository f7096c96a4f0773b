"""Somebody between two mail servers who takes STARTTLS out of what the receiving one offers."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from .namespaces import Namespaces

_OFFER = b"250-STARTTLS\r\n"


class StrippingProxy:
    """Listens on one address of the laboratory and hands everything on to the server at another."""

    def __init__(self, namespaces: Namespaces, address: str, server: str) -> None:
        self._namespaces = namespaces
        self._server = server
        with namespaces.network():
            self._listening = socket.create_server((address, 25))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # accept() goes on after close(), but not after this.
        self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with self._namespaces.network():
                server = socket.create_connection((self._server, 25))
            session = threading.Thread(target=_between, args=(client, server), daemon=True)
            session.start()
            self._threads.append(session)


def _between(client: socket.socket, server: socket.socket) -> None:
    with client, server:
        back = threading.Thread(target=_hand_on, args=(server, client))
        back.start()
        _hand_on(client, server)
        back.join()


def _hand_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while octets := source.recv(65536):
            sink.sendall(octets.replace(_OFFER, b""))
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)

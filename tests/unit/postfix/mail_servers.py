"""Mail servers on the loopback interface that behave as a test says, however badly."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.certificates import Issued

Behaviour = Callable[[socket.socket], None]


class Server:
    """What a server heard; its *port*."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heard: list[bytes] = []  #: lines in the clear, then under TLS
        self.connections = 0


@contextmanager
def serve(
    behaviour: Callable[[socket.socket, Server], None], address: tuple[str, int] = ("127.0.0.1", 0)
) -> Iterator[Server]:
    """Accept connections and let *behaviour* have each, until the context ends."""
    with socket.create_server(address) as listening:
        server = Server(listening.getsockname()[1])

        def run() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                server.connections += 1
                with connection, suppress(OSError):
                    behaviour(connection, server)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield server
        finally:
            # accept() goes on after close(), but not after this.
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def says(*replies: bytes) -> Callable[[socket.socket, Server], None]:
    """Return the behaviour of a server that greets and answers line by line, then hangs up."""

    def behave(connection: socket.socket, server: Server) -> None:
        for reply in replies:
            connection.sendall(reply)
            heard = connection.recv(4096)
            server.heard.append(heard)

    return behave


HELLO = (b"220 mail.woodgrovebank.test ESMTP\r\n", b"250-mail\r\n250 STARTTLS\r\n")


def starts_tls(context: ssl.SSLContext) -> Callable[[socket.socket, Server], None]:
    """Return the behaviour of a good server."""

    def behave(connection: socket.socket, server: Server) -> None:
        says(*HELLO)(connection, server)
        connection.sendall(b"220 go\r\n")
        with suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as secured:
            heard = secured.recv(4096)
            while heard:
                server.heard.append(heard)
                secured.sendall(b"221 bye\r\n")
                heard = secured.recv(4096)

    return behave


def server_context(issued: Issued, folder: Path) -> ssl.SSLContext:
    """Return a TLS server that shows a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.write(folder, "server"))
    return context

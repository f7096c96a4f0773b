"""The HTTP server with its page, its metrics and its forms, over a socket."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from domain_secure.milter.changes.acts import Act, Kind
from domain_secure.milter.changes.page_changes import Order, PageChanges, State, Workings
from domain_secure.milter.changes.same_origin import foreign
from domain_secure.milter.page.http_access import Access
from domain_secure.milter.page.http_server import HttpServer, Pages
from domain_secure.milter.page.status_page import Links, StatusPage
from domain_secure.policy.configuration.configuration import WebAccess
from domain_secure.policy.history.history import History
from domain_secure.policy.terms.event import Event

from attack.fuzzing.target import Fault, Take, Target, caught_errors
from unit.milter.status_documents import document, domain

_SECONDS = 20.0
_TOKEN = "0123456789abcdef"


class _Forms:
    """What is behind the forms, and whether an order got through: nobody was ever shown a number for one."""

    def __init__(self) -> None:
        self.carried_out = False

    def state(self, act: Act) -> State:
        """Return what an act starts from."""
        return State(act.subject, "on")

    def carry_out(self, order: Order) -> tuple[str, ...]:
        """Note that it was reached."""
        del order
        self.carried_out = True
        return ()

    def log(self, event: Event) -> None:
        """Make a line of an event, as the daemon does."""
        str(event)


@contextmanager
def _web(folder: Path) -> Iterator[Take]:
    forms = _Forms()
    workings = Workings(lambda: tuple(Kind), forms.state, forms.carry_out, lambda: True)
    changes = PageChanges(workings, (), forms.log, time.monotonic, is_tls=False)
    view = document(domain("woodgrovebank.test"), domain("fabrikam.test"))
    page = StatusPage(
        lambda: view, lambda: {"findings": [], "not_looked_at": []}, History(folder), links=Links()
    )
    pages = Pages(lambda: b"up 1\n", lambda: {"healthy": True}, page.render, changes=changes)
    server = HttpServer(("127.0.0.1", 0), pages, WebAccess())
    server.start()
    host, _, port = server.address.rpartition(":")
    access = Access(_TOKEN)
    try:
        with caught_errors() as check:

            def take(octets: bytes) -> None:
                said = _answer((host, int(port)), octets)
                check()
                if said[9:12] == b"500":
                    raise Fault(f"a fault of the daemon: {said[:200]!r}")
                if forms.carried_out:
                    forms.carried_out = False
                    raise Fault("an order was carried out that nobody confirmed")
                _judge(access, octets)

            yield take
    finally:
        server.stop()


def _judge(access: Access, octets: bytes) -> None:
    """Let the headers of a request be judged where a token is needed."""
    lines = (line.partition(":") for line in octets.decode("latin-1").split("\r\n"))
    headers = {name.lower(): value.strip() for name, _, value in lines}
    if access.is_granted(headers.get("authorization")) and _TOKEN not in octets.decode("latin-1"):
        with suppress(ValueError):
            raise Fault("granted without the token")
    Access().is_addressed(headers.get("host"))
    foreign(headers, ("mx1.contoso.test",), is_tls=True)


def _answer(address: tuple[str, int], octets: bytes) -> bytes:
    said = bytearray()
    with socket.create_connection(address, _SECONDS) as connection:
        try:
            try:
                connection.sendall(octets)
                connection.shutdown(socket.SHUT_WR)
            except TimeoutError:
                raise
            except OSError:
                pass  # it was hung up on, and may have been told why
            with suppress(ConnectionResetError):
                while part := connection.recv(65536):
                    said += part
        except TimeoutError:
            raise Fault("no end of an answer though its client has left") from None
    return bytes(said)


TARGETS = (Target("http", _web, 128 * 1024, 2.0, (b"\r\n", b"&")),)

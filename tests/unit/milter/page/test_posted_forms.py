"""Forms over HTTP: whose, how large, and how slowly."""

import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from domain_secure.milter.changes.acts import Act, Kind
from domain_secure.milter.changes.page_changes import Order, PageChanges, State, Workings
from domain_secure.milter.page.http_server import HttpServer, Pages
from domain_secure.policy.configuration.configuration import WebAccess

from lab.waiting import DEADLINE

TOKEN = "0123456789abcdef"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def never(order: Order) -> tuple[str, ...]:
    """Fail: nothing here is confirmed."""
    raise AssertionError(order)


def state(act: Act) -> State:
    """Return what is so."""
    return State(act.subject, "on")


def pages(*, may_change: bool) -> Pages:
    """Return what is served."""
    workings = Workings(lambda: tuple(Kind), state, never, lambda: True)
    changes = PageChanges(workings, (), lambda _: None, time.monotonic, is_tls=False) if may_change else None
    return Pages(bytes, lambda: {"healthy": True}, lambda _: ({}, b""), changes=changes)


@pytest.fixture(params=[True, False], ids=["may change", "may not"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, bool]]:
    """Run a server, and tell whether its page may change something."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    access = WebAccess(token_file=token, allow_changes=request.param)
    server = HttpServer(("127.0.0.1", 0), pages(may_change=request.param), access)
    server.start()
    yield server.address, request.param
    server.stop()


def ask(address: str, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> int:
    """Return the status of an answer."""
    connection = HTTPConnection(address, timeout=DEADLINE)
    connection.request(method, path, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_where_nothing_may_be_changed_there_is_no_such_page(served: tuple[str, bool]) -> None:
    """Neither the question nor the form; nor is there one at another path."""
    address, may_change = served
    query = "/change?act=connector&subject=smtp%2Finet&value=off"
    assert ask(address, "GET", query, None, AUTHORIZED) == (200 if may_change else 404)
    assert ask(address, "POST", "/change", b"", AUTHORIZED) == (403 if may_change else 404)
    assert ask(address, "POST", "/", b"", AUTHORIZED) == 404
    assert ask(address, "PUT", "/change", b"", AUTHORIZED) == 501


def test_without_the_token_nothing_is_asked(served: tuple[str, bool]) -> None:
    """Before anything else."""
    address, _ = served
    assert ask(address, "GET", "/change?act=connector", None, {}) == 401
    assert ask(address, "POST", "/change", b"act=connector", {"Authorization": "Bearer x"}) == 401


@pytest.mark.parametrize("length", ["4097", "99999999999", "-1", "", "١"])
def test_forms_of_no_known_size(served: tuple[str, bool], length: str) -> None:
    """What is larger than any form of ours, or does not say how large it is, is not read."""
    address, may_change = served
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=DEADLINE) as connection:
        head = f"POST /change HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}\r\n"
        connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
        answer = connection.makefile("rb").readline()
    assert answer.split()[1] == (b"413" if may_change else b"404")

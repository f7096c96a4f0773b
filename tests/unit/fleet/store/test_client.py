"""One log-in for all connections of a user; and what answers in the place of etcd."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from domain_secure.fleet.store.client import Etcd, LogIn, get
from domain_secure.fleet.store.problems import StoreProblem
from domain_secure.policy.configuration.configuration import Store, StoreType


class Gateway(ThreadingHTTPServer):
    """As much of etcd's gateway as a log-in and an empty answer take."""

    def __init__(self) -> None:
        self.log_ins = 0
        super().__init__(("127.0.0.1", 0), Answering)


class Answering(BaseHTTPRequestHandler):
    """Hands out one token after the other, of which the newest is good."""

    server: Gateway

    def do_POST(self) -> None:
        """Answer as etcd does."""
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v3/auth/authenticate":
            self.server.log_ins += 1
            self.answer(200, {"token": f"token{self.server.log_ins}"})
        elif self.headers["Authorization"] == f"token{self.server.log_ins}":
            self.answer(200, {"succeeded": True, "responses": [{"response_range": {}}]})
        else:
            self.answer(401, {"message": "etcdserver: invalid auth token"})

    def answer(self, status: int, document: object) -> None:
        """Send a document."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Return a gateway that runs."""
    with Gateway() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def store(gateway: Gateway, tmp_path: Path) -> Store:
    """Return how to reach it."""
    password = tmp_path / "password"
    password.write_text("secret\n")
    endpoint = f"http://127.0.0.1:{gateway.server_address[1]}"
    return Store(endpoints=(endpoint,), node="edge1", username="edge1", password_file=password)


def test_connections_of_one_user_log_in_once(gateway: Gateway, store: Store) -> None:
    """A second connection with the same log-in asks for none, also when it is made anew."""
    first = Etcd(store)
    for _ in range(3):
        assert first.transaction(get("/x")).succeeded
        assert Etcd(store, first.log_in).transaction(get("/x")).succeeded
    assert gateway.log_ins == 1


def test_an_aged_log_in_is_renewed_once_for_all(gateway: Gateway, store: Store) -> None:
    """Whoever notices first logs in, and the other one takes what that gave."""
    first = Etcd(store)
    second = Etcd(store, first.log_in)
    assert first.transaction(get("/x")).succeeded
    assert second.transaction(get("/x")).succeeded
    gateway.log_ins = 10
    assert second.transaction(get("/x")).succeeded
    assert first.transaction(get("/x")).succeeded
    assert gateway.log_ins == 11


def test_forgetting_an_older_log_in_keeps_the_newer() -> None:
    """Who found that its token has aged does not take away what somebody else has got since."""
    log_in = LogIn(token="new")
    log_in.forget("old")
    assert log_in.token == "new"
    log_in.forget("new")
    assert log_in.token is None


def test_a_server_that_does_not_answer_is_asked_once(store: Store) -> None:
    """Who asks the only server again at once doubles what it has to do when all come back."""
    asked = []
    with Gateway() as silent:
        silent.RequestHandlerClass = lambda *_: asked.append(None)  # type: ignore[assignment,method-assign]
        threading.Thread(target=silent.serve_forever, daemon=True).start()
        etcd = Etcd(
            replace(store, endpoints=(f"http://127.0.0.1:{silent.server_address[1]}",), username=None)
        )
        with pytest.raises(StoreProblem):
            etcd.transaction(get("/x"))
        silent.shutdown()
    assert len(asked) == 1


class Elsewhere(BaseHTTPRequestHandler):
    """Some web server that answers every question in the same way."""

    says = b""

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.says)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""
        del format, args


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Etcd]:
    """Return a client of that server."""
    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Etcd(Store(type=StoreType.ETCD, endpoints=(f"http://127.0.0.1:{server.server_port}",)))
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"succeeded": true, "responses": 7}',
        b'{"succeeded": true, "responses": [{"response_range": {"kvs": [{}]}}]}',
        b'{"succeeded": true, "responses": [{"response_range": {}}, {"response_range": {}}]}',
        b'{"succeeded": true, "header": {"revision": "x"}, "responses": [{"response_range": {}}]}',
    ],
)
def test_what_is_no_etcd_is_a_problem_of_the_store(
    elsewhere: Etcd, monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    """Whatever it says, it is neither an empty store nor a fault of ours."""
    monkeypatch.setattr(Elsewhere, "says", says)
    with pytest.raises(StoreProblem):
        elsewhere.transaction(get("/domain-secure/head"))
    with pytest.raises(StoreProblem):
        elsewhere.grant(10)

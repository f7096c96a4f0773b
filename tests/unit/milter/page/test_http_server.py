"""``/metrics`` and ``/healthz`` over a real socket."""

import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from domain_secure.commands.terminal.daemon_client import health
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.milter.page.http_server import Health, HttpServer, Pages
from domain_secure.policy.configuration.configuration import WebAccess
from domain_secure.policy.decision.decision import NOT_LISTED, decide
from domain_secure.policy.decision.evidence import Evidence
from domain_secure.policy.terms.problems import Problem

from lab.certificates import self_signed
from lab.waiting import DEADLINE
from unit.policy.builders import NOW, claim, configuration, known, session

HEALTH: Health = {"healthy": True}
TOKEN = "0123456789abcdef"


def pages(exposition: Callable[[], bytes] = bytes, page: str = "<p>hello</p>") -> Pages:
    """Return what is served."""
    return Pages(exposition, lambda: HEALTH, lambda query: ({"X-Query": query}, page.encode()))


@pytest.fixture
def served() -> Iterator[tuple[Metrics, str]]:
    """Run a server on a free port."""
    metrics = Metrics()
    server = HttpServer(("127.0.0.1", 0), pages(metrics.exposition), WebAccess())
    server.start()
    yield metrics, server.address
    server.stop()


def get(
    address: str, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> tuple[HTTPResponse, bytes]:
    """Return response and body."""
    connection = HTTPConnection(address, timeout=DEADLINE)
    connection.request(method, path, headers=headers or {})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def samples(body: bytes) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and its label values, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_metrics_follow_the_decisions(served: tuple[Metrics, str]) -> None:
    """Received, refused and unlisted messages are counted by list entry and verdict."""
    metrics, address = served
    rules = configuration()
    metrics.observe(NOT_LISTED, 0.0)
    metrics.observe(decide([claim()], Evidence(session(), known("woodgrovebank.test")), rules, NOW), 0.001)
    metrics.observe(decide([claim()], Evidence(session(tls_version=None), None), rules, NOW), 0.001)
    response, body = get(address, "/metrics")
    counted = samples(body)
    assert response.status == 200
    assert counted["domain_secure_messages_received_total", "woodgrovebank.test"] == 1
    assert counted["domain_secure_inbound_refusals_total", "woodgrovebank.test", "no-tls"] == 1
    assert counted["domain_secure_decisions_total", "none", "none"] == 1
    assert counted["domain_secure_decisions_total", "pkix", "pass"] == 1
    assert counted["domain_secure_decision_seconds_count",] == 2
    metrics.inbound.list_changed(frozenset({"woodgrovebank.test"}), frozenset())
    assert not [key for key in samples(get(address, "/metrics")[1]) if "woodgrovebank.test" in key]


def test_health_is_one_document(served: tuple[Metrics, str]) -> None:
    """``/healthz`` says whether the daemon is well, by status and by document."""
    response, body = get(served[1], "/healthz")
    assert (response.status, json.loads(body)) == (200, HEALTH)
    assert get(served[1], "/etc/passwd")[0].status == 404


def test_a_port_in_use_is_explained(served: tuple[Metrics, str]) -> None:
    """The message names the setting."""
    host, _, port = served[1].partition(":")
    with pytest.raises(Problem, match=r"metrics\.listen"):
        HttpServer((host, int(port)), pages(bytes), WebAccess())


def test_the_page_comes_with_headers_that_protect_it(served: tuple[Metrics, str]) -> None:
    """A browser may neither guess types nor frame it nor tell others where it was; HEAD has no body."""
    response, body = get(served[1], "/?domain=a.test")
    assert (response.status, body) == (200, b"<p>hello</p>")
    assert response.headers["X-Query"] == "domain=a.test"
    for name, value in (
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Frame-Options", "DENY"),
        ("Cache-Control", "no-store"),
        ("Content-Type", "text/html; charset=utf-8"),
    ):
        assert response.headers[name] == value
    assert "default-src 'none'" in get(served[1], "/healthz")[0].headers["Content-Security-Policy"]
    response, body = get(served[1], "/", method="HEAD")
    assert (response.status, response.headers["Content-Length"], body) == (200, "12", b"")


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/nowhere"])
def test_a_name_that_is_not_ours_gets_nothing(served: tuple[Metrics, str], path: str) -> None:
    """A web site whose name was made to point at us cannot read anything (DNS rebinding)."""
    response, body = get(served[1], path, headers={"Host": "evil.test"})
    assert response.status == 421
    assert b"hello" not in body


def test_a_fault_of_a_page_is_an_answer_and_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    """The server goes on; the browser learns nothing of the inside."""

    def fail(query: str) -> tuple[dict[str, str], bytes]:
        raise KeyError(query)

    server = HttpServer(("127.0.0.1", 0), Pages(bytes, lambda: HEALTH, fail), WebAccess())
    server.start()
    try:
        response, body = get(server.address, "/?secret")
        assert response.status == 500
        assert b"secret" not in body
        assert "internal-error" in caplog.text
        assert get(server.address, "/healthz")[0].status == 200
    finally:
        server.stop()


@pytest.fixture
def access(tmp_path: Path) -> WebAccess:
    """Return a certificate, its key, and a token."""
    path = self_signed("mx1.contoso.test").write(tmp_path, "web")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "token").chmod(0o600)
    return WebAccess(path, path, tmp_path / "token")


def test_tls_and_token(access: WebAccess) -> None:
    """The command line finds its way by the same configuration; who has no token learns nothing."""
    server = HttpServer(("127.0.0.1", 0), pages(), access)
    server.start()
    try:
        host, _, port = server.address.partition(":")
        assert health((host, int(port)), access) == HEALTH
        context = ssl.create_default_context(cafile=str(access.cert_file))
        context.check_hostname = False
        for path in ("/", "/metrics", "/healthz"):
            connection = HTTPSConnection(server.address, timeout=DEADLINE, context=context)
            connection.request("GET", path, headers={"Host": "mx1.contoso.test", "Authorization": "Bearer x"})
            response = connection.getresponse()
            assert (response.status, response.read()) == (401, b"the token is needed\n")
            assert response.headers["WWW-Authenticate"].startswith("Basic ")
            connection.close()
        with pytest.raises(Problem, match="does not answer"):
            health((host, int(port)))
        assert access.token_file
        access.token_file.write_text("fedcba9876543210")
        with pytest.raises(Problem, match="another token"):
            health((host, int(port)), access)
    finally:
        server.stop()


def test_a_renewed_certificate_is_shown_at_once(access: WebAccess, tmp_path: Path) -> None:
    """Without a restart; one that cannot be read leaves the former one in use."""
    server = HttpServer(("127.0.0.1", 0), pages(), access)
    server.start()
    try:
        host, _, port = server.address.partition(":")

        def shown() -> str:
            return ssl.get_server_certificate((host, int(port)))

        former = shown()
        (tmp_path / "web.pem").write_text("nothing")
        assert shown() == former
        self_signed("mx1.contoso.test").write(tmp_path, "web")
        assert shown() not in {former, ""}
    finally:
        server.stop()


def test_files_of_no_use_are_explained(access: WebAccess, tmp_path: Path) -> None:
    """The message names the settings."""
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    with pytest.raises(Problem, match=r"metrics\.cert_file"):
        HttpServer(("127.0.0.1", 0), pages(), replace(access, cert_file=broken))
    with pytest.raises(Problem, match=r"metrics\.token_file"):
        HttpServer(("127.0.0.1", 0), pages(), replace(access, token_file=tmp_path / "nowhere"))


def test_slow_clients_shut_nobody_out(served: tuple[Metrics, str]) -> None:
    """More than may ask at once hold a connection open, one octet sent: who asks at once is answered."""
    host, _, port = served[1].rpartition(":")
    slow = [socket.create_connection((host, int(port)), DEADLINE) for _ in range(70)]
    try:
        for connection in slow:
            connection.sendall(b"G")
        for _ in range(10):
            response, body = get(served[1], "/healthz")
            assert (response.status, json.loads(body)) == (200, HEALTH)
        # Whoever is not done in time is hung up on, however often an octet comes.
        assert {connection.recv(1) for connection in slow} == {b""}
    finally:
        for connection in slow:
            connection.close()

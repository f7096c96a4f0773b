"""Fetching from a real server on loopback that does what strangers' servers do."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.milter.fetching.http_fetch import FetchError, Request, fetch, is_public

from lab.certificates import Authority
from lab.waiting import DEADLINE
from lab.web_server import Page, WebServer, resolving


@pytest.fixture
def server() -> Iterator[WebServer]:
    """Return a server on loopback."""
    with WebServer() as made:
        yield made


def get(url: str, **options: object) -> bytes:
    """Fetch a URL, at a private address too."""
    plain = {"maximum_octets": 1000, "private": True}
    return fetch(Request(url, **plain | options))  # type: ignore[arg-type]


def test_get_and_post(server: WebServer) -> None:
    """A list is fetched by GET, a responder is asked by POST with the body's type."""
    server.pages["/a.crl?part=1"] = Page(b"a list")
    server.pages["/ocsp"] = Page(answer=lambda body: b"answer to " + body)
    assert get(server.url("/a.crl?part=1")) == b"a list"
    assert get(server.url("/ocsp"), body=b"question", content_type="application/ocsp-request") == (
        b"answer to question"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "127.1"])
def test_private_address_is_not_spoken_to(server: WebServer, host: str) -> None:
    """However loopback is written, nothing is sent there unless that is allowed."""
    server.pages["/"] = Page(b"secret")
    with pytest.raises(FetchError):
        get(server.url("/", host), private=False)
    assert not server.asked


def test_the_name_is_looked_up_once(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public when it is judged and private afterwards (DNS rebinding) gains nothing."""
    server.pages["/"] = Page(b"secret")
    with resolving(monkeypatch, {"rebind.test": [["127.0.0.1"], ["8.8.8.8"]]}) as asked:
        with pytest.raises(FetchError, match=r"private address 127\.0\.0\.1"):
            get(server.url("/", "rebind.test"), private=False)
        assert asked == ["rebind.test"]
    with resolving(monkeypatch, {"pinned.test": [["127.0.0.1"], ["127.0.0.99"]]}) as asked:
        assert get(server.url("/", "pinned.test")) == b"secret"
        assert asked == ["pinned.test"]


def test_redirects_are_judged_like_the_first_url(server: WebServer) -> None:
    """Each hop is looked up and judged again, and there are not many of them."""
    server.pages["/end"] = Page(b"found")
    for number in range(5):
        target = f"/{number - 1}" if number else "/end"
        server.pages[f"/{number}"] = Page(status=302, headers={"Location": target})
    assert get(server.url("/2")) == b"found"
    with pytest.raises(FetchError, match="redirects"):
        get(server.url("/3"))
    for elsewhere in (
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "http://u:p@127.0.0.1/",
    ):
        server.pages["/elsewhere"] = Page(status=301, headers={"Location": elsewhere})
        with pytest.raises(FetchError, match="URL"):
            get(server.url("/elsewhere"))


def test_proxies_of_the_environment_are_ignored(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect where we would not."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server.pages["/"] = Page(b"direct")
    assert get(server.url("/")) == b"direct"


def for_ever() -> Iterator[None]:
    """Go on for much longer than a client should."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        yield


def drip(connection: socket.socket) -> None:
    """Send one octet after the other, each before any time-out."""
    with suppress(OSError):
        connection.sendall(b"HTTP/1.0 200 OK\r\nX: ")
        for _ in for_ever():
            connection.sendall(b"x")
            threading.Event().wait(0.02)


def flood(connection: socket.socket) -> None:
    """Send without end."""
    with suppress(OSError):
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        for _ in for_ever():
            connection.sendall(b"x" * 65536)


def continuing(connection: socket.socket) -> None:
    """Send interim answers without end."""
    with suppress(OSError):
        for _ in for_ever():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def silent(connection: socket.socket) -> None:
    """Say nothing until the client goes."""
    connection.settimeout(DEADLINE)
    with suppress(OSError):
        connection.recv(1)


def saying(octets: bytes) -> object:
    """Return a server that sends these octets and hangs up."""
    return lambda connection: connection.sendall(octets)


@pytest.mark.parametrize(
    ("behave", "reason"),
    [(drip, "too long|as it should"), (continuing, "too long|as it should"), (silent, "too long|in time")],
)
def test_servers_without_end_are_left(
    server: WebServer, behave: Callable[[socket.socket], None], reason: str
) -> None:
    """Whatever the server does, it ends soon after the time is over."""
    server.pages["/"] = Page(raw=behave)
    started = time.monotonic()
    with pytest.raises(FetchError, match=reason):
        get(server.url("/"), seconds=0.5)
    assert time.monotonic() - started < DEADLINE / 2


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Page(raw=flood), "larger"),
        (Page(raw=saying(b"")), "as it should"),
        (Page(raw=saying(b"220 smtp ready\r\n")), "as it should"),
        (Page(raw=saying(b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\nshort")), "ended"),
        (Page(raw=saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")), "as it should"),
        (Page(raw=saying(b"HTTP/1.0 200 OK\r\nX: " + b"x" * 100000 + b"\r\n\r\n")), "as it should"),
        (Page(raw=saying(b"HTTP/1.0 200 OK\r\n" + b"X: x\r\n" * 1000 + b"\r\n")), "as it should"),
        (Page(b"x" * 1001), "larger"),
        (Page(b"x", headers={"Content-Encoding": "gzip"}), "compressed"),
        (Page(b"not here", status=404), "status 404"),
        (Page(status=302), "status 302"),
        (Page(b"", status=204), "status 204"),
    ],
    ids=range(12),
)
def test_bad_servers_are_told_apart(server: WebServer, page: Page, reason: str) -> None:
    """Each fault has its clause for the operator."""
    server.pages["/"] = page
    with pytest.raises(FetchError, match=reason):
        get(server.url("/"), seconds=DEADLINE)


def test_https_is_authenticated(tmp_path: Path) -> None:
    """A server whose certificate nobody vouches for is not spoken to over https."""
    import ssl

    issued = Authority.create("Lab").issue("localhost", dns_names=("localhost",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.write(tmp_path, "server"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(FetchError, match=r"(?i)certificate"):
            get(f"https://localhost:{listener.getsockname()[1]}/")
        thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http:///x",
        "http://[::1",
        "http://host:99999/",
        "http://host:0/",
        "http://a b/",
        "http://host/a b",
        "http://host/\r\nX: y",
        "http://host/ü",
        "ldap://host/cn=x",
        "//host/",
    ],
)
def test_urls_that_are_not_followed(url: str) -> None:
    """Malformed URLs and other schemes are refused before anything is looked up."""
    with pytest.raises(FetchError, match="URL"):
        get(url)


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",  # noqa: S104 - an address like others here
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "198.51.100.20",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_addresses_of_special_purpose(text: str) -> None:
    """Loopback, private, link-local, shared, documentation, multicast; also as IPv4 inside of IPv6."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "192.0.32.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses(text: str) -> None:
    """Addresses of the public Internet."""
    assert is_public(ip_address(text))


@given(st.text(max_size=60))
def test_any_text_for_a_url(text: str) -> None:
    """Whatever a certificate names: FetchError, and nothing else."""
    with pytest.raises(FetchError):
        fetch(Request(f"http://127.0.0.1:1/{text}", 10))

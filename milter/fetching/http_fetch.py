"""Fetch what a certificate points to: one HTTP exchange with a place that a stranger may have named.

Owns: which addresses may be spoken to, and every limit: time, octets, redirects.
Must not know: what is fetched.
Invariants: the address that was judged is the address that is connected to, so that a name that changes its
address between look-up and connection (DNS rebinding) gains nothing; no proxy, no cookie, no password, no
decompression; whatever the other side does, it ends within the time allowed, name look-up aside.
Sources: RFC 9110, RFC 3986, RFC 6890 for addresses of special purpose.
"""

import socket
import ssl
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from importlib.metadata import version
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Self
from urllib.parse import SplitResult, urljoin, urlsplit

MAXIMUM_SECONDS = 20.0
_CONNECT_SECONDS = 5.0
_REDIRECTS = 3
_ADDRESSES = 4  #: tried of one name
_REDIRECT_STATUS = frozenset({301, 302, 303, 307, 308})
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1
_PORTS = {"http": 80, "https": 443}

Address = IPv4Address | IPv6Address


class FetchError(Exception):
    """Nothing was fetched; the argument says why, in one clause for the operator."""


class TooLargeError(FetchError):
    """The content is larger than was asked for."""


class PrivateAddressError(FetchError):
    """The server is at an address that may not be spoken to."""


class UntrustedServerError(FetchError):
    """The server speaks https, and nobody whom this machine believes vouches for its certificate."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: a GET, or a POST of *body*."""

    url: str
    maximum_octets: int
    body: bytes = b""
    content_type: str = ""
    private: bool = False  #: whether private addresses may be spoken to
    seconds: float = MAXIMUM_SECONDS
    redirects: int = _REDIRECTS  #: how many are followed


def fetch(request: Request) -> bytes:
    """Return the content at the URL; raises FetchError for everything else.

    HTTPS is authenticated by the system's authorities; http is as good, as what is fetched is signed.
    """
    deadline = time.monotonic() + request.seconds
    url = request.url
    for _ in range(request.redirects + 1):
        parts = _split(url)
        with _Deadline(deadline) as limit:
            try:
                status, location, content = _exchange(parts, request, limit)
            except ssl.SSLCertVerificationError as error:
                what = f"the certificate of its server is not believed ({error.verify_message})"
                raise UntrustedServerError(what) from error
            except (OSError, HTTPException, ValueError) as error:
                raise FetchError(limit.reason or _reason(error)) from error
        if limit.reason:
            raise FetchError(limit.reason)
        if status == 200:
            return content
        if status not in _REDIRECT_STATUS or not location or not request.redirects:
            raise FetchError(f"the server answers with status {status}")
        url = urljoin(url, location)
    raise FetchError(f"more than {request.redirects} redirects")


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public Internet, also by way of IPv4 inside of IPv6."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        tunnelled = (address.sixtofour, *(address.teredo or ()))
        if any(one is not None and not is_public(one) for one in tunnelled):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class _Deadline:
    """Shuts the socket in time: a server that sends an octet now and then would never time out."""

    def __init__(self, deadline: float) -> None:
        self.reason = ""
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, connection: socket.socket) -> None:
        """Take the socket in use from now on; raises TimeoutError past the deadline."""
        with self._lock:
            self._socket = connection
        if self.reason:
            raise TimeoutError(self.reason)

    def _end(self) -> None:
        with self._lock:
            self.reason = "it takes too long"
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


def _split(url: str) -> SplitResult:
    """Return the parts of a URL we would follow; raises FetchError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise FetchError("its URL is malformed") from error
    if parts.scheme not in _PORTS or not parts.hostname or not url.isascii() or not url.isprintable():
        raise FetchError("its URL is not one of http or https")
    if parts.username is not None or parts.password is not None or " " in url or port == 0:
        raise FetchError("its URL is not one we follow")
    return parts


def _exchange(parts: SplitResult, request: Request, limit: _Deadline) -> tuple[int, str | None, bytes]:
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    connection = (HTTPSConnection if parts.scheme == "https" else HTTPConnection)(host, port)
    with closing(connection):
        stream = _connected(host, port, request.private, limit)
        # Set before the first request, so that the library looks nothing up and connects nowhere.
        connection.sock = stream
        if parts.scheme == "https":
            connection.sock = encrypted = ssl.create_default_context().wrap_socket(
                stream, server_hostname=host, do_handshake_on_connect=False
            )
            limit.watch(encrypted)
            encrypted.do_handshake()
        connection.request(
            "POST" if request.body else "GET",
            (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            request.body or None,
            _headers(request),
        )
        response = connection.getresponse()
        return response.status, response.getheader("Location"), _content(response, request.maximum_octets)


def _headers(request: Request) -> dict[str, str]:
    headers = {"User-Agent": f"domain-secure/{version('postfix-domain-secure')}", "Connection": "close"}
    return headers | ({"Content-Type": request.content_type} if request.body else {})


def _connected(host: str, port: int, private: bool, limit: _Deadline) -> socket.socket:
    """Return a connection to the first address that is allowed and answers."""
    refused: list[str] = []
    failure: OSError | None = None
    found: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _name, target in found[:_ADDRESSES]:
        address = ip_address(str(target[0]).partition("%")[0])
        if not private and not is_public(address):
            refused.append(str(address))
            continue
        stream = socket.socket(family, kind, protocol)
        try:
            stream.settimeout(_CONNECT_SECONDS)
            limit.watch(stream)
            stream.connect(target)
        except OSError as error:
            stream.close()
            failure = error
            continue
        return stream
    if failure is not None:
        raise failure
    raise PrivateAddressError(f"{host} has the private address {refused[0]}, and fetch_private is false")


def _content(response: HTTPResponse, maximum: int) -> bytes:
    if response.status != 200:
        return b""
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise FetchError("the server sends it compressed, unasked")
    content = response.read(maximum + 1)
    if len(content) > maximum:
        mebibytes, rest = divmod(maximum, 1024 * 1024)
        raise TooLargeError(
            f"it is larger than {maximum // 1024} KiB" if rest else f"it is larger than {mebibytes} MiB"
        )
    if response.length:
        raise FetchError("the connection ended before its end")
    return content


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "the name of its server has no address"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "the server does not speak HTTP as it should"

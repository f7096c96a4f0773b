"""The header by which a proxy tells a server whose connection it passes on.

Version 2 alone: every Postfix that takes version 1 and that we know takes it, too.
Source: HAProxy, "The PROXY protocol, versions 1 and 2", section 2.2; postconf(5)
smtpd_upstream_proxy_protocol.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_VERSION_2_PROXY = 0x21
_STREAM = {4: 0x11, 6: 0x21}  #: address family and TCP

Peer = tuple[IPv4Address | IPv6Address, int]


def header_of(connection: socket.socket) -> bytes:
    """Return the header of a connection that no other is passed on by: its own two ends; raises OSError."""
    return header(_peer(connection.getsockname()), _peer(connection.getpeername()))


def header(source: Peer, destination: Peer) -> bytes:
    """Return the header for a connection over TCP from *source* to *destination*.

    Raises ValueError where their addresses are not of one family.
    """
    (client, client_port), (server, server_port) = source, destination
    if client.version != server.version:
        raise ValueError(f"{client} and {server} are not of one family")
    ends = client.packed + server.packed + client_port.to_bytes(2, "big") + server_port.to_bytes(2, "big")
    start = bytes([_VERSION_2_PROXY, _STREAM[client.version]])
    return _SIGNATURE + start + len(ends).to_bytes(2, "big") + ends


def _peer(name: tuple[str, int] | tuple[str, int, int, int]) -> Peer:
    return ip_address(name[0].partition("%")[0]), name[1]

"""The header of the PROXY protocol, to the octet."""

import socket
from ipaddress import ip_address

import pytest

from domain_secure.policy.terms.proxy_protocol import header, header_of

SIGNATURE = "0d0a0d0a000d0a515549540a"


@pytest.mark.parametrize(
    ("client", "server", "expected"),
    [
        ("192.0.2.7", "198.51.100.1", f"{SIGNATURE}2111000cc0000207c6336401a00a0019"),
        (
            "2001:db8::7",
            "2001:db8::1",
            f"{SIGNATURE}2121002420010db800000000000000000000000720010db8000000000000000000000001a00a0019",
        ),
    ],
)
def test_octets(client: str, server: str, expected: str) -> None:
    """Signature, version and command, family, length, addresses, ports: as the specification has them."""
    assert header((ip_address(client), 40970), (ip_address(server), 25)).hex() == expected


def test_one_family() -> None:
    """Addresses of two families are no connection."""
    with pytest.raises(ValueError, match="not of one family"):
        header((ip_address("192.0.2.7"), 1), (ip_address("::1"), 25))


def test_its_own_ends() -> None:
    """What is told of a connection is what it is."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as one,
    ):
        mine, theirs = one.getsockname(), one.getpeername()
        assert header_of(one) == header((ip_address(mine[0]), mine[1]), (ip_address(theirs[0]), theirs[1]))

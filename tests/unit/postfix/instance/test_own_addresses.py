"""Which next hops are on this machine."""

from ipaddress import ip_address

import pytest

from domain_secure.postfix.instance.own_addresses import OwnAddresses, host_of, port_of

OWN = OwnAddresses(
    frozenset({"localhost", "mail.contoso.test"}),
    frozenset({ip_address("192.0.2.10"), ip_address("2001:db8::10")}),
    all_interfaces=False,
)
ALL = OwnAddresses(frozenset(), frozenset(), all_interfaces=True)


@pytest.mark.parametrize(
    ("nexthop", "host"),
    [
        ("[127.0.0.1]:10024", "127.0.0.1"),
        ("127.0.0.1:10024", "127.0.0.1"),
        ("inet:localhost:10025", "localhost"),
        ("[IPv6:::1]:25", "::1"),
        ("[::1]", "::1"),
        ("::1", "::1"),
        ("Relay.ISP.test", "relay.isp.test"),
        ("", ""),
    ],
)
def test_the_host_of_a_next_hop(nexthop: str, host: str) -> None:
    """Brackets and ports are left out."""
    assert host_of(nexthop) == host


@pytest.mark.parametrize(
    "nexthop",
    [
        "[127.0.0.1]:10024",
        "127.1.2.3",
        "[::1]:10024",
        "localhost:10025",
        "Mail.Contoso.test",
        "unix:private/scan",
        "[192.0.2.10]",
        "[2001:DB8::10]:25",
    ],
)
def test_here(nexthop: str) -> None:
    """Loopback, sockets, our own name, and what Postfix listens on."""
    assert OWN.has(nexthop)


@pytest.mark.parametrize(
    "nexthop", ["[192.0.2.11]", "relay.isp.test", "[relay.isp.test]:587", "localhost.evil.test", "$1", ""]
)
def test_elsewhere(nexthop: str) -> None:
    """Any other, and what is not known."""
    assert not OWN.has(nexthop)


def test_all_interfaces() -> None:
    """Where Postfix listens on whatever there is, the system knows."""
    assert ALL.has("[127.0.0.1]")
    assert not ALL.has("[203.0.113.99]:25")


@pytest.mark.parametrize(
    ("nexthop", "port"),
    [
        ("[127.0.0.1]:10025", "10025"),
        ("127.0.0.1:smtp", "25"),
        ("inet:localhost:10025", "10025"),
        ("[::1]:submission", "587"),
        (":10025", "10025"),
        ("[127.0.0.1]", ""),
        ("unix:private/scan", ""),
    ],
)
def test_the_port_of_a_next_hop(nexthop: str, port: str) -> None:
    """Names of mail's ports are numbers; there may be none."""
    assert port_of(nexthop) == port

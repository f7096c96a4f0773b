"""Whether a next hop is on this machine, as far as its name or address tells.

Owns: how a next hop is written (postconf(5) relayhost, transport(5)), and which addresses are our own.
Must not know: what follows from it.
No name is looked up: DNS could answer otherwise to Postfix, and at another time.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from .lookups import split_elements
from .programs import PostfixInstance

_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost"})
_PORTS = {"smtp": "25", "submission": "587", "submissions": "465", "smtps": "465"}
_EVERY = frozenset({"all", "loopback-only"})


@dataclass(frozen=True, slots=True)
class OwnAddresses:
    """What is known of this machine's names and addresses."""

    names: frozenset[str]
    addresses: frozenset[IPv4Address | IPv6Address]
    all_interfaces: bool  #: Postfix listens on whatever the machine has; the system is asked then

    @classmethod
    def of(cls, instance: PostfixInstance) -> "OwnAddresses":
        """Read the settings; raises Problem when the instance cannot be asked."""
        values = instance.parameters("inet_interfaces", "myhostname")
        interfaces = [one.strip("[]").lower() for one in split_elements(values["inet_interfaces"])]
        addresses = {found for one in interfaces if (found := _address(one)) is not None}
        names = {one for one in interfaces if one not in _EVERY and _address(one) is None}
        return cls(
            frozenset(names | _LOCAL_NAMES | {values["myhostname"].lower()}),
            frozenset(addresses),
            "all" in interfaces,
        )

    def has(self, nexthop: str) -> bool:
        """Tell whether a next hop such as ``[127.0.0.1]:10024``, ``host:port`` or ``unix:path`` is here."""
        if nexthop.lower().startswith("unix:"):
            return True
        host = host_of(nexthop)
        address = _address(host)
        if address is None:
            return host.rstrip(".") in self.names
        return (
            address.is_loopback or address in self.addresses or (self.all_interfaces and _is_bound(address))
        )


def host_of(nexthop: str) -> str:
    """Return the host of a next hop in lower case, without brackets and port; empty where it names none."""
    text = nexthop.strip().lower().removeprefix("inet:")
    if text.startswith("["):
        return text[1:].partition("]")[0].removeprefix("ipv6:")
    # An address of IPv6 has more than one colon; smtpd_proxy_filter takes it without brackets.
    return text if text.count(":") > 1 else text.partition(":")[0]


def port_of(nexthop: str) -> str:
    """Return the port of a next hop, those of mail as numbers; empty where it names none."""
    text = nexthop.strip().lower().removeprefix("inet:")
    if text.startswith("unix:"):
        return ""
    rest = text.partition("]")[2] if text.startswith("[") else text
    port = rest.rpartition(":")[2] if ":" in rest else ""
    return _PORTS.get(port, port)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_bound(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an interface has the address: no other can be bound to (ip(7))."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True

"""A fixed relay for a partner's mail, as Postfix names a destination.

Owns: the notation, and the one spelling that is used as a key.
Must not know: tables.
Source: transport(5), "RESULT FORMAT": ``host`` and ``host:port`` are looked up by MX, ``[host]`` and
``[host]:port`` are not; ``[address]`` is an IP address, with ``IPv6:`` in front of an IPv6 one.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from .domain import Domain, InvalidDomainError, parse_domain

_NOTATION = re.compile(r"(?:\[(?P<literal>[^\[\]]+)\]|(?P<domain>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?")
_SMTP_PORT = 25


@dataclass(frozen=True, slots=True)
class Nexthop:
    """A destination: *host* or *address*, and how it is found."""

    host: Domain | None
    address: str | None  #: an IP address
    by_mx: bool  #: whether the MX records of *host* say where it is
    port: int | None  #: as written; None: 25

    @classmethod
    def parse(cls, text: str) -> "Nexthop":
        """Return the destination that *text* names; raises ValueError."""
        match = _NOTATION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no destination")
        port = None if match["port"] is None else int(match["port"])
        if port is not None and not 1 <= port <= 65535:
            raise ValueError(f"{port} is not a port")
        literal: str | None = match["literal"]
        if literal is not None and (address := _address(literal)) is not None:
            return cls(None, address, by_mx=False, port=port)
        try:
            host = parse_domain(literal or match["domain"])
        except InvalidDomainError as error:
            raise ValueError(str(error)) from error
        if host.rpartition(".")[2].isdigit():
            raise ValueError(f"an IP address stands in brackets: [{host}]")
        return cls(host, None, by_mx=literal is None, port=port)

    @property
    def smtp_port(self) -> int:
        """Return the port in use."""
        return self.port or _SMTP_PORT

    @property
    def is_plain_domain(self) -> bool:
        """Tell whether Postfix also looks its parents up in a TLS policy table (TLS_README)."""
        return self.by_mx and self.port is None

    def __str__(self) -> str:
        """Return it as Postfix is told, and as it looks it up."""
        if self.address is not None:
            prefix = "IPv6:" if ":" in self.address else ""
            place = f"[{prefix}{self.address}]"
        else:
            place = str(self.host) if self.by_mx else f"[{self.host}]"
        return place if self.port is None else f"{place}:{self.port}"


def _address(literal: str) -> str | None:
    text = literal.removeprefix("IPv6:")
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and not literal.startswith("IPv6:"):
        # Without the prefix Postfix takes the colons for something else.
        raise ValueError(f"write [IPv6:{address}]")
    return str(address)

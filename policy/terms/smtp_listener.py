"""Where Postfix's smtpd(8) services listen, and by which of them a session came in.

Owns: that comparison.  Must not know: how the listeners are found out.
Sources: master(5) for ``[host:]port``; MILTER_README for the macros {daemon_addr} and {daemon_port}.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address


@dataclass(frozen=True, slots=True)
class SmtpListener:
    """One service, ``NAME/TYPE``, at one address."""

    service: str
    host: str  #: empty: every address
    port: int
    is_behind_proxy: bool = False  #: what it calls its address is what a proxy told it


def service_at(listeners: Iterable[SmtpListener], address: str, port: str) -> str | None:
    """Return the service that answers at an address, as a session names it; None where it cannot be told.

    A service behind a proxy that speaks the PROXY protocol may name any address: where there is one, a
    session is known by its address only if no other service fits.
    """
    there = tuple(listeners)
    exact = {one.service for one in there if _is_at(one, port) and _is_same(one.host, address)}
    anywhere = {one.service for one in there if _is_at(one, port) and not one.host}
    possible = (exact or anywhere) | {one.service for one in there if one.is_behind_proxy}
    return possible.pop() if len(possible) == 1 else None


def _is_at(listener: SmtpListener, port: str) -> bool:
    return not listener.is_behind_proxy and str(listener.port) == port


def _is_same(host: str, address: str) -> bool:
    try:
        return ip_address(host) == ip_address(address)
    except ValueError:
        return False

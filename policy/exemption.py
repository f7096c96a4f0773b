"""Who is never refused and never marked as passed, by address.

Must not know: sessions, messages.
"""

from ipaddress import ip_address

from .configuration import Inbound, Network


def exemption_of(client_address: str, inbound: Inbound) -> str | None:
    """Return why a client at this address is never refused and never marked as passed, or None."""
    if is_within(client_address, inbound.trusted_relays):
        return "the client is a trusted relay"
    if is_within(client_address, inbound.exempt_clients):
        return "the client is exempt"
    return None


def is_within(client_address: str, networks: tuple[Network, ...]) -> bool:
    """Tell whether the client is in one of *networks*; an address that cannot be read is in none."""
    if not networks:
        return False
    try:
        address = ip_address(client_address)
    except ValueError:
        return False
    # An IPv4 client of an IPv6 socket.
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)

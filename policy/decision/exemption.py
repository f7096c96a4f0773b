"""Who is never refused and never marked as passed, by address or by the certificate of a server of ours.

Must not know: sessions, messages.
"""

from collections.abc import Iterable
from ipaddress import ip_address

from domain_secure.policy.configuration.configuration import Configuration, Network
from domain_secure.policy.terms.pin import Pin

RELAY_CERTIFICATE = "the client showed a certificate of a relay of ours"


def exemption_of(
    client_address: str, configuration: Configuration, shown: Iterable[Pin | None] = ()
) -> str | None:
    """Return why a client is never refused and never marked as passed, or None.

    *shown* are the digests of the certificate, and of its key, that the client proved to hold.
    """
    inbound = configuration.inbound
    if is_relay_certificate(shown, configuration):
        return RELAY_CERTIFICATE
    if is_within(client_address, inbound.trusted_relays):
        return "the client is a trusted relay"
    if is_within(client_address, inbound.exempt_clients):
        return "the client is exempt"
    return None


def is_relay_certificate(shown: Iterable[Pin | None], configuration: Configuration) -> bool:
    """Tell whether a certificate, or its key, is that of a relay of ours; one that is distrusted is not."""
    relays = configuration.inbound.trusted_relay_certificates
    if not relays:
        return False
    pins = frozenset(pin for pin in shown if pin is not None)
    if pins & configuration.trust.distrusted:
        return False
    return not pins.isdisjoint(relays)


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

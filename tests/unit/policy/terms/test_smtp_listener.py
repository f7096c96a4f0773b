"""By which service a session came in."""

import pytest

from domain_secure.policy.terms.smtp_listener import SmtpListener, service_at

PORT_25 = SmtpListener("smtp/inet", "", 25)
SUBMISSION = SmtpListener("submission/inet", "", 587)
ONE_ADDRESS = SmtpListener("192.0.2.9:smtp/inet", "192.0.2.9", 25)
ANOTHER = SmtpListener("[2001:db8::9]:25/inet", "2001:db8::9", 25)
PROXIED = SmtpListener("10025/inet", "127.0.0.1", 10025, is_behind_proxy=True)


@pytest.mark.parametrize(
    ("listeners", "address", "port", "service"),
    [
        ((PORT_25, SUBMISSION), "192.0.2.1", "25", "smtp/inet"),
        ((PORT_25, SUBMISSION), "2001:db8::1", "587", "submission/inet"),
        ((PORT_25, ONE_ADDRESS), "192.0.2.9", "25", "192.0.2.9:smtp/inet"),
        ((PORT_25, ONE_ADDRESS), "192.0.2.1", "25", "smtp/inet"),
        ((ONE_ADDRESS, ANOTHER), "2001:db8:0::9", "25", "[2001:db8::9]:25/inet"),
        ((ONE_ADDRESS, ANOTHER), "192.0.2.1", "25", None),
        ((PORT_25,), "192.0.2.1", "2525", None),
        ((PORT_25,), "", "", None),
        ((PORT_25, SmtpListener("25/inet", "", 25)), "192.0.2.1", "25", None),
        ((PORT_25, PROXIED), "192.0.2.1", "25", None),
        ((PROXIED,), "198.51.100.1", "25", "10025/inet"),
        ((), "192.0.2.1", "25", None),
    ],
)
def test_which_service_it_was(
    listeners: tuple[SmtpListener, ...], address: str, port: str, service: str | None
) -> None:
    """The one that listens there, an address before all addresses; where two may be it, none is named."""
    assert service_at(listeners, address, port) == service

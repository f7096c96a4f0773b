"""What ``delays=`` proves."""

from datetime import UTC, datetime, timedelta

import pytest

from domain_secure.postfix.deliveries.delivery_request import handed_over, request_of

TIME = datetime(2026, 11, 25, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attributes", "name", "lasted"),
    [
        (b"delay=0.41, delays=0.05/0.01/0.2/0.15, dsn=2.0.0, ", "10B773D 0.05/0.01", "0.2/0.15"),
        (b"conn_use=2, delay=9, delays=8/0/1/0, tls=secure, dsn=2.0.0, ", "10B773D 8/0", "1/0"),
        (b"delays=8/0, ", "10B773D 8/0", ""),
        (b"dsn=2.0.0, ", "10B773D ", ""),
    ],
)
def test_the_name_of_a_request(attributes: bytes, name: str, lasted: str) -> None:
    """What its status lines have in common: the message, and its age when the process got it."""
    assert request_of("10B773D", attributes) == (name, lasted)


@pytest.mark.parametrize(("lasted", "earliest"), [("1/2", 5.15), ("0/0", 2), ("", 2), ("x/100", 107)])
def test_when_a_request_was_handed_over(lasted: str, earliest: float) -> None:
    """By both figures, with room for what they and the stamps are rounded by."""
    assert TIME - handed_over(TIME, lasted) == timedelta(seconds=earliest)

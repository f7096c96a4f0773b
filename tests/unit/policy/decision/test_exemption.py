"""Who is never refused: by address, and by the certificate of a relay of ours."""

from ipaddress import ip_network

import pytest

from domain_secure.policy.configuration.configuration import Configuration, Inbound, WhenDown
from domain_secure.policy.decision.decision import NOT_LISTED, Decision, Finding, exempted
from domain_secure.policy.decision.exemption import (
    RELAY_CERTIFICATE,
    exemption_of,
    is_relay_certificate,
    is_within,
)
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.terms.pin import Pin

from unit.policy.builders import FINGERPRINT, PUBLIC_KEY, claim, configuration, partner

RELAYS = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/64"))
EXEMPT = (ip_network("198.51.100.7/32"),)


def rules(*relay_certificates: Pin, distrusted: frozenset[Pin] = frozenset()) -> Configuration:
    """Return a configuration with relays and exempt clients."""
    inbound = Inbound(
        RELAYS,
        EXEMPT,
        True,
        5.0,
        WhenDown.DEFER_ALL,
        None,
        trusted_relay_certificates=relay_certificates,
    )
    return configuration(inbound=inbound, trust={"distrusted": distrusted})


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("192.0.2.255", "the client is a trusted relay"),
        ("2001:db8::1", "the client is a trusted relay"),
        ("::ffff:192.0.2.1", "the client is a trusted relay"),
        ("198.51.100.7", "the client is exempt"),
        ("::ffff:198.51.100.7", "the client is exempt"),
        ("198.51.100.8", None),
        ("192.0.3.0", None),
        ("2001:db8:0:1::", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_by_address(address: str, why: str | None) -> None:
    """Each family, an IPv4 client of an IPv6 socket, and what is no address at all."""
    assert exemption_of(address, rules()) == why
    assert exemption_of(address, configuration()) is None


@pytest.mark.parametrize("shown", [(FINGERPRINT, None), (None, PUBLIC_KEY), (FINGERPRINT, PUBLIC_KEY)])
def test_by_certificate(shown: tuple[Pin | None, Pin | None]) -> None:
    """The digest of the certificate or of its key, from any address; distrusted by either it is nobody's."""
    known = rules(FINGERPRINT, PUBLIC_KEY)
    assert is_relay_certificate(shown, known)
    assert exemption_of("203.0.113.1", known, shown) == RELAY_CERTIFICATE
    assert not is_relay_certificate((None, None), known)
    assert not is_relay_certificate(shown, rules(Pin.certificate("00" * 32)))
    for one in filter(None, shown):
        assert not is_relay_certificate(shown, rules(FINGERPRINT, PUBLIC_KEY, distrusted=frozenset({one})))


def test_nothing_is_within_no_networks() -> None:
    """Neither an address nor what is none."""
    assert not is_within("192.0.2.1", ())
    assert not is_within("x", RELAYS)


def test_what_is_told_of_an_exempt_message() -> None:
    """Each listed domain that it claims, with the reason, and no method; where it claims none, nothing."""
    why = "the client is exempt"
    found = exempted([claim(), claim(source="from")], configuration(), why)
    finding = Finding(
        claim(source="envelope,from"),
        partner(),
        Verdict.EXEMPT,
        why,
        None,
        (),
        Effect.NONE,
        is_bypassed=False,
    )
    assert found == Decision(Verdict.EXEMPT, Effect.NONE, (finding,), None)
    assert exempted([], configuration(), why) is NOT_LISTED

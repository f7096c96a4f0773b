"""What of a delivery over verified TLS breaks what was promised."""

from typing import Any

import pytest
from configurations import make_partner

from domain_secure.policy.configuration.configuration import SendMethod
from domain_secure.policy.sending.promised_route import Matched, Promise, Route, Unverified, broken_by
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.nexthop import Nexthop
from domain_secure.policy.terms.pin import Pin

WOODGROVE = "woodgrovebank.test"
OURS, OTHER = "postfix/domain-secure", "postfix"
HOST, ELSEWHERE = "mail.woodgrovebank.test", "relay.isp.test"
PIN, WRONG_PIN = "ab" * 32, "cd" * 32
MX = {"mx": (Domain("mx.isp.test"),)}
PINNED = {"send_method": SendMethod.PIN, "pins": frozenset({Pin.parse(f"sha256:{PIN}")})}
DANE = {"send_method": SendMethod.DANE}
BY_DIRECTION = {"send_names": (Domain("server.test"),), "receive_names": (Domain("client.test"),)}


def broken(rule: dict[str, Any], service: str = OURS, promised: str = OURS, **told: Any) -> Unverified | None:
    """Return what a delivery breaks of the promise for Woodgrove with a rule."""
    route = Route(service, told.pop("host", HOST), **told)
    return broken_by(route, Promise(make_partner(WOODGROVE, **rule), promised))


@pytest.mark.parametrize(
    ("rule", "told", "expected"),
    [
        ({}, {"matched": {Matched.NAME: HOST}}, None),
        ({}, {"matched": {Matched.NAME: "MAIL.WoodgroveBank.test"}}, None),
        ({}, {"matched": {Matched.NAME: "*.woodgrovebank.test"}}, None),
        # A gateway with a certificate for the partner's name.
        ({}, {"matched": {Matched.NAME: WOODGROVE}, "host": ELSEWHERE}, None),
        ({}, {"matched": {Matched.NAME: ELSEWHERE}, "host": ELSEWHERE}, Unverified.OTHER_NAME),
        ({}, {"matched": {Matched.NAME: "notwoodgrovebank.test"}}, Unverified.OTHER_NAME),
        ({}, {"matched": {Matched.PIN: PIN}}, Unverified.OTHER_METHOD),
        (MX, {"matched": {Matched.NAME: "mx.isp.test"}, "host": "mx.isp.test"}, None),
        (MX, {"matched": {Matched.NAME: HOST}}, Unverified.OTHER_NAME),
        (BY_DIRECTION, {"matched": {Matched.NAME: "mx.server.test"}, "host": ELSEWHERE}, None),
        (BY_DIRECTION, {"matched": {Matched.NAME: "client.test"}}, Unverified.OTHER_NAME),
        (BY_DIRECTION, {"matched": {Matched.NAME: HOST}}, Unverified.OTHER_NAME),
        # Where it is not told what was matched, the host is what there is.
        ({}, {}, None),
        ({}, {"level": "secure"}, None),
        ({}, {"host": ELSEWHERE}, Unverified.OTHER_HOST),
        (MX, {"host": "mx.isp.test"}, None),
        ({"via": Nexthop.parse(f"[{ELSEWHERE}]")}, {"host": ELSEWHERE}, None),
        ({}, {"level": "fingerprint"}, Unverified.OTHER_METHOD),
        (PINNED, {"matched": {Matched.PIN: PIN}, "host": ELSEWHERE}, None),
        (PINNED, {"matched": {Matched.PIN: WRONG_PIN}}, Unverified.OTHER_NAME),
        (PINNED, {"matched": {Matched.NAME: HOST}}, Unverified.OTHER_METHOD),
        (PINNED, {"level": "fingerprint", "host": ELSEWHERE}, None),
        (PINNED, {"level": "secure"}, Unverified.OTHER_METHOD),
        (DANE, {"matched": {Matched.RECORD: "", Matched.NAME: ELSEWHERE}, "host": ELSEWHERE}, None),
        (DANE, {"level": "dane-only", "host": ELSEWHERE}, None),
        (DANE, {"matched": {Matched.NAME: ELSEWHERE}}, Unverified.OTHER_METHOD),
    ],
)
def test_the_rule_says_what_must_have_been_verified(
    rule: dict[str, Any], told: dict[str, Any], expected: Unverified | None
) -> None:
    """By the method, name or pin that was matched; where that is not told, by the server's own name."""
    assert broken(rule, **told) is expected


@pytest.mark.parametrize(
    ("service", "promised", "expected"),
    [
        (OURS, OURS, None),
        (OTHER, OURS, Unverified.OTHER_TRANSPORT),
        ("postfix/relay", OURS, Unverified.OTHER_TRANSPORT),
        ("", OURS, None),
        (OTHER, "", None),
    ],
)
def test_the_transport(service: str, promised: str, expected: Unverified | None) -> None:
    """The dedicated one, unless the administrator routes; a log without the service proves nothing."""
    assert broken({}, service, promised) is expected

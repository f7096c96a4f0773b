"""What is proposed for a new partner, in both directions."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from configurations import make_configuration

from domain_secure.policy.certificates.certificate import Chain, parse
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.configuration.configuration import Condition, Partner, SendMethod, default_partner
from domain_secure.policy.onboarding.proposal import Change, Shown, assumed, own_rule, propose, rule_with
from domain_secure.policy.sending.server_verdict import ShownServer
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.names import any_name_matches
from domain_secure.policy.terms.problems import Problem

from lab.certificates import Authority, Issued, self_signed

WOODGROVE, HOST = Entry("woodgrovebank.test"), Domain("mail.woodgrovebank.test")
NOW = datetime.now(UTC)
ROOT = Authority.create("Root")
CONFIGURATION = make_configuration()
RULE = default_partner(WOODGROVE, CONFIGURATION.mode)
SEND, RECEIVE = Direction.SEND, Direction.RECEIVE


def chain(issued: Issued) -> Chain:
    """Return a certificate as a server shows it."""
    return (parse(issued.der),)


def judge(shown: Chain, *, trusted: bool) -> Callable[[Partner], str | None]:
    """Return what mail with a certificate comes to, by pin, then by authority and name."""
    leaf = shown[0]

    def verdict(rule: Partner) -> str | None:
        if rule.pins & leaf.pins:
            return "pass"
        if not trusted:
            return "untrusted"
        if any_name_matches(leaf.dns_names, rule.client_names):
            return "pass"
        return None if rule.receive_names else "name-mismatch"

    return verdict


def proposed(
    certificates: Chain, *directions: Direction, trusted: bool = True, host: Domain = HOST
) -> tuple[Change, ...]:
    """Return what is proposed where one server shows these certificates."""
    servers = [ShownServer(host, certificates, "TLSv1.3", "TLS_AES_256_GCM_SHA384")]
    anchors = TrustAnchors.of([parse(ROOT.der)])
    shown = Shown(servers, Domain(WOODGROVE), anchors, NOW, judge(certificates, trusted=trusted))
    return propose(shown, RULE, CONFIGURATION, directions)


def test_nothing_where_it_passes() -> None:
    """A certificate of the partner's name from a trusted authority."""
    assert proposed(chain(ROOT.issue("x", dns_names=(HOST,))), SEND, RECEIVE) == ()


def test_another_name_in_each_direction() -> None:
    """The host alone when we send; besides the partner's own name when mail comes in."""
    certificate = chain(ROOT.issue("x", dns_names=("mx.provider.test",)))
    sending, receiving = proposed(certificate, SEND, RECEIVE)
    assert (sending.directions, sending.values) == ((SEND,), (("mx", "mx.provider.test"),))
    assert receiving.directions == (RECEIVE,)
    assert receiving.values == (("receive_names", "woodgrovebank.test,mx.provider.test"),)
    assert "whoever holds a certificate for mx.provider.test" in receiving.weakens
    assert proposed(certificate, RECEIVE) == (receiving,)
    assert proposed(certificate, SEND) == (sending,)


def test_one_pin_for_both_directions() -> None:
    """A self-signed certificate: its key, by the options of ``partner add``."""
    certificate = chain(self_signed("x"))
    (both,) = proposed(certificate, SEND, RECEIVE, trusted=False)
    assert both.directions == (SEND, RECEIVE)
    assert both.options == (f"--pin {certificate[0].public_key_pin}", "--method pin")
    (receiving,) = proposed(certificate, RECEIVE, trusted=False)
    assert receiving.options == (f"--pin {certificate[0].public_key_pin}",)


@pytest.mark.parametrize("directions", [(SEND, RECEIVE), (RECEIVE,)], ids=["both", "receive"])
def test_a_gateway_s_recipe(directions: tuple[Direction, ...]) -> None:
    """It is about both directions, whichever was asked for."""
    certificate = chain(ROOT.issue("x", dns_names=("mx.google.com", "aspmx.l.google.com")))
    (change,) = proposed(certificate, *directions, host=Domain("aspmx.l.google.com"))
    assert change.values == (("gateway", "google-workspace"),)
    assert RECEIVE in change.directions
    assert "DKIM" in change.weakens


def test_nothing_helps_without_a_certificate() -> None:
    """Only the partner can mend it."""
    servers = [ShownServer(HOST, (), None, None)]
    shown = Shown(servers, Domain(WOODGROVE), TrustAnchors.of([]), NOW, lambda _: None)
    assert propose(shown, RULE, CONFIGURATION, (SEND, RECEIVE)) == ()


def test_the_rule_with_settings() -> None:
    """As the commands would leave it: a recipe's keys, a default, pins that come besides."""
    pin = parse(ROOT.der).public_key_pin
    rule = rule_with(RULE, {"gateway": "google-workspace", "send_method": "pin"}, [pin], CONFIGURATION)
    assert rule.require == (Condition.DKIM,)
    assert (rule.send_method, rule.pins) == (SendMethod.PIN, {pin})
    back = rule_with(rule, {"gateway": "", "send_method": ""}, [], CONFIGURATION)
    assert (back.receive_names, back.require, back.send_method) == ((), (), SendMethod.PKIX)
    with pytest.raises(Problem, match=r"names=co\.uk"):
        rule_with(RULE, {"names": "co.uk"}, [], CONFIGURATION)


def test_the_lists_as_if_it_were_on_them() -> None:
    """On those that are asked for, with its rule; the configuration itself stays."""
    both = assumed(CONFIGURATION, RULE)
    assert WOODGROVE in both.receive
    assert WOODGROVE in both.send
    assert own_rule(both, WOODGROVE) == RULE
    assert WOODGROVE not in assumed(CONFIGURATION, RULE, (SEND,)).receive
    assert not CONFIGURATION.partners

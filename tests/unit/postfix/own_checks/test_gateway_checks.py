"""What `check` says of rules with the names of a gateway that many organisations share."""

from typing import Any

import pytest
from configurations import make_configuration, make_partner

from domain_secure.policy.certificates.gateways import RECIPES
from domain_secure.policy.configuration.configuration import Condition, Method, SendMethod
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.pin import Pin
from domain_secure.postfix.own_checks.gateway_checks import check_gateways

FABRIKAM = "fabrikam.test"
WRONG = (Domain("outbound.protection.outlook.com"),)
SIGNED = {"require": (Condition.DKIM,)}


def found(**rule: Any) -> list[tuple[str, str]]:
    """Return words and causes of the findings about a partner on both lists."""
    listed = DomainList.of(FABRIKAM)
    configuration = make_configuration(
        receive=listed, send=listed, partners={Entry(FABRIKAM): make_partner(FABRIKAM, **rule)}
    )
    return [(one.word, one.what) for one in check_gateways(configuration)]


@pytest.mark.parametrize("word", RECIPES)
def test_a_recipe_has_no_finding(word: str) -> None:
    """What a recipe sets is right by what the gateway is known to show, and proves the partner."""
    presented = RECIPES[word]
    names = {"receive_names": presented.receive_names, "send_names": presented.send_names}
    assert found(**names, **SIGNED) == []
    assert [one for one, _ in found(**names)] == ["shared-gateway"]


def test_name_of_a_sending_host() -> None:
    """The name under which Exchange Online's hosts deliver is in no certificate, in either direction."""
    told = found(names=WRONG, **SIGNED)
    assert [word for word, _ in told] == ["gateway-names", "gateway-names"]
    assert told[0][1].endswith("mail from fabrikam.test would be refused")
    assert told[1][1].endswith("mail to fabrikam.test would wait")


def test_names_of_the_other_direction() -> None:
    """One list of names does not fit a gateway that shows others when it delivers."""
    google = RECIPES["google-workspace"]
    ((_, what),) = found(names=google.receive_names, **SIGNED)
    assert "mail to fabrikam.test would wait" in what
    ((_, what),) = found(names=google.send_names, **SIGNED)
    assert "mail from fabrikam.test would be refused" in what


@pytest.mark.parametrize(
    "rule",
    [
        {"names": (*WRONG, Domain(FABRIKAM))},
        {"methods": (Method.PIN,), "send_method": SendMethod.DANE, "names": WRONG},
        {"pins": frozenset({Pin.certificate("ab" * 32)}), "send_method": SendMethod.PIN, "names": WRONG},
        {"receive_names": (Domain(FABRIKAM),), "names": WRONG, "mx": (Domain("mx.fabrikam.test"),)},
        {"names": (Domain("iphmx.com"),)},
    ],
    ids=["own name besides", "no names asked", "pinned", "literal hosts", "nothing known"],
)
def test_rules_that_do_not_rest_on_these_names(rule: dict[str, Any]) -> None:
    """Where something else decides, or nobody knows what the gateway shows, there is nothing to say."""
    assert found(**rule, **SIGNED) == []

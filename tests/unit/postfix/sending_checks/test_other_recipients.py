"""Who else gets listed mail, as far as settings tell without Postfix."""

import pytest
from configurations import make_configuration

from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.sending_checks.other_recipients import masqueraded
from domain_secure.postfix.sending_checks.recipients import Recipient, is_listed, speaks_of_listed

CONFIGURATION = make_configuration(send=DomainList.of("woodgrovebank.test", "*.fabrikam.test"))


@pytest.mark.parametrize(
    ("domains", "parents"),
    [
        ("fabrikam.test", ["fabrikam.test"]),
        ("!domain-secure-check.fabrikam.test, fabrikam.test", []),
        ("test", ["test", "test"]),
        ("woodgrovebank.test", []),
        ("bank.test", []),
        ("sales.fabrikam.test", []),
        ("", []),
    ],
)
def test_a_parent_in_place_of_a_listed_domain(domains: str, parents: list[str]) -> None:
    """The first that fits decides; a domain does not take its own place."""
    values = {"masquerade_domains": domains, "masquerade_classes": "envelope_sender, envelope_recipient"}
    assert [one.domain for one in masqueraded(CONFIGURATION, values, "cleanup/unix")] == parents


def test_senders_alone_are_masqueraded() -> None:
    """By default recipients stay as they are."""
    values = {"masquerade_domains": "test", "masquerade_classes": "envelope_sender, header_sender"}
    assert not list(masqueraded(CONFIGURATION, values, "cleanup/unix"))


@pytest.mark.parametrize(
    ("pattern", "speaks"),
    [
        ("/^boss@woodgrovebank\\.test$/", True),
        ("/^boss@Woodgrove/", True),
        ("/@fabri/", True),
        ("/^boss@/", False),
        ("/wood[a-z]*/", True),
        ("/^a@w/", False),
    ],
)
def test_what_a_pattern_is_about(pattern: str, speaks: bool) -> None:
    """A few letters that a listed name begins with are enough."""
    assert speaks_of_listed(CONFIGURATION, pattern) is speaks


def test_a_recipient_of_this_machine_has_no_domain() -> None:
    """An address without one is completed with a domain of ours; what is no domain is not listed."""
    assert Recipient("archive", "somewhere").domain == ""
    assert Recipient("a@Evil.test", "somewhere").domain == "evil.test"
    assert is_listed(CONFIGURATION, "WoodgroveBank.test")
    assert not is_listed(CONFIGURATION, "$1")

"""Names of servers that stand for a domain."""

import pytest

from domain_secure.policy.importing.server_names import by_server, organisation


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("WoodgroveBank.com", "woodgrovebank.com"),
        ("bank.co.uk", "bank.co.uk"),
        ("mail.woodgrovebank.com", None),
        ("co.uk", None),
        ("localhost", None),
        ("192.0.2.1", None),
        ("a..b", None),
        ("", None),
    ],
)
def test_what_an_organisation_may_have_registered(text: str, domain: str | None) -> None:
    """The name below a public suffix, and no host's."""
    assert organisation(text) == domain


def test_the_list_is_named_by_direction() -> None:
    """With the server that has to be looked for."""
    assert "receive add DOMAIN` for each domain that sends by mx.a.test" in by_server("receive", "mx.a.test")
    assert "MX host is mx.a.test, `domain-secure send add DOMAIN`" in by_server("send", "mx.a.test")

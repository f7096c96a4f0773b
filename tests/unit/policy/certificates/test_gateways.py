"""Gateways that many organisations share."""

import pytest

from domain_secure.policy.certificates.gateways import (
    GATEWAYS,
    RECIPES,
    Presented,
    gateway_of_host,
    shared_gateway,
)
from domain_secure.policy.terms.domain import Domain, is_public_suffix, parse_domain
from domain_secure.policy.terms.names import any_name_matches


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("mail.protection.outlook.com", "Microsoft Exchange Online"),
        ("woodgrovebank-test.mail.protection.outlook.com", "Microsoft Exchange Online"),
        ("outlook.com", "Microsoft Exchange Online"),
        ("google.com", "Google Workspace"),
        ("smtp.gmail.com", "Google Workspace"),
        ("eu-smtp-outbound-1.mimecast.com", "Mimecast"),
        ("mx07-00123456.pphosted.com", "Proofpoint"),
        ("woodgrovebank.test", None),
        ("notgoogle.com", None),
        ("mx.woodgrovebank.test", None),
    ],
)
def test_shared_gateway(name: str, service: str | None) -> None:
    """A name of a gateway, a host under it and a domain above it are told apart from a partner's own."""
    gateway = shared_gateway(Domain(name))
    assert (gateway and gateway.service) == service


@pytest.mark.parametrize("gateway", GATEWAYS, ids=lambda gateway: gateway.service)
def test_rows_are_sound(gateway: object) -> None:
    """Each has names in normal form that are no public suffix, and a source."""
    names, sources = gateway.names, gateway.sources  # type: ignore[attr-defined]
    assert names
    assert sources
    assert all(parse_domain(name) == name and not is_public_suffix(name) for name in names)
    assert all(source.url.startswith("https://") and source.says for source in sources)


@pytest.mark.parametrize("word", RECIPES)
def test_recipes_fit(word: str) -> None:
    """The names of a recipe match all that the gateway presents in that direction, and are its own."""
    presented = RECIPES[word]
    for shown, names in (
        (presented.as_client, presented.receive_names),
        (presented.as_server, presented.send_names),
    ):
        assert all(any_name_matches((one,), names) == one for one in shown)
        assert all((gateway := shared_gateway(name)) and gateway.word == word for name in names)


def test_names_by_direction() -> None:
    """What Google shows as a client is not what its MX hosts show: one list of names would not fit both."""
    google = RECIPES["google-workspace"]
    assert any_name_matches(google.as_client, google.send_names) is None
    assert any_name_matches(google.as_server, google.receive_names) is None


def test_host_names_of_exchange_online_are_in_no_certificate() -> None:
    """Hosts that deliver lie under outbound.protection.outlook.com, and no certificate names them so."""
    presented = RECIPES["exchange-online"]
    wrong = (Domain("outbound.protection.outlook.com"),)
    assert any_name_matches((*presented.as_client, *presented.as_server), wrong) is None


@pytest.mark.parametrize(
    ("host", "word"),
    [
        ("woodgrovebank-test.mail.protection.outlook.com", "exchange-online"),
        ("woodgrovebank-test.a-v1.mx.microsoft", "exchange-online"),
        ("aspmx.l.google.com", "google-workspace"),
        ("outlook.com", None),
        ("mx.woodgrovebank.test", None),
    ],
)
def test_gateway_of_host(host: str, word: str | None) -> None:
    """A mail server is a gateway's where it lies under one of its names; a domain above is nobody's."""
    gateway = gateway_of_host(Domain(host))
    assert (gateway and gateway.word) == word


def test_gateway_owns_its_hosts() -> None:
    """A name of it, and what lies under one; not what merely ends alike, nor what lies above."""
    (gateway,) = (one for one in GATEWAYS if one.word == "proofpoint")
    owned = ("pphosted.com", "mx.pphosted.com", "a.mx.pphosted.com")
    others = ("notpphosted.com", "com", "pphosted.com.woodgrovebank.test")
    assert [gateway.owns(Domain(one)) for one in (*owned, *others)] == [True] * 3 + [False] * 3


def test_least_names() -> None:
    """A wildcard and the name above it are one name, and a name under another needs none of its own."""
    presented = Presented(("*.a.test", "a.test", "b.c.test"), ("x.y.test", "*.y.test", "z.test", "Q.test"))
    assert presented.receive_names == ("a.test", "b.c.test")
    assert presented.send_names == ("y.test", "z.test", "q.test")

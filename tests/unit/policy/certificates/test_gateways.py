"""Gateways that many organisations share."""

import pytest

from domain_secure.policy.certificates.gateways import GATEWAYS, shared_gateway
from domain_secure.policy.terms.domain import Domain, is_public_suffix, parse_domain


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("mail.protection.outlook.com", "Microsoft Exchange Online"),
        ("woodgrovebank-test.mail.protection.outlook.com", "Microsoft Exchange Online"),
        ("outlook.com", "Microsoft Exchange Online"),
        ("google.com", "Google Workspace"),
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
    assert all(source.startswith("https://") for source in sources)

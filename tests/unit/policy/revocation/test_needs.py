"""Where statements about a certificate are looked for, and in which time one holds."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from domain_secure.policy.revocation.needs import http_locations
from domain_secure.policy.revocation.revocation import is_current
from domain_secure.policy.revocation.statements import parse_revocation_list

from lab.certificates import Authority
from lab.revocations import revocation_list

NOW = datetime.now(UTC).replace(microsecond=0)
ISSUER = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Another")]))


def point(*urls: str, crl_issuer: x509.GeneralName | None = None) -> x509.DistributionPoint:
    """Return a distribution point with these names."""
    names = [x509.UniformResourceIdentifier(url) for url in urls]
    return x509.DistributionPoint(names or None, None, None, None if crl_issuer is None else [crl_issuer])


def test_locations_that_are_followed() -> None:
    """By http and https, however they are written, each once, in order; none of another issuer's lists."""
    points = (
        point("http://a.test/1.crl", "ldap://a.test/cn=x", "HTTPS://a.test/2.crl"),
        point("http://b.test/other.crl", crl_issuer=ISSUER),
        point("ftp://a.test/3.crl", "http://a.test/1.crl"),
        x509.DistributionPoint([ISSUER], None, None, None),
    )
    assert http_locations(points) == ("http://a.test/1.crl", "HTTPS://a.test/2.crl")


@pytest.mark.parametrize(("octets", "is_followed"), [(2000, True), (2001, False), (100_000, False)])
def test_length_of_a_location(octets: int, is_followed: bool) -> None:
    """Nobody is led to an endless address."""
    start = "http://a.test/"
    assert bool(http_locations([point(start + "x" * (octets - len(start)))])) is is_followed


@pytest.mark.parametrize(
    ("seconds", "holds"), [(-1, False), (0, True), (1, True), (3599, True), (3600, True), (3601, False)]
)
def test_a_statement_holds_from_its_update_to_the_next(seconds: int, holds: bool) -> None:
    """Both included (RFC 5280 section 5.1.2.5)."""
    der = revocation_list(Authority.create("Root"), this_update=NOW, next_update=NOW + timedelta(hours=1))
    assert is_current(parse_revocation_list(der), NOW + timedelta(seconds=seconds)) is holds

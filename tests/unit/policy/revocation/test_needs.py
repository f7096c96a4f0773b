"""Where statements about a certificate are looked for, and in which time one holds."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.revocation.location_report import LocationReport
from domain_secure.policy.revocation.needs import (
    further_needs,
    has_no_revocation_information,
    http_locations,
    needs,
    passed_over,
)
from domain_secure.policy.revocation.revocation import Location, Need, is_current
from domain_secure.policy.revocation.statements import parse_ocsp_answers, parse_revocation_list

from lab.certificates import Authority, Issued
from lab.revocations import Pointers, delta_list, ocsp_answer, revocation_list

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


ROOT = Authority.create("Lab Root")
NEVER = (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.56"), b"\5\0"), False)


def path_of(*issued: Issued) -> tuple[Certificate, ...]:
    """Return certificates as a path."""
    return tuple(parse(one.der) for one in issued)


def test_needs_of_a_path() -> None:
    """Lists before delta lists before responders, of the authority before those of the host."""
    authority = ROOT.authority("Lab Sub", extensions=Pointers(lists=("http://crl.test/root",)))
    pointers = Pointers(
        lists=("http://crl.test/1", "ldap://crl.test/", "http://crl.test/2"),
        deltas=("http://crl.test/delta",),
        responders=("http://ocsp.test/1", "ldap://ocsp.test/", "http://ocsp.test/2"),
        issuers=("http://issuer.test/",),
    )
    leaf = authority.issue("a.test", extensions=pointers)
    found = list(needs(path_of(leaf, authority, ROOT)))
    assert [(need.location.url, need.index) for need in found] == [
        ("http://crl.test/root", 1),
        ("http://crl.test/1", 0),
        ("http://crl.test/2", 0),
        ("http://crl.test/delta", 0),
        ("http://ocsp.test/1", 0),
        ("http://ocsp.test/2", 0),
    ]
    assert [bool(need.location.request) for need in found] == [False] * 4 + [True] * 2
    assert list(needs(path_of(authority))) == [], "nobody is above it"


def test_what_a_responder_is_asked() -> None:
    """For this certificate of this authority, in the one digest that all of them know."""
    authority = ROOT.authority("Lab Sub")
    leaf = authority.issue("a.test", extensions=Pointers(responders=("http://ocsp.test/",)))
    (need,) = needs(path_of(leaf, authority, ROOT))
    asked = x509.ocsp.load_der_ocsp_request(need.location.request)
    key = x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key()).digest
    assert (asked.serial_number, asked.issuer_key_hash) == (leaf.certificate.serial_number, key)
    assert asked.hash_algorithm.name == "sha1"


def test_how_many_locations_are_followed() -> None:
    """Four of a kind."""
    many = tuple(f"http://a.test/{number}" for number in range(6))
    leaf = ROOT.issue("a.test", extensions=Pointers(lists=many, deltas=many, responders=many))
    assert [need.location.url for need in needs(path_of(leaf, ROOT))] == [*many[:4]] * 3


def test_extensions_that_cannot_be_read_name_nothing() -> None:
    """A pin may name such a certificate; nobody is led anywhere by it."""
    broken = (x509.UnrecognizedExtension(x509.CRLDistributionPoints.oid, b"\x30\5"), False)
    leaf = ROOT.issue("a.test", extensions=[broken])
    assert list(needs(path_of(leaf, ROOT))) == []
    assert list(passed_over(path_of(leaf, ROOT))) == []


def test_delta_lists_that_lists_point_to() -> None:
    """For the same certificate; a delta list points to none, nor does an answer."""
    freshest = (x509.FreshestCRL([point("http://a.test/1"), point("http://a.test/2")]), False)
    complete = parse_revocation_list(revocation_list(ROOT, extensions=[freshest]))
    delta = parse_revocation_list(delta_list(ROOT, base=1, extensions=[freshest]))
    answers = parse_ocsp_answers(ocsp_answer(ROOT.issue("a.test"), ROOT))
    need = Need(Location("http://a.test/"), 3)
    expected = [Need(Location(f"http://a.test/{number}"), 3) for number in (1, 2)]
    assert list(further_needs(need, [delta, *answers, complete])) == expected


def test_who_is_never_revoked() -> None:
    """A host that says so, and no authority, whatever it says (RFC 9608)."""
    host, plain, authority = (
        ROOT.issue("a.test", extensions=[NEVER]),
        ROOT.issue("a.test"),
        ROOT.authority("Lab Sub", extensions=[NEVER]),
    )
    found = [has_no_revocation_information(one) for one in path_of(host, plain, authority)]
    assert found == [True, False, False]


def test_locations_that_are_never_asked() -> None:
    """They are told where there is no other, with the reason; that of the anchor matters to nobody."""
    long = "ldap://a.test/" + "x" * 3000
    theirs = point("http://b.test/", "http://b.test/2", crl_issuer=ISSUER)
    unasked = [(x509.CRLDistributionPoints([point("ldap://a.test/", long), theirs]), False)]
    also = [(x509.CRLDistributionPoints([point("ldap://a.test/"), point("http://a.test/")]), False)]
    authority = Authority.create("Lab Anchor")
    sub = authority.authority("Lab Sub", extensions=also)
    leaf = sub.issue("a.test", extensions=unasked)
    only = "only http and https locations are asked"
    other = "somebody else than the authority signs the list there"
    expected = [
        LocationReport(
            url=url,
            kind="CRL",
            certificate="CN=a.test",
            failure=failure,
            fix="ask the authority for an http location, or name the list in [trust] crl_files",
            is_missed=True,
        )
        for url, failure in [
            ("ldap://a.test/", only),
            (long[:2000], only),
            ("http://b.test/", other),
            ("http://b.test/2", other),
        ]
    ]
    assert list(passed_over(path_of(leaf, sub, authority))) == expected
    named = ROOT.authority("Lab Sub", extensions=unasked)
    assert list(passed_over(path_of(ROOT.issue("a.test"), named))) == []
    asked = ROOT.issue("b.test", extensions=also)
    told = [one.certificate for one in passed_over(path_of(asked, named, ROOT))]
    assert told == ["CN=Lab Sub"] * 4

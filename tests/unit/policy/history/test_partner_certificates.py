"""Which of partners' certificates count for the alarm."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain_secure.policy.book.certificate_book import IMPORT, CertificateBook
from domain_secure.policy.certificates.certificate import Certificate, read_certificates
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.configuration.configuration import Configuration, Method
from domain_secure.policy.history.history import Sighting
from domain_secure.policy.history.outcomes import Client
from domain_secure.policy.history.partner_certificates import (
    LATELY,
    PartnerCertificate,
    first_to_end,
    partner_certificates,
)
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry

from lab.certificates import DAY, Authority
from unit.policy.builders import NOW, WOODGROVE, configuration, partner

ROOT = Authority.create("Root", not_before=NOW - 900 * DAY, not_after=NOW + 900 * DAY)
ANCHORS = TrustAnchors.load(ROOT.certificate_pem)
HOUR = timedelta(hours=1)


class Past:
    """A book and a history in which certificates come up."""

    def __init__(self, folder: Path) -> None:
        self.book = CertificateBook(folder / "certificates.sqlite")
        self.sightings: list[Sighting] = []
        self.clients: list[Client] = []

    def know(
        self, days: int, name: str = WOODGROVE, entry: Entry = WOODGROVE, authority: Authority = ROOT
    ) -> Certificate:
        """Import a certificate with so many days left."""
        end = NOW + days * DAY
        issued = authority.issue(name, dns_names=[name], not_before=end - 800 * DAY, not_after=end)
        chain = read_certificates(issued.pem())
        self.book.add(chain, IMPORT, entry, NOW)
        return chain[0]

    def use(
        self, one: Certificate, last: timedelta = HOUR, address: str = "192.0.2.7", *, passed: int = 3
    ) -> None:
        """Let it come with mail, from a day before its last use so long ago on."""
        pin, first, last_seen = one.certificate_pin, NOW - last - DAY, NOW - last
        self.sightings.append(Sighting(Direction.RECEIVE, WOODGROVE, pin, first, last_seen, passed, 0, one))
        self.clients.append(Client(WOODGROVE, address, pin, first, last_seen, passed))

    def found(self, rules: Configuration | None = None) -> list[PartnerCertificate]:
        """Return what counts."""
        seen = self.sightings, self.clients
        return list(partner_certificates(self.book, seen, rules or configuration(), ANCHORS, NOW))


@pytest.fixture
def past(tmp_path: Path) -> Past:
    """Nothing has happened yet."""
    return Past(tmp_path)


def test_what_is_in_use_is_judged_and_no_import_masks_it(past: Past) -> None:
    """A certificate that passes mail and ends in two days counts, whatever else is known."""
    used = past.know(2)
    past.know(999)
    past.use(used)
    assert [(one.certificate, one.is_replaced) for one in past.found()] == [(used, False)]


def test_each_that_is_in_use(past: Past) -> None:
    """Two servers with a certificate each, one server that shows two in turn: both count."""
    first, second = past.know(2), past.know(300)
    past.use(first, 2 * HOUR)
    past.use(second, HOUR, "192.0.2.8")
    assert [one.certificate for one in past.found() if not one.is_replaced] == [first, second]
    past.clients = [replace(one, address="192.0.2.7") for one in past.clients]
    assert [one.certificate for one in past.found() if not one.is_replaced] == [first, second]
    assert first_to_end(past.found())[WOODGROVE].certificate == first


def test_what_was_replaced_raises_no_alarm(past: Past) -> None:
    """After its last use a newer one came up at the same server."""
    former, renewed = past.know(5), past.know(80)
    past.use(former, 4 * DAY)
    past.use(renewed, HOUR)
    assert [(one.certificate, one.is_replaced) for one in past.found()] == [(former, True), (renewed, False)]
    assert first_to_end(past.found())[WOODGROVE].certificate == renewed


def test_what_was_used_long_ago_is_not_in_use(past: Past) -> None:
    """Then what is known and ends last counts, as it does of a partner that never wrote."""
    old, known = past.know(2), past.know(80)
    past.know(5, f"mail.{WOODGROVE}")
    past.know(400, "evil.test")
    past.know(700, entry=Entry("other.test"))
    past.use(old, LATELY + HOUR)
    assert [(one.certificate, one.last_seen) for one in past.found()] == [(known, None)]


def test_what_never_passed_is_not_in_use(past: Past) -> None:
    """A stranger's certificate that was refused is none of the partner's."""
    stranger, known = past.know(2, "evil.test"), past.know(80)
    past.use(stranger, passed=0)
    assert [one.certificate for one in past.found()] == [known]


def test_an_authority_that_ends_first(past: Past) -> None:
    """What the path needs and ends before the certificate takes it along."""
    sub = ROOT.authority("Intermediate", not_before=NOW - 300 * DAY, not_after=NOW + 3 * DAY)
    used = past.know(300, authority=sub)
    past.use(used)
    (found,) = past.found()
    assert (found.certificate, found.ending.subject) == (used, "CN=Intermediate")


def test_pinned_dates_are_not_asked(past: Past) -> None:
    """A pin decides alone."""
    used = past.know(2)
    past.use(used)
    pinned = configuration(partners={WOODGROVE: partner(pins=frozenset({used.certificate_pin}))})
    assert past.found(pinned) == []
    pins_only = configuration(partners={WOODGROVE: partner(methods=(Method.PIN,))})
    assert past.found(pins_only) == []

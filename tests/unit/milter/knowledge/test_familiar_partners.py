"""What partners are known by."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from domain_secure.milter.knowledge.at_hand import NotAtHandError
from domain_secure.milter.knowledge.familiar_partners import FamiliarPartners
from domain_secure.policy.book.certificate_book import IMPORT, CertificateBook
from domain_secure.policy.certificates.certificate import read_certificates
from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.decision.decision import NOT_LISTED, Decision, decide
from domain_secure.policy.decision.evidence import Evidence, Session
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem

from lab.certificates import Authority
from unit.policy.builders import FINGERPRINT, NOW, WOODGROVE, claim, configuration, known, session

IN_THE_CLEAR = session(tls_version=None, cipher=None, certificate_pin=None, public_key_pin=None)
STRANGER, PARTNER = {WOODGROVE: Attribution.STRANGER}, {WOODGROVE: Attribution.PARTNER}


def decided(one: Session, name: str = WOODGROVE) -> Decision:
    """Return the decision about a message of Woodgrove's."""
    return decide([claim()], Evidence(one, known(name)), configuration(), NOW)


def test_only_what_passed_is_familiar(tmp_path: Path) -> None:
    """A server from which mail passed is known; one from which forgeries came stays a stranger's."""
    familiar = FamiliarPartners(CertificateBook(tmp_path / "book"))
    for _ in range(2):
        assert familiar.attributed(decided(IN_THE_CLEAR), "192.0.2.7") == STRANGER
    assert familiar.attributed(decided(session()), "192.0.2.7") == {}
    assert familiar.attributed(decided(IN_THE_CLEAR), "192.0.2.7") == PARTNER
    assert familiar.attributed(decided(IN_THE_CLEAR), "192.0.2.8") == STRANGER
    assert familiar.known(WOODGROVE).certificates == {FINGERPRINT}


def test_what_the_history_has_and_what_was_imported(tmp_path: Path) -> None:
    """Both are familiar from the first message on; what a probe of a stranger found is not."""
    book = CertificateBook(tmp_path / "book")
    authority = Authority.create("Laboratory Authority")
    given, probed = (
        read_certificates(authority.issue(name, dns_names=[name]).certificate_pem)
        for name in ("mail.partner.test", "evil.test")
    )
    book.add(given, IMPORT, WOODGROVE, NOW)
    book.add(probed, "probe 203.0.113.66", WOODGROVE, NOW)

    def seen() -> Iterable[tuple[Entry, str, Pin | None]]:
        return [(WOODGROVE, "192.0.2.9", FINGERPRINT)]

    found = FamiliarPartners(book, seen).known(WOODGROVE)
    assert found.addresses == {"192.0.2.9"}
    assert found.certificates == {FINGERPRINT, given[0].certificate_pin}


def test_a_history_that_cannot_be_read_costs_the_past_alone(tmp_path: Path) -> None:
    """Deciding goes on."""

    def seen() -> Iterable[tuple[Entry, str, Pin | None]]:
        raise Problem("damaged", "history", "restart")

    familiar = FamiliarPartners(CertificateBook(tmp_path / "book"), seen)
    assert familiar.attributed(decided(IN_THE_CLEAR), "192.0.2.7") == STRANGER


def test_partners_have_bounds(tmp_path: Path) -> None:
    """A partner with more servers than are remembered is known by those that were met last."""
    familiar = FamiliarPartners(CertificateBook(tmp_path / "book"))
    for number in range(300):
        familiar.attributed(decided(session()), f"192.0.2.{number}")
    addresses = familiar.known(WOODGROVE).addresses
    assert len(addresses) == 256
    assert "192.0.2.299" in addresses


def test_unlisted_mail_is_nobodys(tmp_path: Path) -> None:
    """It claims no partner."""
    assert FamiliarPartners(CertificateBook(tmp_path / "book")).attributed(NOT_LISTED, "192.0.2.7") == {}


def test_at_once_is_told_what_the_book_still_has(tmp_path: Path) -> None:
    """No file is read for it; what was imported or removed meanwhile, by whatever process, is not missed."""
    path = tmp_path / "book"
    book, authority = CertificateBook(path), Authority.create("Laboratory Authority")
    familiar = FamiliarPartners(CertificateBook(path))
    for number in range(3):
        with pytest.raises(NotAtHandError):
            familiar.attributed(decided(IN_THE_CLEAR), "192.0.2.7", at_once=True)
        known = familiar.known(WOODGROVE)
        assert len(known.certificates) == number
        assert familiar.known(WOODGROVE, at_once=True) == known
        (given, *_) = read_certificates(authority.issue(f"{number}.test").certificate_pem)
        book.add((given,), IMPORT, WOODGROVE, NOW)
        for each in tmp_path.glob("book*"):
            os.utime(each, ns=(0, number))


def test_a_book_written_this_moment_is_read_each_time(tmp_path: Path) -> None:
    """Another write of the same moment would look no different."""
    book, authority = CertificateBook(tmp_path / "book"), Authority.create("Laboratory Authority")
    book.add(read_certificates(authority.issue("a.test").certificate_pem), IMPORT, WOODGROVE, NOW)
    for each in tmp_path.glob("book*"):
        os.utime(each)
        now = each.stat().st_mtime_ns + 10**12
        os.utime(each, ns=(now, now))
    familiar = FamiliarPartners(book)
    assert familiar.known(WOODGROVE).certificates
    with pytest.raises(NotAtHandError):
        familiar.known(WOODGROVE, at_once=True)

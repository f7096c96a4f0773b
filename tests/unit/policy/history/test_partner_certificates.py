"""Which of partners' certificates count for the alarm."""

from datetime import timedelta
from pathlib import Path

from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.certificates.certificate import read_certificates
from domain_secure.policy.configuration.configuration import Method
from domain_secure.policy.history.partner_certificates import latest_certificates
from domain_secure.policy.terms.domain import Entry

from lab.certificates import Authority
from unit.policy.builders import NOW, WOODGROVE, configuration, partner

ROOT = Authority.create("Root")


def test_latest_of_each_listed_partner(tmp_path: Path) -> None:
    """In its name, of an entry of the receive list, and of those the one that ends last."""
    book = CertificateBook(tmp_path / "certificates.sqlite")
    for name, days, entry in (
        (WOODGROVE, 80, WOODGROVE),
        (f"mail.{WOODGROVE}", 5, WOODGROVE),
        ("evil.test", 400, WOODGROVE),
        ("other.test", 80, Entry("other.test")),
    ):
        issued = ROOT.issue(name, dns_names=[name], not_after=NOW + timedelta(days=days))
        book.add(read_certificates(issued.certificate_pem), f"probe {name}", entry, NOW)
    latest = latest_certificates(book, configuration())
    assert {entry: one.dns_names for entry, one in latest.items()} == {WOODGROVE: (WOODGROVE,)}
    pinned = configuration(partners={WOODGROVE: partner(methods=(Method.PIN,))})
    assert latest_certificates(book, pinned) == {}, "of a pinned certificate the dates are not asked"

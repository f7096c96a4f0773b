"""What the doctor says about partners' certificates."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from configurations import make_configuration

from domain_secure.policy.book.certificate_book import FILE_NAME, IMPORT, CertificateBook
from domain_secure.policy.certificates.certificate import read_certificates
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.findings.findings import Finding, Severity
from domain_secure.postfix.own_checks.partner_certificate_checks import check_partner_certificates

from lab.certificates import DAY, Authority
from unit.policy.own_files import now

ROOT = Authority.create("Root")
WOODGROVE = Entry("woodgrovebank.test")


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """Return a configuration that lists woodgrovebank.test."""
    return make_configuration(tmp_path, receive=DomainList.of(WOODGROVE))


def know(configuration: Configuration, name: str, left: timedelta, entry: Entry = WOODGROVE) -> None:
    """Put a certificate into the book that lives 90 days and ends then."""
    end = now() + left
    issued = ROOT.issue(name, dns_names=[name], not_before=end - 90 * DAY, not_after=end)
    book = CertificateBook(configuration.state / FILE_NAME)
    book.add(read_certificates(issued.certificate_pem), IMPORT, entry, now())
    book.close()


def findings(configuration: Configuration) -> list[Finding]:
    """Return what is found now."""
    return list(check_partner_certificates(configuration, now()))


@pytest.mark.parametrize(
    ("left", "ending"),
    [
        (40 * DAY, None),
        (20 * DAY, "ends in 19 days"),
        (6 * DAY, "ends in 5 days, and no newer one has been seen"),
        (-DAY, "has expired: mail that comes with it is refused"),
    ],
)
def test_told_ahead(configuration: Configuration, left: timedelta, ending: str | None) -> None:
    """A warning three weeks ahead, more urgently one week ahead, and afterwards."""
    know(configuration, "mail.woodgrovebank.test", left)
    expected = [(Severity.WARNING, f"the last known certificate of {WOODGROVE} {ending}")] if ending else []
    assert [(one.severity, one.what) for one in findings(configuration)] == expected


def test_renewed_one_counts(configuration: Configuration) -> None:
    """The former one of a partner that has renewed is no finding; nor is a stranger's."""
    know(configuration, "mail.woodgrovebank.test", 2 * DAY)
    know(configuration, "mail.woodgrovebank.test", 60 * DAY)
    know(configuration, "mail.evil.test", 2 * DAY)
    know(configuration, "mail.fabrikam.test", 2 * DAY, Entry("fabrikam.test"))
    assert findings(configuration) == []


def test_what_to_do(configuration: Configuration) -> None:
    """Probing learns the next one by itself; without it the certificate must be imported."""
    know(configuration, "mail.woodgrovebank.test", 2 * DAY)
    (found,) = findings(configuration)
    assert "domain-secure probe woodgrovebank.test" in found.fix
    silent = replace(configuration, inbound=replace(configuration.inbound, probe=False))
    (found,) = findings(silent)
    assert "partner cert add woodgrovebank.test FILE" in found.fix


def test_empty_book(configuration: Configuration) -> None:
    """Nothing is known, nothing is found, no file is made."""
    assert findings(configuration) == []
    assert not (configuration.state / FILE_NAME).exists()

"""What the doctor says about our own certificates."""

from pathlib import Path

import pytest
from configurations import make_configuration

from domain_secure.policy.own.enabled_certificates import EnabledCertificates, Role
from domain_secure.postfix.findings.findings import Severity
from domain_secure.postfix.own_checks.own_certificate_checks import check_own_certificates

from lab.certificates import DAY
from unit.policy.own_files import HOST, NAME, SUB, now, take_in


@pytest.mark.parametrize(
    ("days", "severity", "what"),
    [(30, None, ""), (20, Severity.WARNING, "ends in 19 days"), (6, Severity.ERROR, "ends in 5 days")],
)
def test_expiry_is_told_ahead(tmp_path: Path, days: int, severity: Severity | None, what: str) -> None:
    """Three weeks ahead it is a warning, one week ahead an error; once for both roles."""
    end = now() + days * DAY
    issued = SUB.issue(NAME, dns_names=[NAME], not_before=end - 90 * DAY, not_after=end)
    EnabledCertificates(tmp_path).enable(take_in(tmp_path, issued.pem(key=True)), Role)
    found = list(check_own_certificates(make_configuration(tmp_path), now()))
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(one.what == f"our certificate, shown as server and client, {what}" for one in found)


def test_expired(tmp_path: Path) -> None:
    """An expired certificate is an error that says how to renew it."""
    EnabledCertificates(tmp_path).enable(take_in(tmp_path, HOST.pem(key=True)), [Role.SERVER])
    (found,) = check_own_certificates(make_configuration(tmp_path), now() + 1000 * DAY)
    assert found.what == "our certificate, shown as server, has expired"
    assert "cert request --renew" in found.fix


def test_what_is_not_in_use_or_broken(tmp_path: Path) -> None:
    """Only certificates in use are watched; an entry that cannot be read is named."""
    own = take_in(tmp_path, HOST.pem(key=True))
    configuration = make_configuration(tmp_path)
    assert list(check_own_certificates(configuration, now() + 1000 * DAY)) == []
    own.key_file.unlink()
    (found,) = check_own_certificates(configuration, now())
    assert found.word == "own-certificate-set-aside"
    assert str(own.key_file.parent) in found.proof

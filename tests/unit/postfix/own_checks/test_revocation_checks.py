"""The doctor on revocation lists that end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from configurations import make_configuration

from domain_secure.policy.certificates.trust import Revocation
from domain_secure.policy.configuration.configuration import Configuration, Method
from domain_secure.policy.revocation.location_report import LocationReport, write_failures
from domain_secure.policy.revocation.revocation import Location
from domain_secure.policy.revocation.revocation_store import FOLDER, RevocationStore
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.own_checks.revocation_checks import (
    check_revocation_lists,
    check_revocation_locations,
)

from lab.certificates import DAY, Authority
from lab.revocations import pem_list, revocation_list

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
AUTHORITY = Authority.create("Lab Root")
URL = "http://crl.lab.test/root.crl"


def configuration(folder: Path, *files: Path, revocation: Revocation = Revocation.PREFER) -> Configuration:
    """Return a configuration that lists a domain and names these files."""
    plain = make_configuration(receive=DomainList.of(Entry("woodgrovebank.test")), state=folder)
    return replace(plain, trust=replace(plain.trust, crl_files=files, revocation=revocation))


def found(configuration: Configuration) -> list[Finding]:
    """Return the findings."""
    return list(check_revocation_lists(configuration, NOW))


@pytest.mark.parametrize(
    ("made_for", "left", "expected"),
    [
        (90 * DAY, 30 * DAY, None),
        (90 * DAY, 20 * DAY, ("note", "crl-expires", "20 days")),
        (90 * DAY, 6 * DAY, ("warning", "crl-expires", "6 days")),
        (7 * DAY, 3 * DAY, None),
        (7 * DAY, 2 * DAY, ("note", "crl-expires", "2 days")),
        (7 * DAY, DAY, ("warning", "crl-expires", "24 hours")),
        (7 * DAY, -HOUR, ("warning", "crl-expired", "would be accepted")),
    ],
)
def test_lists_that_end(
    tmp_path: Path, made_for: timedelta, left: timedelta, expected: tuple[str, str, str] | None
) -> None:
    """21 and 7 days ahead, or the last part of a list that is made for less; the same for kept lists."""
    end = NOW + left
    content = revocation_list(AUTHORITY, this_update=end - made_for, next_update=end)
    file = tmp_path / "root.crl"
    file.write_bytes(pem_list(content))
    RevocationStore(tmp_path / FOLDER).put(Location(URL), content, NOW)
    findings = found(configuration(tmp_path, file))
    if expected is None:
        assert findings == []
        return
    severity, word, said = expected
    assert [(one.severity.value, one.word) for one in findings] == [(severity, word)] * 2
    assert all(said in one.what and "CN=Lab Root" in one.proof for one in findings)
    assert ["crl_files" in one.proof for one in findings] == [True, False]
    assert URL in findings[1].proof


def test_requiring_makes_it_an_error(tmp_path: Path) -> None:
    """Where revocation is required, a list that has ended defers mail."""
    file = tmp_path / "root.crl"
    file.write_bytes(revocation_list(AUTHORITY, this_update=NOW - 9 * DAY, next_update=NOW - DAY))
    assert [
        one.severity.value for one in found(configuration(tmp_path, file, revocation=Revocation.REQUIRE))
    ] == ["error"]


def test_the_newest_of_several_counts(tmp_path: Path) -> None:
    """An old list beside its successor is no finding."""
    file = tmp_path / "both.crl"
    old = revocation_list(AUTHORITY, number=1, this_update=NOW - 9 * DAY, next_update=NOW - DAY)
    new = revocation_list(AUTHORITY, number=2, this_update=NOW - DAY, next_update=NOW + 30 * DAY)
    file.write_bytes(pem_list(old) + pem_list(new))
    assert found(configuration(tmp_path, file)) == []


@pytest.mark.parametrize(
    ("is_missed", "revocation", "severity", "said"),
    [
        (False, Revocation.REQUIRE, "note", "is of no use"),
        (True, Revocation.PREFER, "warning", "would be accepted"),
        (True, Revocation.REQUIRE, "error", "is deferred"),
        (True, Revocation.OFF, None, ""),
    ],
)
def test_locations_of_no_use(
    tmp_path: Path, is_missed: bool, revocation: Revocation, severity: str | None, said: str
) -> None:
    """What the daemon noted is told, as grave as what hangs on it, with its reason and what to do."""
    report = LocationReport(URL, "CRL", "CN=a.test", None, "too large", "ask for parts", is_missed)
    write_failures(tmp_path, (report, replace(report, fix="", kind="OCSP")))
    findings = list(check_revocation_locations(configuration(tmp_path, revocation=revocation)))
    assert [one.severity.value for one in findings] == [severity] * (2 if severity else 0)
    for one in findings:
        assert said in one.what
        assert one.proof == f"{URL}: too large; named by the certificate of CN=a.test"
    assert [one.fix for one in findings[:1]] == ["ask for parts"][: len(findings)]
    assert all("cert revocation refresh" in one.fix for one in findings[1:])


def test_nothing_is_asked_where_nothing_hangs_on_it(tmp_path: Path) -> None:
    """Without revocation, or without a partner proved by a chain, the files are not even opened."""
    file = tmp_path / "missing.crl"
    assert found(configuration(tmp_path, file, revocation=Revocation.OFF)) == []
    plain = configuration(tmp_path, file)
    rule = replace(plain.partner(Entry("woodgrovebank.test")), methods=(Method.DANE,))
    assert found(replace(plain, partners={rule.entry: rule})) == []


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\n", b"-----BEGIN X509 CRL-----\n!\n"])
def test_file_that_is_no_list(tmp_path: Path, content: bytes) -> None:
    """It is told with the key and what to do."""
    file = tmp_path / "broken.crl"
    file.write_bytes(content)
    with pytest.raises(Problem, match="crl_files has"):
        found(configuration(tmp_path, file))

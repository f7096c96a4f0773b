"""What became of a location, in the file for the doctor."""

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain_secure.policy.revocation.location_report import (
    FILE_NAME,
    LocationReport,
    read_failures,
    write_failures,
)

REPORT = LocationReport(
    "http://crl.test/a.crl", "CRL", "CN=a.test", datetime(2026, 12, 1, tzinfo=UTC), "why", "what to do", True
)
PLAIN = LocationReport("http://crl.test/b.crl", "OCSP", "CN=b.test")


@pytest.mark.parametrize("report", [REPORT, PLAIN])
def test_document(report: LocationReport) -> None:
    """Its keys are those of the fields, its time is ISO 8601; what it was is read out of it again."""
    until = "2026-12-01T00:00:00+00:00" if report.until else None
    assert report.document == {
        "url": report.url,
        "kind": report.kind,
        "certificate": report.certificate,
        "until": until,
        "failure": report.failure,
        "fix": report.fix,
        "is_missed": report.is_missed,
    }
    assert LocationReport.of(report.document) == report


def test_file(tmp_path: Path) -> None:
    """Everybody may read it, who asks what it says; the names are on lines of their own for people."""
    write_failures(tmp_path, [REPORT, PLAIN])
    file = tmp_path / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert json.loads(file.read_bytes()) == [REPORT.document, PLAIN.document]
    assert '\n  "url": "http://crl.test/b.crl",\n' in file.read_text()
    assert read_failures(tmp_path) == (REPORT, PLAIN)
    write_failures(tmp_path, [])
    assert json.loads(file.read_bytes()) == []


def test_nothing_to_write(tmp_path: Path) -> None:
    """Where nothing has failed and nothing did before there is no file."""
    write_failures(tmp_path, [])
    assert list(tmp_path.iterdir()) == []
    assert read_failures(tmp_path) == ()


def test_bound(tmp_path: Path) -> None:
    """A thousand are kept, the first ones."""
    reports = [replace(REPORT, url=f"http://crl.test/{number}") for number in range(1002)]
    write_failures(tmp_path, reports)
    assert read_failures(tmp_path) == tuple(reports[:1000])


def test_what_somebody_else_put_there(tmp_path: Path) -> None:
    """A link is not followed, and that it could not be read is told."""
    (tmp_path / "other").write_text("[]")
    (tmp_path / FILE_NAME).symlink_to("other")
    with pytest.raises(PermissionError):
        read_failures(tmp_path)

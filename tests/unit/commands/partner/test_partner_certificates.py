"""``partner cert list`` and ``remove``: what is known of a partner, and what is forgotten."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain_secure.commands.main import main
from domain_secure.policy.book.certificate_book import FILE_NAME, IMPORT, CertificateBook
from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.terms.domain import Entry

from lab.certificates import Authority

WOODGROVE, FABRIKAM = Entry("woodgrovebank.test"), Entry("*.fabrikam.test")
ROOT = Authority.create("Root")
FIRST, SECOND = (ROOT.issue(f"mx{number}.{WOODGROVE}") for number in (1, 2))
SEEN = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration, and a book in which one certificate is both partners'."""
    text = f'[receive]\ndomains = ["{WOODGROVE}", "{FABRIKAM}"]\n[paths]\nstate = "{tmp_path}"\n'
    (tmp_path / "domain-secure.toml").write_text(text)
    with closing(CertificateBook(tmp_path / FILE_NAME)) as book:
        book.add((parse(FIRST.der),), IMPORT, WOODGROVE, SEEN)
        book.add((parse(FIRST.der),), "probe mx1", FABRIKAM, SEEN)
        book.add((parse(SECOND.der),), "probe mx2", WOODGROVE, SEEN)
    return tmp_path


def partner_cert(folder: Path, *arguments: str) -> int:
    """Run ``partner cert``."""
    return main(["--config", str(folder / "domain-secure.toml"), "partner", "cert", *arguments])


def listed(folder: Path, capsys: pytest.CaptureFixture[str], domain: str) -> dict[str, bool]:
    """Return the certificates that are known of a partner, and whether each was imported."""
    capsys.readouterr()
    assert partner_cert(folder, "list", domain, "--json") == 0
    found = json.loads(capsys.readouterr().out)["certificates"]
    return {one["sha256"].removeprefix("sha256:"): one["imported"] for one in found}


def test_what_is_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each partner's certificates alone, by the entry that speaks for a domain; capitals do not matter."""
    expected = {FIRST.fingerprint: True, SECOND.fingerprint: False}
    assert listed(folder, capsys, WOODGROVE.upper()) == expected
    assert listed(folder, capsys, "mail.fabrikam.test") == {FIRST.fingerprint: False}
    assert listed(folder, capsys, "other.test") == {}
    assert partner_cert(folder, "list", WOODGROVE) == 0
    assert f"mx1.{WOODGROVE}" in capsys.readouterr().out


def test_forgetting(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A certificate goes as one of that partner, and stays another's."""
    assert partner_cert(folder, "remove", WOODGROVE, FIRST.fingerprint[:12]) == 0
    assert "once a server of the partner shows it" in capsys.readouterr().err
    assert listed(folder, capsys, WOODGROVE) == {SECOND.fingerprint: False}
    assert listed(folder, capsys, FABRIKAM) == {FIRST.fingerprint: False}
    assert partner_cert(folder, "remove", WOODGROVE, FIRST.fingerprint) == 2
    assert f"partner cert list {WOODGROVE}" in capsys.readouterr().err
    assert partner_cert(folder, "remove", FABRIKAM, FIRST.fingerprint) == 0
    with closing(CertificateBook(folder / FILE_NAME)) as book:
        assert book.chain(parse(FIRST.der).certificate_pin) is None

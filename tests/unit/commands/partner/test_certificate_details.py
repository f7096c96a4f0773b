"""``partner show``: what is told of each certificate, for people and as a document."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain_secure.commands.main import main
from domain_secure.policy.book.certificate_book import FILE_NAME, IMPORT, CertificateBook
from domain_secure.policy.certificates.certificate import parse, read_certificates
from domain_secure.policy.history import history_file
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.terms.domain import Entry

from lab.certificates import Authority
from unit.policy.history_items import item

WOODGROVE = Entry("woodgrovebank.test")
HOST = "mail.woodgrovebank.test"
ISSUED = Authority.create("Lab Root").issue(HOST, dns_names=[HOST])
CERTIFICATE = parse(ISSUED.der)
SEEN = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration, and a book with one certificate that was imported and then shown."""
    text = f'[receive]\ndomains = ["{WOODGROVE}"]\n[paths]\nstate = "{tmp_path}"\n'
    (tmp_path / "domain-secure.toml").write_text(text)
    with closing(CertificateBook(tmp_path / FILE_NAME)) as book:
        book.add(read_certificates(ISSUED.pem()), IMPORT, WOODGROVE, SEEN)
        book.add((CERTIFICATE,), f"probe {HOST}[192.0.2.1]", WOODGROVE, SEEN + HOUR)
    return tmp_path


def use(folder: Path, *, good: bool, hours: int) -> None:
    """Let a message come with the certificate."""
    plain = item(good=good, time=SEEN + hours * HOUR)
    count = replace(plain.counts[0], certificate=CERTIFICATE.certificate_pin)
    with closing(HistoryWriter(folder / history_file.FILE_NAME)) as writer:
        writer.write([replace(plain, counts=(count,))])


def show(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """Return what is printed."""
    capsys.readouterr()
    command = ["--config", str(folder / "domain-secure.toml"), "partner", "show", WOODGROVE]
    assert main([*command, *options]) == 0
    return capsys.readouterr().out


def test_document(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Content, key, where it is from, and how often a message came with it."""
    use(folder, good=True, hours=2)
    use(folder, good=False, hours=3)
    document = json.loads(show(folder, capsys, "--json"))
    assert document["certificates"] == [str(CERTIFICATE.certificate_pin)]
    (detail,) = document["certificate_details"]
    assert detail["subject"] == f"CN={HOST}"
    assert detail["issuer"] == "CN=Lab Root"
    assert detail["names"] == [HOST]
    assert detail["spki_sha256"] == str(CERTIFICATE.public_key_pin)
    assert detail["purposes"] == ["client", "server"]
    assert detail["not_after"] == CERTIFICATE.not_after.isoformat()
    assert [one["source"] for one in detail["origins"]] == [IMPORT, f"probe {HOST}[192.0.2.1]"]
    assert detail["used"] == {
        "first": (SEEN + 2 * HOUR).isoformat(),
        "last": (SEEN + 3 * HOUR).isoformat(),
        "passed": 1,
        "failed": 1,
    }


def test_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads the same below the rule."""
    printed = show(folder, capsys)
    for line in (
        f"certificate  {CERTIFICATE.certificate_pin}",
        f"  public key {CERTIFICATE.public_key_pin}",
        f"  subject    CN={HOST}",
        "  issuer     CN=Lab Root",
        f"  names      {HOST}",
        "  made for   TLS clients, TLS servers",
        f"  known      shown by {HOST}[192.0.2.1] when it was probed, ",
        "  known      imported ",
        "  used       no message has come with it, as far as the history goes back",
    ):
        assert line in printed, printed


def test_history_that_cannot_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody could look up is not told as never used."""
    (folder / history_file.FILE_NAME).write_bytes(b"rubbish" * 1000)
    (detail,) = json.loads(show(folder, capsys, "--json"))["certificate_details"]
    assert detail["used"] is None
    assert detail["used_problem"]
    assert "  used       not known: " in show(folder, capsys)

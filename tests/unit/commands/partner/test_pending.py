"""``pending``: what is listed, and what makes it disappear."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from documents import body

from domain_secure.commands.main import main
from domain_secure.policy.book.certificate_book import FILE_NAME, IMPORT, CertificateBook
from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

from lab.certificates import self_signed

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOST = parse(self_signed("mail.woodgrovebank.test").der)
OTHER, OTHER_KEY = Pin.certificate("ab" * 32), Pin.public_key("cd" * 32)
WOODGROVE, FABRIKAM = Entry("woodgrovebank.test"), Entry("*.fabrikam.test")
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def book(tmp_path: Path) -> CertificateBook:
    """Return a book with an unknown certificate of each domain."""
    book = CertificateBook(tmp_path / FILE_NAME)
    book.note_pending(HOST.certificate_pin, HOST.public_key_pin, WOODGROVE, "192.0.2.1", NOW)
    book.note_pending(OTHER, OTHER_KEY, FABRIKAM, "2001:db8::1", NOW + timedelta(minutes=1))
    book.note_pending(OTHER, OTHER_KEY, FABRIKAM, "2001:db8::1", NOW + timedelta(minutes=2))
    return book


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a way to run ``pending`` with a configuration; returns the exit status and what was printed."""

    def run(
        *arguments: str, settings: str = "", domains: tuple[Entry, ...] = (WOODGROVE, FABRIKAM)
    ) -> tuple[int, str]:
        file = tmp_path / "domain-secure.toml"
        file.write_text(
            f'[receive]\ndomains = {json.dumps(domains)}\n[paths]\nstate = "{tmp_path}"\n{settings}\n'
        )
        status = main(["--config", str(file), "pending", *arguments])
        printed = capsys.readouterr()
        assert not printed.err
        return status, printed.out

    return run


def fingerprints(printed: str) -> list[str]:
    """Return the fingerprints of a JSON document."""
    return [one["sha256"] for one in body(printed)["pending"]]


def test_nothing_seen(run: Run) -> None:
    """Without a book there is nothing to tell, and that is said."""
    assert run() == (0, "no unknown certificates have been seen from listed domains\n")
    status, printed = run("--json")
    assert (status, body(printed)) == (0, {"pending": []})


@pytest.mark.usefixtures("book")
def test_table_and_the_commands_that_settle(run: Run) -> None:
    """Each row has its domain, client, digest and count; the command can be pasted into a shell."""
    status, printed = run()
    assert status == 0
    first, second = printed.splitlines()[1:3]
    assert first.split()[:3] == [FABRIKAM, "2001:db8::1", str(OTHER)]
    assert first.endswith(" 2")
    assert second.split()[:3] == [WOODGROVE, "192.0.2.1", str(HOST.certificate_pin)]
    assert f"  domain-secure partner pin '*.fabrikam.test' {OTHER_KEY}\n" in printed
    assert f"  domain-secure partner pin woodgrovebank.test {HOST.public_key_pin}\n" in printed


@pytest.mark.usefixtures("book")
def test_json(run: Run) -> None:
    """One document with stable keys."""
    document = body(run("--json")[1])
    assert document["pending"][0] == {
        "domain": "*.fabrikam.test",
        "client": "2001:db8::1",
        "sha256": str(OTHER),
        "spki_sha256": str(OTHER_KEY),
        "first_seen": "2026-11-24T12:01:00+00:00",
        "last_seen": "2026-11-24T12:02:00+00:00",
        "count": 2,
        "methods": ["pin", "pkix", "dane"],
        "settle": f"domain-secure partner pin '*.fabrikam.test' {OTHER_KEY}",
    }


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize("pin", [OTHER, OTHER_KEY])
def test_pinned_meanwhile(run: Run, pin: Pin) -> None:
    """A pin of the certificate or of its key settles it, also if written for the wildcard's domain."""
    settings = f'[partner."fabrikam.test"]\npins = ["{pin}"]'
    assert fingerprints(run("--json", settings=settings)[1]) == [str(HOST.certificate_pin)]


@pytest.mark.usefixtures("book")
def test_pinned_for_another_partner(run: Run) -> None:
    """A pin of somebody else settles nothing."""
    settings = f'[partner."woodgrovebank.test"]\npins = ["{OTHER}"]'
    assert len(fingerprints(run("--json", settings=settings)[1])) == 2


def test_imported_meanwhile(run: Run, book: CertificateBook) -> None:
    """An import settles it."""
    book.add((HOST,), IMPORT, WOODGROVE, NOW)
    assert fingerprints(run("--json")[1]) == [str(OTHER)]


def test_what_is_known_of_a_pinned_partner_waits_on(run: Run, book: CertificateBook) -> None:
    """Where pins alone count, a certificate that a probe has found goes on waiting for its pin."""
    book.add((HOST,), "probe mail.woodgrovebank.test[192.0.2.1]", WOODGROVE, NOW)
    settings = '[partner."woodgrovebank.test"]\nmethods = ["pin"]'
    assert str(HOST.certificate_pin) in fingerprints(run("--json", settings=settings)[1])
    assert "proved by pins" in run(settings=settings, domains=(WOODGROVE,))[1]
    pinned = f'{settings}\npins = ["{HOST.public_key_pin}"]'
    assert fingerprints(run("--json", settings=pinned)[1]) == [str(OTHER)]


@pytest.mark.usefixtures("book")
def test_domain_has_left_the_list(run: Run) -> None:
    """Nothing is asked about a domain that is not listed any longer."""
    assert fingerprints(run("--json", domains=(FABRIKAM,))[1]) == [str(OTHER)]


def test_damaged_book_is_told(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on standard error, and the status of a wrong configuration."""
    run()
    (tmp_path / FILE_NAME).write_bytes(b"rubbish" * 1000)
    assert main(["--config", str(tmp_path / "domain-secure.toml"), "pending"]) == 2
    assert capsys.readouterr().err.startswith(
        f"domain-secure: the certificate book is damaged: {tmp_path}/{FILE_NAME}: move it away"
    )

"""What partners' servers asked for, in the file of the certificate book."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.book.client_requests import ClientRequest, ClientRequests
from domain_secure.policy.terms.domain import Entry

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WOODGROVE, FABRIKAM = Entry("woodgrovebank.test"), Entry("*.fabrikam.test")


@pytest.fixture
def requests(tmp_path: Path) -> ClientRequests:
    """Return notes in a new file."""
    return ClientRequests(tmp_path / "certificates.sqlite")


def test_nothing_is_known_at_first(requests: ClientRequests, tmp_path: Path) -> None:
    """Asking makes no file."""
    assert requests.of(WOODGROVE) == ()
    assert not (tmp_path / "certificates.sqlite").exists()


def test_last_note_of_each_server_counts(requests: ClientRequests, tmp_path: Path) -> None:
    """Beside the certificates of the book, for the next process."""
    requests.note(WOODGROVE, "a[192.0.2.1]", is_asked=False, authorities=(), seen=NOW)
    requests.note(WOODGROVE, "b[192.0.2.2]", is_asked=True, authorities=(), seen=NOW)
    requests.note(
        WOODGROVE, "a[192.0.2.1]", is_asked=True, authorities=("CN=B", "CN=A"), seen=NOW + timedelta(1)
    )
    requests.note(FABRIKAM, "c[192.0.2.3]", is_asked=False, authorities=(), seen=NOW)
    requests.close()
    assert ClientRequests(tmp_path / "certificates.sqlite").of(WOODGROVE) == (
        ClientRequest("a[192.0.2.1]", True, frozenset({"CN=A", "CN=B"})),
        ClientRequest("b[192.0.2.2]", True, frozenset()),
    )
    assert CertificateBook(tmp_path / "certificates.sqlite").all() == ()


def test_bounds(requests: ClientRequests) -> None:
    """A farm of servers, and a server that names everybody, do not fill the disk."""
    for number in range(70):
        seen = NOW + timedelta(seconds=number)
        requests.note(WOODGROVE, f"{number}", is_asked=True, authorities=["CN=x"] * 9000, seen=seen)
    found = requests.of(WOODGROVE)
    assert len(found) == 64
    assert found[0] == ClientRequest("69", True, frozenset())

"""A book that was spoilt or taken away comes back with what was imported, and with what was pending."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain_secure.policy.book.book_rescue import COPY, BookRescue
from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.certificates.certificate import read_certificates
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.pin import Pin

from lab.certificates import Authority

ENTRY = Entry("woodgrovebank.test")


def noise(path: Path) -> None:
    """Overwrite the file in place."""
    path.write_bytes(b"\x17" * path.stat().st_size)


def delete_all(path: Path) -> None:
    """Delete the file and the copy of what was imported."""
    for one in path.parent.iterdir():
        one.unlink()


def delete(path: Path) -> None:
    """Delete the file, and what SQLite keeps beside it."""
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (noise, ["book-set-aside", "book-put-back"]),
        (lambda path: path.write_bytes(b""), ["book-set-aside", "book-put-back"]),
        (delete, ["book-put-back"]),
        (delete_all, ["book-put-back"]),
    ],
    ids=["noise", "truncated", "deleted", "all deleted"],
)
def test_what_was_imported_comes_back(
    tmp_path: Path, spoil: Callable[[Path], None], words: list[str]
) -> None:
    """Noise, nothing, or no file at all: imports and what was pending are there again."""
    path = tmp_path / FILE_NAME
    logged: list[Event] = []
    book = CertificateBook(path)
    rescue = BookRescue(book, path, logged.append)
    imported, probed = (
        read_certificates(Authority.create("CA").issue(common_name="a.test").certificate_pem)
        for _ in range(2)
    )
    now = datetime.now(UTC)
    book.add(imported, "import", ENTRY, now)
    book.add(probed, "probe 192.0.2.1", ENTRY, now)
    unknown = Pin.certificate("ab" * 32), Pin.certificate("cd" * 32)
    book.note_pending(unknown[0], Pin.public_key("ef" * 32), ENTRY, "192.0.2.7", now)
    rescue.attend()
    book.note_pending(unknown[1], None, ENTRY, "192.0.2.8", now)
    rescue.attend()
    waiting = book.pending()
    assert not logged
    assert len(waiting) == len(unknown)
    spoil(path)
    rescue.attend()
    assert rescue.fault is None
    assert [event.word for event in logged] == words
    assert book.chain(imported[0].certificate_pin) == imported
    assert book.chain(probed[0].certificate_pin) is None
    assert {(one.fingerprint, one.public_key, one.client_address) for one in book.pending()} == {
        (one.fingerprint, one.public_key, one.client_address) for one in waiting
    }
    rescue.attend()
    assert len(logged) == len(words)


def test_a_book_that_cannot_come_back_is_told(tmp_path: Path) -> None:
    """A copy that is of no use is a fault, and is kept."""
    path = tmp_path / FILE_NAME
    (tmp_path / "imported-certificates.json").write_text("no JSON")
    rescue = BookRescue(CertificateBook(path), path, lambda _: None)
    rescue.attend()
    assert rescue.fault is not None


def test_without_a_book_there_is_nothing_to_do(tmp_path: Path) -> None:
    """A daemon that knows no certificate yet makes no file."""
    rescue = BookRescue(CertificateBook(tmp_path / FILE_NAME), tmp_path / FILE_NAME, lambda _: None)
    rescue.attend()
    assert rescue.fault is None
    assert not list(tmp_path.iterdir())


def test_a_copy_of_the_former_form_is_read(tmp_path: Path) -> None:
    """A list of imports alone, as before what was pending went into it."""
    path = tmp_path / FILE_NAME
    book = CertificateBook(path)
    chain = read_certificates(Authority.create("CA").issue(common_name="a.test").certificate_pem)
    book.add(chain, "import", ENTRY, datetime.now(UTC))
    BookRescue(book, path, lambda _: None).attend()
    copy = path.with_name(COPY)
    copy.write_text(json.dumps(json.loads(copy.read_text())["imported"]))
    delete(path)
    BookRescue(book, path, lambda _: None).attend()
    assert book.chain(chain[0].certificate_pin) == chain


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b"[[]]",
        b'{"imported": [{}], "pending": []}',
        b'{"imported": [{"entry": "a.test", "seen": 1, "chain": []}], "pending": []}',
        b'{"imported": [], "pending": [{"fingerprint": 7}]}',
        b"null",
    ],
)
def test_a_copy_that_cannot_be_understood_is_told(tmp_path: Path, content: bytes) -> None:
    """Nothing is put back of it, the daemon goes on, and the fault names the copy."""
    book = CertificateBook(tmp_path / FILE_NAME)
    (tmp_path / COPY).write_bytes(content)
    rescue = BookRescue(book, tmp_path / FILE_NAME, lambda _: None)
    rescue.attend()
    assert rescue.fault is not None
    assert "certificate book cannot be mended" in rescue.fault

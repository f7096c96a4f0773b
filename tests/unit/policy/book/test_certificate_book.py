"""The certificate book on a real file, with threads, processes, damage and floods."""

import logging
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain_secure.policy.book.certificate_book import (
    FILE_NAME,
    IMPORT,
    PROBE,
    CertificateBook,
    KnownChain,
    Origin,
    PendingCertificate,
)
from domain_secure.policy.book.certificate_source import CertificateQuery
from domain_secure.policy.certificates.certificate import Certificate, parse, read_certificates
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import ExitStatus, Problem

from lab.certificates import Authority, Issued
from lab.waiting import DEADLINE

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WOODGROVE, FABRIKAM = Entry("woodgrovebank.test"), Entry("*.fabrikam.test")
ROOT = Authority.create("Lab Root")
SUB = ROOT.authority("Lab Sub")
HOST = SUB.issue("mail.woodgrovebank.test", dns_names=["mail.woodgrovebank.test"])
UNKNOWN, UNKNOWN_KEY = Pin.certificate("ab" * 32), Pin.public_key("cd" * 32)


def chain_of(issued: Issued) -> tuple[Certificate, ...]:
    """Return a certificate with its chain."""
    return read_certificates(issued.pem())


def strangers(number: int) -> tuple[Certificate, ...]:
    """Return certificates of authorities that have nothing to do with the partner's."""
    return tuple(parse(Authority.create(f"Other {one}").der) for one in range(number))


def doubles_of(authority: Authority, number: int) -> tuple[Certificate, ...]:
    """Return certificates with the name and the key of an authority, by one that anybody may have made."""
    anybody, subject = Authority.create("Anybody"), authority.certificate.subject
    made = (anybody.authority("", subject=subject, key=authority.key) for _ in range(number))
    return tuple(parse(one.der) for one in made)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the book is."""
    return tmp_path / FILE_NAME


@pytest.fixture
def book(path: Path) -> Iterator[CertificateBook]:
    """Return an empty book."""
    made = CertificateBook(path)
    yield made
    made.close()


def test_fetched_issuers_stand_behind_what_is_there(book: CertificateBook) -> None:
    """They lead on from a chain that is known; they make none, and displace nothing."""
    leaf, sub, root = parse(HOST.der), parse(SUB.der), parse(ROOT.der)
    book.add_issuers(leaf.certificate_pin, (sub,))
    assert book.chain(leaf.certificate_pin) is None
    book.add((leaf,), IMPORT, WOODGROVE, NOW)
    book.add_issuers(leaf.certificate_pin, (sub,))
    book.add_issuers(leaf.certificate_pin, (sub, root))
    assert book.chain(leaf.certificate_pin) == (leaf, sub, root)
    book.add_issuers(leaf.certificate_pin, (*doubles_of(SUB, 40), parse(Authority.create("Other").der)))
    found = book.chain(leaf.certificate_pin)
    assert found is not None
    assert found[:3] == (leaf, sub, root)
    assert len(found) == 32
    assert {one.subject for one in found[3:]} == {sub.subject}


def test_what_a_server_shows_does_not_displace_what_was_imported(book: CertificateBook) -> None:
    """A server that shows a full chain of others leaves the imported authorities in place."""
    leaf, sub = parse(HOST.der), parse(SUB.der)
    others = (*doubles_of(SUB, 40), *strangers(40))
    book.add((leaf, sub), IMPORT, WOODGROVE, NOW)
    book.add((leaf, *others), f"{PROBE} mail.woodgrovebank.test", WOODGROVE, NOW)
    found = book.chain(leaf.certificate_pin)
    assert found is not None
    assert found[:2] == (leaf, sub)


def test_what_was_imported_for_another_certificate_is_not_displaced_either(book: CertificateBook) -> None:
    """A partner's renewed certificate that comes with a flood is completed from the import all the same."""
    renewed = parse(SUB.issue("mail.woodgrovebank.test").der)
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    book.add((renewed, *doubles_of(SUB, 40)), PROBE, WOODGROVE, NOW)
    found = book.chain(renewed.certificate_pin)
    assert found is not None
    assert found[:2] == (renewed, parse(SUB.der))


@pytest.mark.parametrize("source", [PROBE, "fleet"])
def test_only_what_chains_is_kept(book: CertificateBook, source: str) -> None:
    """By name and by signature, nearest first; an authority of the same name with another key does not."""
    leaf, sub, root = parse(HOST.der), parse(SUB.der), parse(ROOT.der)
    namesake = parse(Authority.create(SUB.certificate.subject.rfc4514_string().removeprefix("CN=")).der)
    assert namesake.subject == sub.subject
    book.add((leaf, *strangers(31), namesake, root, sub), source, WOODGROVE, NOW)
    assert book.chain(leaf.certificate_pin) == (leaf, sub, root)


def test_an_import_keeps_what_the_administrator_gave(book: CertificateBook) -> None:
    """Also what does not lead on from this certificate; what does stands in front."""
    leaf, sub, (other,) = parse(HOST.der), parse(SUB.der), strangers(1)
    book.add((leaf, other, sub), IMPORT, WOODGROVE, NOW)
    assert book.chain(leaf.certificate_pin) == (leaf, sub, other)


def test_empty_book_is_no_file(book: CertificateBook, path: Path) -> None:
    """Asking makes no file; before the first write nothing is known."""
    assert book.chain(UNKNOWN) is None
    assert book.all() == ()
    assert book.pending() == ()
    assert not path.exists()


def test_chain_is_found_again(book: CertificateBook, path: Path) -> None:
    """What was added is there for the next process, with where it came from."""
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW + SECOND)
    book.add(chain_of(HOST), "probe", FABRIKAM, NOW + 2 * SECOND)
    reopened = CertificateBook(path)
    fingerprint = parse(HOST.der).certificate_pin
    assert reopened.chain(fingerprint) == chain_of(HOST)
    assert reopened.all() == (
        KnownChain(
            chain_of(HOST),
            (
                Origin(IMPORT, WOODGROVE, NOW, NOW + SECOND),
                Origin("probe", FABRIKAM, NOW + 2 * SECOND, NOW + 2 * SECOND),
            ),
        ),
    )
    assert reopened.chain(UNKNOWN) is None


def test_book_is_a_source_that_answers_at_once(book: CertificateBook) -> None:
    """The future is done; a book that cannot be read holds the Problem for whoever asks."""
    query = CertificateQuery(parse(HOST.der).certificate_pin, (WOODGROVE,), "192.0.2.1")
    assert book.find(query).done()
    assert book.find(query).result() is None
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    assert book.find(query).result() == chain_of(HOST)


def test_known_chain_only_grows(book: CertificateBook) -> None:
    """A later import of the certificate alone does not take its chain away."""
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    book.add((parse(HOST.der),), IMPORT, WOODGROVE, NOW)
    assert book.chain(parse(HOST.der).certificate_pin) == chain_of(HOST)


def test_intermediates_of_the_same_partner_are_at_hand(book: CertificateBook) -> None:
    """A renewed certificate without its chain is completed from the partner's other imports alone."""
    renewed, foreign = parse(SUB.issue("mail.woodgrovebank.test").der), parse(SUB.issue("x.test").der)
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    book.add((renewed,), "probe", WOODGROVE, NOW)
    book.add((foreign,), "probe", FABRIKAM, NOW)
    assert book.chain(renewed.certificate_pin) == (renewed, parse(SUB.der))
    assert book.chain(foreign.certificate_pin) == (foreign,)


def test_imported_chains_are_never_evicted(path: Path) -> None:
    """Of the others the oldest give way when there is no room."""
    issued = [ROOT.issue(f"host{number}.test") for number in range(6)]
    size = max(len(one.der) for one in issued)
    book = CertificateBook(path, octets=3 * size)
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    for number, one in enumerate(issued, start=1):
        book.add(chain_of(one), "probe", WOODGROVE, NOW + number * SECOND)
    subjects = [known.chain[0].subject for known in book.all()]
    assert subjects == ["CN=host5.test", "CN=host4.test", "CN=host3.test", "CN=mail.woodgrovebank.test"]
    with sqlite3.connect(path) as rows:
        assert rows.execute("SELECT count(*) FROM origin").fetchone() == (4,)
    rows.close()


def test_pending_is_counted_and_settled(book: CertificateBook) -> None:
    """Times, the last client and the count are kept for each domain; settling forgets all of them."""
    book.note_pending(UNKNOWN, None, WOODGROVE, "192.0.2.1", NOW)
    book.note_pending(UNKNOWN, UNKNOWN_KEY, WOODGROVE, "192.0.2.2", NOW + SECOND)
    book.note_pending(UNKNOWN, None, WOODGROVE, "192.0.2.2", NOW + SECOND)
    book.note_pending(UNKNOWN, None, FABRIKAM, "192.0.2.1", NOW - SECOND)
    assert book.pending() == (
        PendingCertificate(UNKNOWN, UNKNOWN_KEY, WOODGROVE, "192.0.2.2", NOW, NOW + SECOND, 3),
        PendingCertificate(UNKNOWN, None, FABRIKAM, "192.0.2.1", NOW - SECOND, NOW - SECOND, 1),
    )
    book.settle(UNKNOWN)
    assert book.pending() == ()


def test_import_makes_known(book: CertificateBook) -> None:
    """Of what waits it is told whether it is known by now; whether that settles it is for others to say."""
    certificate = parse(HOST.der)
    book.note_pending(certificate.certificate_pin, certificate.public_key_pin, WOODGROVE, "192.0.2.1", NOW)
    assert [one.is_known for one in book.pending()] == [False]
    book.add((certificate,), IMPORT, WOODGROVE, NOW)
    assert [one.is_known for one in book.pending()] == [True]


def test_flood_of_fingerprints_displaces_itself(path: Path) -> None:
    """The number of rows is bounded, and what came from elsewhere stays."""
    book = CertificateBook(path, pending=10)
    book.note_pending(UNKNOWN, None, WOODGROVE, "192.0.2.1", NOW)
    for number in range(50):
        flood = Pin.certificate(f"{number:064x}")
        book.note_pending(flood, None, WOODGROVE, "203.0.113.9", NOW + number * SECOND)
    kept = [pending.fingerprint for pending in book.pending()]
    assert len(kept) == 10
    assert UNKNOWN in kept
    assert Pin.certificate(f"{49:064x}") in kept


def test_broken_rows_are_set_aside(
    book: CertificateBook, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A row nobody can read, or of another certificate, is logged and hides nothing else."""
    other = ROOT.issue("other.test")
    for issued in (HOST, other):
        book.add(chain_of(issued), IMPORT, WOODGROVE, NOW)
    book.note_pending(UNKNOWN, None, WOODGROVE, "192.0.2.1", NOW)
    book.note_pending(Pin.certificate("00" * 32), None, WOODGROVE, "192.0.2.1", NOW)
    broken = parse(HOST.der).certificate_pin
    for content in (b"", b"\x30\x03abc", b"rubbish", other.der, None, 7, "text"):
        with sqlite3.connect(path) as rows:
            rows.execute("UPDATE pending SET fingerprint = 'zz' WHERE fingerprint = ?", (UNKNOWN.digest,))
            if content is not None:
                rows.execute(
                    "UPDATE chain SET certificates = ? WHERE fingerprint = ?", (content, broken.digest)
                )
        rows.close()
        caplog.clear()
        with caplog.at_level(logging.ERROR, "domain_secure"):
            if content is not None:
                assert book.chain(broken) is None
                assert f"certificate-set-aside certificate={broken.digest}" in caplog.text
            assert other.fingerprint in {known.chain[0].certificate_pin.digest for known in book.all()}
            assert [pending.fingerprint.digest for pending in book.pending()] == ["00" * 32]
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    assert book.chain(broken) == chain_of(HOST)


@pytest.mark.parametrize(
    "content", [b"this is no database, whatever its name" * 100, b"", b"SQLite format 3\0"]
)
def test_damaged_file_is_a_problem(
    book: CertificateBook, path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Reading and adding say what to mend; noting is for people only and is logged instead."""
    path.write_bytes(content)
    for act in (
        book.all,
        book.pending,
        lambda: book.chain(UNKNOWN),
        lambda: book.settle(UNKNOWN),
        lambda: book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW),
        book.find(CertificateQuery(UNKNOWN, (WOODGROVE,), "192.0.2.1")).result,
    ):
        with pytest.raises(Problem) as raised:
            act()
        assert raised.value.where == str(path)
        assert raised.value.fix
    with caplog.at_level(logging.ERROR, "domain_secure"):
        book.note_pending(UNKNOWN, None, WOODGROVE, "192.0.2.1", NOW)
    assert "pending-not-noted" in caplog.text


def test_damage_inside_is_a_problem(book: CertificateBook, path: Path) -> None:
    """Overwritten pages are told as damage."""
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    book.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(Problem, match="damaged"):
        book.all()


def test_missing_folder_is_made(tmp_path: Path) -> None:
    """The first import makes the state folder."""
    book = CertificateBook(tmp_path / "new" / "state" / FILE_NAME)
    assert book.all() == ()
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    assert len(book.all()) == 1


def test_a_file_in_the_way_is_a_problem(tmp_path: Path) -> None:
    """Nothing is known there, and nothing can be kept."""
    (tmp_path / "file").write_text("in the way")
    book = CertificateBook(tmp_path / "file" / FILE_NAME)
    assert book.all() == ()
    with pytest.raises(Problem, match="cannot use the certificate book"):
        book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)


def test_file_that_was_moved_away_is_begun_anew(book: CertificateBook, path: Path) -> None:
    """A running daemon keeps nothing in a file that has been replaced."""
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    path.rename(path.with_suffix(".old"))
    assert book.all() == ()
    book.note_pending(UNKNOWN, None, WOODGROVE, "192.0.2.1", NOW)
    assert len(CertificateBook(path).pending()) == 1


def test_file_is_private_to_owner_and_group(book: CertificateBook, path: Path) -> None:
    """Nobody else has any business there."""
    book.note_pending(UNKNOWN, None, WOODGROVE, "192.0.2.1", NOW)
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.stat().st_uid == path.parent.stat().st_uid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_file_belongs_to_the_owner_of_the_folder(book: CertificateBook, path: Path) -> None:
    """Root's import leaves nothing behind that the daemon's user cannot write."""
    os.chown(path.parent, 65534, 65534)
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    owners = {(file.stat().st_uid, file.stat().st_gid) for file in path.parent.iterdir()}
    assert len(list(path.parent.iterdir())) == 3  # the file, its log and the log's index
    assert owners == {(65534, 65534)}


def test_held_file_is_a_problem(book: CertificateBook, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that never ends is named, and the exit status says that it may be tried again."""
    monkeypatch.setattr("domain_secure.policy.book.book_file._BUSY_SECONDS", 0.05)
    book.note_pending(UNKNOWN, None, WOODGROVE, "192.0.2.1", NOW)
    book.close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Problem, match="held by another process") as raised:
        book.settle(UNKNOWN)
    assert raised.value.status is ExitStatus.NO_ANSWER
    assert len(book.pending()) == 1
    holder.close()
    book.settle(UNKNOWN)


def test_readers_do_not_wait_for_writers(book: CertificateBook, path: Path) -> None:
    """While another process holds the file and a thread of ours waits for it, messages find certificates."""
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=book.add, args=(chain_of(HOST), "probe", FABRIKAM, NOW))
    waiting.start()
    assert book.chain(parse(HOST.der).certificate_pin) == chain_of(HOST)
    assert len(book.all()) == 1
    assert waiting.is_alive()
    holder.close()
    waiting.join()
    assert len(book.all()[0].origins) == 2


def test_note_for_people_does_not_wait(
    book: CertificateBook, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The message that leaves it goes on where the file is held, and the log says so."""
    book.note_pending(UNKNOWN, None, WOODGROVE, "192.0.2.1", NOW)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        book.note_pending(UNKNOWN, None, WOODGROVE, "192.0.2.1", NOW)
    holder.close()
    assert caplog.text.count("held by another process") == 3
    assert [pending.count for pending in book.pending()] == [1]


def test_threads_share_one_book(book: CertificateBook) -> None:
    """Callbacks of many sessions write and read at once, and no count is lost."""

    def work(number: int) -> None:
        for _ in range(10):
            book.note_pending(UNKNOWN, None, WOODGROVE, f"192.0.2.{number}", NOW)
            book.pending()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [pending.count for pending in book.pending()] == [80]


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

book = CertificateBook(Path(sys.argv[1]), pending=100_000)
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    fingerprint = Pin.certificate(f"{number:064x}")
    book.note_pending(fingerprint, None, Entry("woodgrovebank.test"), "192.0.2.1", datetime.now(UTC))
    print(number, flush=True)
"""


def writer(path: Path, first: int, end: int) -> subprocess.Popen[str]:
    """Start a process that notes fingerprints and says so after each."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first), str(end)], stdout=subprocess.PIPE, text=True
    )


def test_processes_share_one_book(book: CertificateBook, path: Path) -> None:
    """Two processes that both begin with no file make one, and lose nothing."""
    started = [writer(path, 0, 40), writer(path, 40, 80)]
    for process in started:
        process.communicate(timeout=DEADLINE)
    assert [process.returncode for process in started] == [0, 0]
    assert len(book.pending()) == 80


def test_killed_writer_loses_nothing_it_has_told(book: CertificateBook, path: Path) -> None:
    """After ``kill -9`` at any moment all acknowledged rows are there, and the file is whole."""
    process = writer(path, 0, 1_000_000)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(20)]
    process.kill()
    told += [int(line) for line in process.stdout.read().splitlines()]
    process.wait()
    process.stdout.close()
    kept = {int(pending.fingerprint.digest, 16) for pending in book.pending()}
    assert kept >= set(told)
    check = sqlite3.connect(path)
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


def test_last_probes_are_those_of_servers(book: CertificateBook) -> None:
    """By list entry; an import is no probe."""
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    assert book.last_probes() == {}
    for hours in (2, 1, 3):
        seen = NOW + timedelta(hours=hours)
        book.add(chain_of(HOST), f"{PROBE} mail.woodgrovebank.test[192.0.2.{hours}]", WOODGROVE, seen)
    assert book.last_probes() == {WOODGROVE: NOW + timedelta(hours=3)}


def test_origins_of_a_certificate_are_bounded(book: CertificateBook) -> None:
    """Seen at any number of servers, a certificate keeps the last places, and its import."""
    book.add(chain_of(HOST), IMPORT, WOODGROVE, NOW)
    for number in range(100):
        book.add(chain_of(HOST), f"{PROBE} [192.0.2.{number}]", WOODGROVE, NOW + timedelta(seconds=number))
    (known,) = book.all()
    sources = [origin.source for origin in known.origins]
    assert sources[0] == IMPORT
    assert sources[1:] == [f"{PROBE} [192.0.2.{number}]" for number in range(36, 100)]

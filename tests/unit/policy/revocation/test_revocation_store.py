"""Lists and answers on disk: found again, bounded, and never half."""

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain_secure.policy.revocation.revocation import Location
from domain_secure.policy.revocation.revocation_store import RevocationStore
from domain_secure.policy.terms.problems import Problem

from lab.certificates import Authority
from lab.revocations import ocsp_answer, revocation_list

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AUTHORITY = Authority.create("Lab Root")
LIST = revocation_list(AUTHORITY)
ANSWER = ocsp_answer(AUTHORITY.issue("a.test"), AUTHORITY)
LISTS = Location("http://crl.lab.test/root.crl")
RESPONDER = Location("http://ocsp.lab.test/", b"the request")


@pytest.fixture
def store(tmp_path: Path) -> RevocationStore:
    """Return an empty store."""
    return RevocationStore(tmp_path / "revocation")


def test_what_is_put_is_found_again(store: RevocationStore) -> None:
    """Lists and answers come back as they were, under their location and no other."""
    assert store.get(LISTS) is None
    assert list(store.all()) == []
    store.put(LISTS, LIST, NOW)
    store.put(RESPONDER, ANSWER, NOW)
    found = RevocationStore(store.folder).get(LISTS)
    assert found is not None
    assert (found.url, found.fetched, found.statements[0].der) == (LISTS.url, NOW, LIST)
    answer = store.get(RESPONDER)
    assert answer is not None
    assert answer.statements[0].der == ANSWER
    assert store.get(Location(RESPONDER.url, b"another request")) is None
    assert {one.url for one in store.all()} == {LISTS.url, RESPONDER.url}


def test_the_new_replaces_the_old(store: RevocationStore) -> None:
    """One file for each location."""
    store.put(LISTS, LIST, NOW)
    newer = revocation_list(AUTHORITY, 5, number=2)
    store.put(LISTS, newer, NOW + timedelta(hours=1))
    assert [one.statements[0].der for one in store.all()] == [newer]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"{}\n",
        b"[]\n",
        b"null\n" + LIST,
        b"\xff\xfe\n",
        b'{"url": "x", "answers": false, "fetched": "yesterday"}\n' + LIST,
        b'{"url": "x", "answers": false, "fetched": "2026-11-24T12:00:00+00:00"}\n' + LIST[:-1],
        b'{"url": "x", "answers": true, "fetched": "2026-11-24T12:00:00+00:00"}\n' + LIST,
        b"{" * 100000,
    ],
)
def test_broken_file_is_set_aside(
    store: RevocationStore, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It counts as absent, with a log line; the others stay in use, and the next fetch replaces it."""
    store.put(RESPONDER, ANSWER, NOW)
    (store.folder / LISTS.file_name).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert store.get(LISTS) is None
    assert f"revocation-set-aside file={LISTS.file_name}" in caplog.text
    assert [one.url for one in store.all()] == [RESPONDER.url]
    store.put(LISTS, LIST, NOW)
    assert store.get(LISTS) is not None


def test_it_is_bounded(tmp_path: Path) -> None:
    """By octets and by files; what was written longest ago gives way."""
    few = RevocationStore(tmp_path / "few", files=3)
    small = RevocationStore(tmp_path / "small", octets=2 * len(LIST) + 400)
    for number in range(6):
        location = Location(f"http://crl.lab.test/{number}.crl")
        for store in (few, small):
            store.put(location, LIST, NOW)
            os.utime(store.folder / location.file_name, (number, number))
    assert sorted(one.url[-5] for one in few.all()) == ["3", "4", "5"]
    assert sorted(one.url[-5] for one in small.all()) == ["4", "5"]


def test_tidying(store: RevocationStore) -> None:
    """What nobody has fetched for long goes, and so does what a killed writer left."""
    store.tidy(NOW)
    store.put(LISTS, LIST, NOW)
    store.put(RESPONDER, ANSWER, NOW)
    os.utime(store.folder / RESPONDER.file_name, (0, 0))
    (store.folder / f".{LISTS.file_name}.x1").write_bytes(b"half")
    store.tidy(datetime.fromtimestamp(1000, UTC))
    assert [path.name for path in store.folder.iterdir()] == [LISTS.file_name]


def test_failing_to_write_is_a_problem(tmp_path: Path) -> None:
    """The operator learns what to mend."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Problem, match="cannot keep"):
        RevocationStore(tmp_path / "file").put(LISTS, LIST, NOW)


_WRITER = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from domain_secure.policy.revocation.revocation import Location
from domain_secure.policy.revocation.revocation_store import RevocationStore
store = RevocationStore(Path(sys.argv[1]))
content = Path(sys.argv[2]).read_bytes()
print("ready", flush=True)
while True:
    store.put(Location("http://crl.lab.test/root.crl"), content, datetime.now(UTC))
"""


def test_killing_the_writer_leaves_a_whole_file(store: RevocationStore, tmp_path: Path) -> None:
    """``kill -9`` at any instant: the old file or the new one."""
    (tmp_path / "list").write_bytes(LIST)
    for _ in range(3):
        command = [sys.executable, "-c", _WRITER, str(store.folder), str(tmp_path / "list")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            while store.get(LISTS) is None:
                pass
            writer.kill()
        found = store.get(LISTS)
        assert found is not None
        assert found.statements[0].der == LIST

"""Lists and answers on disk: found again, bounded, and never half."""

import logging
import os
import stat
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
    with pytest.raises(Problem) as raised:
        RevocationStore(tmp_path / "file").put(LISTS, LIST, NOW)
    assert raised.value.what == "cannot keep what a revocation list or responder says (File exists)"
    assert raised.value.where == f"{tmp_path}/file"
    assert (
        raised.value.fix == "make it writable for the user of the daemon, and see that the disk is not full"
    )


HEADER = b'{"url": "http://a.test/", "answers": false, "fetched": "2026-11-24T12:00:00+00:00"}\n'
HEADER_TIME = datetime(2026, 11, 24, 12, tzinfo=UTC)


def name_of(number: int) -> str:
    """Return the name of a file that a store may have."""
    return f"{number:040x}.statement"


def test_bounds_themselves_are_kept(tmp_path: Path) -> None:
    """As many octets, and as many files, as there may be; the newest one stays however large it is."""
    store = RevocationStore(tmp_path / "one")
    store.put(LISTS, LIST, NOW)
    (file,) = store.folder.iterdir()
    size = file.stat().st_size
    for octets, kept in ((2 * size, 2), (2 * size - 1, 1), (size - 1, 1)):
        bounded = RevocationStore(tmp_path / f"{octets}", octets=octets, files=2)
        for number in (1, 2):
            location = Location(f"http://crl.lab.test/roo{number}.crl")
            bounded.put(location, LIST, NOW)
            os.utime(bounded.folder / location.file_name, (number, number))
        bounded.put(location, LIST, NOW)
        assert [one.url[-5] for one in bounded.all()].count("2") == 1
        assert len(list(bounded.folder.iterdir())) == kept
    (bounded.folder / ".half").write_bytes(b"x" * 9999)
    bounded.put(location, LIST, NOW)
    assert (bounded.folder / ".half").exists(), "what is no statement is for tidying"


def test_who_may_read(tmp_path: Path) -> None:
    """Commands of everybody do; the folder is made once."""
    umask = os.umask(0)
    try:
        store = RevocationStore(tmp_path / "revocation")
        store.put(LISTS, LIST, NOW)
        store.put(LISTS, LIST, NOW)
        store.take_from_another(name_of(1), HEADER)
        store.take_from_another(name_of(2), HEADER)
    finally:
        os.umask(umask)
    for folder in tmp_path.iterdir():
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_what_is_wanted_stays(store: RevocationStore) -> None:
    """Touching moves it away from what gives way first; what is not there is not made."""
    store.touch(LISTS, NOW)
    store.put(LISTS, LIST, NOW)
    store.touch(LISTS, NOW)
    (file,) = store.folder.iterdir()
    assert (file.stat().st_mtime, file.stat().st_atime) == (NOW.timestamp(), NOW.timestamp())
    store.tidy(NOW)
    assert file.exists()
    store.tidy(NOW + timedelta(seconds=1))
    assert not file.exists()


def test_length_of_a_header(store: RevocationStore) -> None:
    """It ends within eight KiB, or it is none."""
    store.put(LISTS, LIST, NOW)
    for octets, is_read in ((8192, True), (8193, False)):
        long = HEADER.rstrip() + b" " * (octets - len(HEADER)) + b"\n"
        assert len(long) == octets
        (store.folder / LISTS.file_name).write_bytes(long + LIST)
        assert (store.get(LISTS) is not None) is is_read


def test_what_is_set_aside_says_why(store: RevocationStore, caplog: pytest.LogCaptureFixture) -> None:
    """A word for the operator, as far as there is one."""
    store.put(LISTS, LIST, NOW)
    file = store.folder / LISTS.file_name
    file.write_bytes(b"nothing")
    store.get(LISTS)
    file.unlink()
    file.mkdir()
    assert store.get(LISTS) is None
    file.rmdir()
    file.touch()
    os.truncate(file, 65 * 1024 * 1024)
    assert store.get(LISTS) is None
    assert [record.getMessage() for record in caplog.records] == [
        f'revocation-set-aside file={LISTS.file_name} detail="it has no header"',
        f'revocation-set-aside file={LISTS.file_name} detail="Is a directory"',
        f'revocation-set-aside file={LISTS.file_name} detail="File too large"',
    ]
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_what_is_shared_with_others(store: RevocationStore) -> None:
    """Each whole file with its time, in order, up to half a mebibyte; what is none is passed over."""
    assert list(store.own_files()) == []
    store.put(LISTS, LIST, NOW)
    for number, content in enumerate(
        (HEADER + b"x" * (512 * 1024 - len(HEADER)), HEADER + b"x" * (512 * 1024), b"{}\n", b"[]\n", b"x\n")
    ):
        (store.folder / name_of(number)).write_bytes(content)
    (store.folder / "other").write_bytes(HEADER)
    (store.folder / name_of(9)).mkdir()
    names = [name_of(0), LISTS.file_name]
    assert [(name, fetched) for name, fetched, _ in store.own_files()] == [
        (name, {names[0]: HEADER_TIME, names[1]: NOW}[name]) for name in sorted(names)
    ]
    content = {name: octets for name, _, octets in store.own_files()}
    assert content[LISTS.file_name] == (store.folder / LISTS.file_name).read_bytes()


def test_what_comes_from_others(tmp_path: Path, store: RevocationStore) -> None:
    """It is kept apart, found under its location, and its octets are as they came."""
    other = RevocationStore(tmp_path / "other")
    other.put(LISTS, LIST, NOW)
    ((name, _, content),) = other.own_files()
    assert store.from_others(LISTS) is None
    assert store.take_from_another(name, content) == NOW
    assert store.from_others(LISTS) == LIST
    assert store.from_others(RESPONDER) is None
    assert store.get(LISTS) is None
    file = tmp_path / "revocation-fleet" / name
    for broken in (b"x", b"{}\n", b"[]\n", b"null\n"):
        file.write_bytes(broken)
        assert store.from_others(LISTS) is None


@pytest.mark.parametrize("octets", [512 * 1024, 512 * 1024 + 1])
def test_how_much_is_taken_from_others(store: RevocationStore, octets: int) -> None:
    """Half a mebibyte of a file."""
    store.folder.parent.mkdir(exist_ok=True)
    content = HEADER + b"x" * (octets - len(HEADER))
    taken = store.take_from_another(name_of(1), content)
    assert taken == (HEADER_TIME if octets == 512 * 1024 else None)


@pytest.mark.parametrize("content", [b"{}\n", b"[]\n", b"x", b'{"fetched": 3}\n'])
def test_what_is_not_taken_from_others(store: RevocationStore, content: bytes) -> None:
    """What has no time when it was fetched."""
    assert store.take_from_another(name_of(1), content) is None


def test_how_many_are_taken_from_others(tmp_path: Path, store: RevocationStore) -> None:
    """Five hundred files; what came longest ago gives way."""
    folder = tmp_path / "revocation-fleet"
    folder.mkdir()
    for number in range(498):
        (folder / name_of(number)).write_bytes(HEADER)
        os.utime(folder / name_of(number), (999 - number, 999 - number))
    for number in range(498, 503):
        assert store.take_from_another(name_of(number), HEADER) is not None
        os.utime(folder / name_of(number), (999 + number, 999 + number))
        kept = {path.name for path in folder.iterdir()}
        gone = {name_of(one) for one in range(497, 497 - max(0, number - 499), -1)}
        assert kept == {name_of(one) for one in range(number + 1)} - gone


def test_all_of_it(store: RevocationStore) -> None:
    """Files of another name are none of ours."""
    store.put(LISTS, LIST, NOW)
    (store.folder / "copy.crl").write_bytes((store.folder / LISTS.file_name).read_bytes())
    (store.folder / name_of(1)).write_bytes(b"broken")
    store.put(RESPONDER, ANSWER, NOW)
    assert {one.url for one in store.all()} == {LISTS.url, RESPONDER.url}


def test_tidying_goes_on_for_every_file(store: RevocationStore) -> None:
    """One that stays does not keep the others."""
    for number in range(6):
        location = Location(f"http://crl.lab.test/{number}.crl")
        store.put(location, LIST, NOW)
        os.utime(store.folder / location.file_name, (number, number))
    store.tidy(datetime.fromtimestamp(3, UTC))
    assert sorted(one.url[-5] for one in store.all()) == ["3", "4", "5"]


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

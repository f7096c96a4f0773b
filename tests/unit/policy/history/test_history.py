"""The history: what was written is found again, and stays within its bounds."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain_secure.policy.certificates.certificate import read_certificates
from domain_secure.policy.configuration.configuration import Retention
from domain_secure.policy.history.history import History, RecordQuery
from domain_secure.policy.history.history_file import FILE_NAME, UnusableHistoryError
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem

from lab.certificates import Authority
from unit.policy.builders import FINGERPRINT, NOW, WOODGROVE
from unit.policy.history_items import item

KEEP = Retention(days=30, summary_days=60, megabytes=8)
ALL = RecordQuery()
LONG_AGO = NOW - timedelta(days=400)


@pytest.fixture
def writer(tmp_path: Path) -> HistoryWriter:
    """Return the writer of an empty history."""
    return HistoryWriter(tmp_path / FILE_NAME)


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Return the reader of the same history."""
    return History(tmp_path)


def is_open(path: Path) -> bool:
    """Tell whether this process holds a file open."""
    links = [one for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    return path in [one.readlink() for one in links]


def numbers(history: History, query: RecordQuery = ALL) -> list[int]:
    """Return which records were found."""
    return [one.document["number"] for one in history.records(query)]


def test_without_a_file_there_is_nothing(history: History) -> None:
    """An edge that has seen no listed mail has an empty history, which is no error."""
    assert not list(history.records())
    assert not history.hourly(LONG_AGO, NOW)
    assert not history.outcomes(Direction.RECEIVE)
    assert not history.latest()
    assert not history.sightings(LONG_AGO)
    assert history.span() is None
    assert history.last_number() == 0


def test_records_come_back_as_written(writer: HistoryWriter, history: History) -> None:
    """Everything that was written about a message is found again, oldest first."""
    writer.write([item(1), item(2, good=False)])
    first, second = history.records()
    assert (first.time, first.queue_id, first.outcome) == (NOW + timedelta(seconds=1), "Q1", "pass")
    assert (second.direction, second.kind, second.document) == (
        Direction.RECEIVE,
        "decision",
        {"number": 2},
    )
    assert history.span() == (first.time, second.time)
    assert history.last_number() == second.number


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (RecordQuery(), [1, 2, 3]),
        (RecordQuery(entries=("fabrikam.test",)), [2]),
        (RecordQuery(entries=("fabrikam.test", WOODGROVE)), [1, 2, 3]),
        (RecordQuery(outcomes=("no-tls",)), [2]),
        (RecordQuery(queue_id="Q3"), [3]),
        (RecordQuery(direction=Direction.SEND), [3]),
        (RecordQuery(since=NOW + timedelta(seconds=2)), [2, 3]),
        (RecordQuery(until=NOW + timedelta(seconds=2)), [1]),
        (RecordQuery(after=1), [2, 3]),
        (RecordQuery(outcomes=("pass",), entries=(WOODGROVE,), direction=Direction.RECEIVE), [1]),
    ],
)
def test_questions(writer: HistoryWriter, history: History, query: RecordQuery, found: list[int]) -> None:
    """Each condition narrows the records down, and several do together."""
    writer.write([item(1), item(2, "fabrikam.test", good=False), item(3, direction=Direction.SEND)])
    assert numbers(history, query) == found
    assert [one.document["number"] for one in history.last_records(query, 1)] == found[-1:]


def test_many_records_come_page_by_page(writer: HistoryWriter, history: History) -> None:
    """More records than are read at once come complete and in order."""
    writer.write([item(number) for number in range(1201)])
    assert numbers(history) == list(range(1201))


def test_hours_count_every_message(writer: HistoryWriter, history: History) -> None:
    """An hour sums up what was the same in it, whether or not the log kept it."""
    writer.write([item(1), item(2, good=False), item(3, counted_only=True)])
    writer.write([item(4), item(3600)])
    found = history.hourly(NOW - timedelta(days=1), NOW + timedelta(days=1), WOODGROVE)
    assert {(one.hour, one.outcome, one.count) for one in found} == {
        (NOW, "pass", 3),
        (NOW, "no-tls", 1),
        (NOW + timedelta(hours=1), "pass", 1),
    }
    assert numbers(history) == [1, 2, 4, 3600]
    assert not history.hourly(NOW, NOW)


def test_outcomes_are_those_of_all_hours_together(writer: HistoryWriter, history: History) -> None:
    """However many hours there are, each outcome with a partner in one direction is one number."""
    times = [NOW - timedelta(hours=hours) for hours in range(50)]
    writer.write([item(time=time, counted_only=True) for time in times])
    writer.write([item(good=False, time=time) for time in times[:3]])
    writer.write([item(direction=Direction.SEND)])
    assert history.outcomes(Direction.RECEIVE) == {
        (WOODGROVE, "pass", "accept"): 50,
        (WOODGROVE, "no-tls", "reject"): 3,
    }


def test_latest_of_each_partner(writer: HistoryWriter, history: History) -> None:
    """The last success and the last failure are known without looking through the records."""
    writer.write([item(1), item(2, good=False), item(3)])
    writer.write([item(4, good=False), item(5, "fabrikam.test")])
    assert {(one.entry, one.is_success): one.queue_id for one in history.latest()} == {
        (WOODGROVE, True): "Q3",
        (WOODGROVE, False): "Q4",
        ("fabrikam.test", True): "Q5",
    }


def test_certificates_and_their_use(writer: HistoryWriter, history: History) -> None:
    """A certificate is kept once, and how often it passed and failed is counted."""
    pem = Authority.create("CA").issue("mail.woodgrovebank.test").certificate_pem
    (certificate,) = read_certificates(pem)[:1]
    writer.write([item(1, certificates=(certificate,)), item(2, certificates=(certificate,))])
    writer.write([item(3, good=False)])
    assert history.certificates([certificate.certificate_pin, FINGERPRINT]) == {
        certificate.certificate_pin: certificate
    }
    (sighting,) = history.sightings(NOW)
    assert (sighting.fingerprint, sighting.passed, sighting.failed) == (FINGERPRINT, 2, 0)
    assert sighting.certificate is None


def test_old_records_go_before_old_hours(writer: HistoryWriter, history: History) -> None:
    """Records end with ``days``, hours with ``summary_days``."""
    writer.write([item(1, time=NOW - timedelta(days=days)) for days in (61, 31, 29)])
    while writer.prune(KEEP, NOW):
        pass
    assert len(numbers(history)) == 1
    assert len(history.hourly(LONG_AGO, NOW)) == 2


def test_hours_outlive_records_whatever_is_configured(writer: HistoryWriter, history: History) -> None:
    """Counts that cover less than the records would make a report disagree with itself."""
    writer.write([item(1, time=NOW - timedelta(days=20))])
    writer.prune(Retention(days=30, summary_days=1, megabytes=8), NOW)
    assert len(history.hourly(LONG_AGO, NOW)) == 1


def test_size_is_bounded(writer: HistoryWriter, history: History, tmp_path: Path) -> None:
    """Beyond ``megabytes`` the oldest records give way, the counts stay, and the file shrinks again."""
    bulk = "x" * 600
    writer.write([replace(item(one), document={"number": one, "bulk": bulk}) for one in range(20000)])
    while writer.prune(KEEP, NOW):
        pass
    left = numbers(history)
    assert 0 < len(left) < 20000
    assert left[-1] == 19999
    assert sum(one.count for one in history.hourly(NOW, NOW + timedelta(days=1))) == 20000
    writer.close()
    for _ in range(3):
        writer.prune(KEEP, NOW)
    writer.close()
    assert (tmp_path / FILE_NAME).stat().st_size < 10 * 1024 * 1024


def test_strangers_certificates_do_not_displace_the_partners(writer: HistoryWriter, history: History) -> None:
    """However many certificates are shown in a partner's name, the ones that passed stay."""
    writer.write([item(1)])
    for number in range(150):
        failed = item(2 + number, good=False)
        pin = Pin.certificate(f"{number:064x}")
        writer.write([replace(failed, counts=(replace(failed.counts[0], certificate=pin),))])
    found = history.sightings(NOW)
    assert len(found) == 100
    assert any(one.passed for one in found)


def test_only_owner_and_root_may_read(writer: HistoryWriter, tmp_path: Path) -> None:
    """Neither the file nor what SQLite keeps beside it is open to others."""
    writer.write([item(1)])
    for path in tmp_path.glob(f"{FILE_NAME}*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_reader_does_not_hold_up_the_writer(writer: HistoryWriter, history: History) -> None:
    """Records can be written while somebody reads, and the reader sees what was there when it asked."""
    writer.write([item(number) for number in range(3)])
    reading = history.records()
    next(reading)
    writer.write([item(4)])
    assert history.last_number() == 4


_WRITES_FOR_EVER = """\
import sys
from pathlib import Path
from domain_secure.policy.history.history_writer import HistoryWriter
from unit.policy.history_items import item
writer = HistoryWriter(Path(sys.argv[1]))
number = 0
while True:
    writer.write([item(number), item(number + 1), item(number + 2)])
    number += 3
    print(number, flush=True)
"""


def test_killed_while_writing(history: History, tmp_path: Path) -> None:
    """``kill -9`` at any moment leaves whole batches, all that were reported, and a history in order."""
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", _WRITES_FOR_EVER, str(history.path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=tmp_path,
    ) as process:
        assert process.stdout is not None
        reported = 0
        while reported < 300:
            reported = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait()
        reported = max([reported, *map(int, process.stdout.read().split())])
    found = numbers(history)
    assert found == list(range(len(found)))
    assert len(found) >= reported
    assert len(found) % 3 == 0
    with sqlite3.connect(history.path) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    opened.close()


def test_damage_is_told_apart(writer: HistoryWriter, history: History, tmp_path: Path) -> None:
    """What is no history is a Problem for readers and has to be set aside by the writer; then it goes on."""
    history.path.write_bytes(b"not a database" * 1000)
    with pytest.raises(Problem, match="damaged"):
        list(history.records())
    with pytest.raises(UnusableHistoryError):
        writer.write([item(1)])
    aside = writer.set_aside()
    writer.write([item(1)])
    assert numbers(history) == [1]
    assert aside.read_bytes().startswith(b"not a database")
    assert aside.parent == tmp_path


def test_another_format_is_set_aside(writer: HistoryWriter, history: History) -> None:
    """A history that a later version wrote is neither read nor changed."""
    writer.write([item(1)])
    with sqlite3.connect(history.path) as opened:
        opened.execute("PRAGMA user_version = 99")
    opened.close()
    writer.close()
    with pytest.raises(Problem, match="format 99") as raised:
        list(history.records())
    with pytest.raises(UnusableHistoryError):
        writer.write([item(2)])
    assert not is_open(history.path), raised.value


def test_a_writer_that_is_dropped_closes_its_file(writer: HistoryWriter, tmp_path: Path) -> None:
    """Nobody else would: the connection of one that was not closed would be left to chance."""
    dropped = HistoryWriter(tmp_path / "dropped" / FILE_NAME)
    dropped.write([item(1)])
    assert is_open(dropped.path)
    path = dropped.path
    del dropped
    assert not is_open(path)
    assert not is_open(writer.path)


def test_a_file_that_was_moved_away(writer: HistoryWriter, history: History) -> None:
    """After somebody moved the file away the next batch starts a new one."""
    writer.write([item(1)])
    history.path.rename(history.path.with_name("old"))
    writer.write([item(2)])
    assert numbers(history) == [2]


def test_activity(writer: HistoryWriter, history: History) -> None:
    """By hour, by direction, and by success; of the partners that are named, or of all together."""
    later = NOW + timedelta(hours=2)
    writer.write(
        [
            item(1),
            item(2, good=False),
            item(3, "b.test"),
            item(4, "b.test", time=later),
            item(5, direction=Direction.SEND),
        ]
    )

    def found(*entries: str) -> list[tuple[int, str, str | None, bool, int]]:
        start = NOW.replace(minute=0, second=0, microsecond=0)
        return sorted(
            (
                int((one.hour - start) / timedelta(hours=1)),
                str(one.direction),
                one.entry,
                one.is_success,
                one.count,
            )
            for one in history.activity(start, start + timedelta(hours=3), tuple(map(Entry, entries)))
        )

    assert found() == [
        (0, "receive", None, False, 1),
        (0, "receive", None, True, 2),
        (0, "send", None, True, 1),
        (2, "receive", None, True, 1),
    ]
    assert found("b.test", "nobody.test") == [
        (0, "receive", "b.test", True, 1),
        (2, "receive", "b.test", True, 1),
    ]
    assert history.activity(LONG_AGO, LONG_AGO + timedelta(days=1)) == ()

"""The history beside the daemon: bad files and full disks cost records, never the daemon."""

import sqlite3
from pathlib import Path

import pytest

from domain_secure.milter.record.history_keeper import HistoryKeeper
from domain_secure.policy.configuration.configuration import DEFAULT_RETENTION, LogLevel, Retention
from domain_secure.policy.history.history import History, RecordQuery
from domain_secure.policy.history.history_file import FILE_NAME
from domain_secure.policy.terms.event import Event

from unit.policy.history_items import record


class Kept:
    """A keeper with its history, what it logged and what it lost."""

    def __init__(self, folder: Path, retention: Retention = DEFAULT_RETENTION) -> None:
        self.history = History(folder)
        self.logged: list[Event] = []
        self.lost: list[int] = []
        self.level = LogLevel.NORMAL
        self.keeper = HistoryKeeper(
            folder / FILE_NAME,
            lambda _: self.level,
            lambda: retention,
            self.logged.append,
            self.lost.append,
        )

    def queue_ids(self) -> list[str]:
        """Return whose records are there."""
        return [one.queue_id for one in self.history.records()]

    def words(self) -> list[str]:
        """Return which lines were logged."""
        return [event.word for event in self.logged]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a keeper of an empty history."""
    return Kept(tmp_path)


def test_records_are_kept(kept: Kept) -> None:
    """What is handed over is in the history."""
    kept.keeper.consume([record(queue_id="Q1"), record("evil.test", queue_id="Q2")])
    assert kept.queue_ids() == ["Q1", "Q2"]
    assert not kept.logged


def test_a_level_of_off_keeps_the_count(kept: Kept) -> None:
    """With the log off there is no record, and the hour knows of it."""
    kept.level = LogLevel.OFF
    kept.keeper.consume([record()])
    assert kept.queue_ids() == []
    assert [one.outcome for one in kept.history.latest()] == ["pass"]


def test_a_damaged_file_makes_way(kept: Kept) -> None:
    """A history that turns out to be damaged is set aside with a line, and the batch is in the new one."""
    kept.history.path.write_bytes(b"nonsense" * 1000)
    kept.keeper.consume([record()])
    assert kept.queue_ids() == ["Q1"]
    assert kept.words() == ["history-set-aside"]
    assert not kept.lost


def test_damage_while_running(kept: Kept) -> None:
    """Damage of the open file is found out and survived, whichever page it is on."""
    kept.keeper.consume([record(queue_id=f"Q{number}") for number in range(500)])
    kept.keeper.close()
    content = kept.history.path.read_bytes()
    kept.history.path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    kept.keeper.consume([record(queue_id="Q500")])
    assert kept.queue_ids() == ["Q500"]
    assert kept.words() == ["history-set-aside"]


def test_another_format_makes_way(kept: Kept) -> None:
    """What a later version wrote is kept beside, not overwritten."""
    kept.keeper.consume([record()])
    kept.keeper.close()
    with sqlite3.connect(kept.history.path) as opened:
        opened.execute("PRAGMA user_version = 7")
    opened.close()
    kept.keeper.consume([record(queue_id="Q2")])
    assert kept.queue_ids() == ["Q2"]
    assert "format 7" in str(kept.logged[0])


def test_a_folder_that_is_in_the_way(kept: Kept) -> None:
    """Where nothing can be written the loss is counted each time and said once, also when it is over."""
    kept.history.path.mkdir()
    kept.keeper.consume([record(), record()])
    kept.keeper.consume([record()])
    assert kept.lost == [2, 1]
    assert kept.words() == ["history-failed"]
    kept.history.path.rmdir()
    kept.keeper.consume([record(queue_id="Q9")])
    assert kept.queue_ids() == ["Q9"]
    assert kept.words() == ["history-failed", "history-resumed"]


def test_a_flood_stays_within_the_bound(tmp_path: Path) -> None:
    """More records within a minute than fit do not wait for the minute to be over."""
    kept = Kept(tmp_path, Retention(days=90, summary_days=90, megabytes=8))
    kept.level = LogLevel.VERBOSE
    for start in range(0, 24_000, 500):
        kept.keeper.consume([record(queue_id=f"Q{start + number}") for number in range(500)])
    kept.keeper.close()
    assert kept.history.path.stat().st_size < 16 * 1024 * 1024
    assert next(iter(kept.history.last_records(RecordQuery(), 1))).queue_id == "Q23999"


def test_quiet_moments_without_a_file(kept: Kept) -> None:
    """An edge without listed mail gets no file."""
    kept.keeper.consume([])
    assert not kept.history.path.exists()

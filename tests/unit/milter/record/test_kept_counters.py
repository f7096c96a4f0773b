"""Counters over a restart: what was shown is shown again, whatever became of daemon and history."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain_secure.milter.metrics.inbound_metrics import LOST_HISTORY
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.milter.record import kept_counters
from domain_secure.milter.record.history_keeper import Beside, HistoryKeeper
from domain_secure.milter.record.recorder import Recorder
from domain_secure.policy.claims.budget import Unreadable
from domain_secure.policy.configuration.configuration import DEFAULT_RETENTION, LogLevel
from domain_secure.policy.decision.decision import NOT_LISTED
from domain_secure.policy.history.history import History
from domain_secure.policy.history.history_file import FILE_NAME
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.record.observed import Observed
from domain_secure.policy.terms.event import Event

from unit.policy.builders import configuration
from unit.policy.history_items import item, record

MAIL = "domain_secure_messages_received", "domain_secure_inbound_refusals"


class Daemon:
    """What counts and keeps, as the daemon composes it."""

    def __init__(self, state: Path) -> None:
        self.logged: list[Event] = []
        self.metrics = Metrics()
        kept_counters.resume(self.metrics, replace(configuration(), state=state), self.logged.append)
        keeper = HistoryKeeper(
            state / FILE_NAME,
            lambda *_: LogLevel.NORMAL,
            lambda: DEFAULT_RETENTION,
            self.logged.append,
            lambda number: self.metrics.count_lost(LOST_HISTORY, number),
            Beside(self.metrics.inbound.counted),
        )
        self.recorder: Recorder[Observed] = Recorder((keeper,), lambda _: None)
        self.recorder.start()

    def receive(self, name: str) -> None:
        """Take a message whose certificate is for *name*."""
        taken = record(name)
        self.metrics.observe(taken.decision, 0.001)
        self.recorder.observe(taken)

    def told(self) -> list[str]:
        """Return the lines that somebody who asks is told, of what is counted."""
        text = kept_counters.told(self.metrics, self.recorder).decode()
        return sorted(line for line in text.splitlines() if "_total" in line and line[0] != "#")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Return a daemon that has received something of each kind."""
    found = Daemon(tmp_path)
    for name in ("mail.woodgrovebank.test", "mail.woodgrovebank.test", "evil.test"):
        found.receive(name)
    found.metrics.observe(NOT_LISTED, 0.0)
    found.metrics.count_unreadable(Unreadable.TOO_MUCH)
    yield found
    found.recorder.stop()


def test_what_was_told_is_told_after_a_crash(daemon: Daemon, tmp_path: Path) -> None:
    """A daemon after one that was killed shows every number that was shown, and goes on from it."""
    before = daemon.told()
    assert any(line.startswith(f"{MAIL[0]}_total") and line.endswith(" 2") for line in before)
    after = Daemon(tmp_path)
    assert after.told() == before
    after.receive("mail.woodgrovebank.test")
    assert 'domain_secure_messages_received_total{domain="woodgrovebank.test"} 3' in after.told()
    assert (
        after.metrics.inbound.counted(everything=True).since
        == daemon.metrics.inbound.counted(everything=True).since
    )
    after.recorder.stop()


def test_an_entry_that_is_listed_again_goes_on(daemon: Daemon, tmp_path: Path) -> None:
    """What is not listed is not shown, at the start and after a change, and nothing of it is lost."""
    before = daemon.told()
    listed = frozenset({"woodgrovebank.test"})
    daemon.metrics.inbound.list_changed(listed, frozenset())
    assert not [line for line in daemon.told() if "woodgrove" in line]
    metrics = Metrics()
    metrics.inbound.resume(History(tmp_path).counted(), frozenset())
    assert b"woodgrove" not in metrics.exposition()
    daemon.metrics.inbound.list_changed(frozenset(), listed)
    assert daemon.told() == before


def test_a_history_that_goes_away_gets_all_numbers_again(daemon: Daemon, tmp_path: Path) -> None:
    """The file is deleted under a running daemon: the next look puts every sum into the new one."""
    before = daemon.told()
    (tmp_path / FILE_NAME).unlink()
    assert daemon.told() == before
    assert Daemon(tmp_path).told() == before


def test_a_history_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """The counters begin at 0 then, and the log says so."""
    (tmp_path / FILE_NAME).write_bytes(b"nonsense" * 1000)
    assert [event.word for event in Daemon(tmp_path).logged] == ["counted-anew"]


def test_hours_stand_for_sums_that_were_not_kept(tmp_path: Path) -> None:
    """With a history of a version that kept no sums, they are those of its hours, from the first one on."""
    writer = HistoryWriter(tmp_path / FILE_NAME)
    writer.write([item(1), item(2), item(3, good=False)])
    writer.close()
    daemon = Daemon(tmp_path)
    assert [line for line in daemon.told() if line.startswith(MAIL)] == [
        'domain_secure_inbound_refusals_total{domain="woodgrovebank.test",reason="no-tls"} 1',
        'domain_secure_messages_received_total{domain="woodgrovebank.test"} 2',
    ]
    assert daemon.metrics.inbound.counted(everything=True).since == History(tmp_path).first_hour()
    daemon.recorder.stop()


def test_sums_that_could_not_be_kept_are_kept_later(tmp_path: Path) -> None:
    """While the file cannot be written, records are lost; the sums are in it with the next that can."""
    counted = Metrics()
    busy = threading.Event()
    keeper = HistoryKeeper(
        tmp_path / FILE_NAME,
        lambda *_: LogLevel.NORMAL,
        lambda: DEFAULT_RETENTION,
        lambda _: None,
        lambda _: busy.set(),
        Beside(counted.inbound.counted),
    )
    (tmp_path / FILE_NAME).mkdir()
    taken = record("mail.woodgrovebank.test")
    counted.observe(taken.decision, 0.001)
    keeper.consume([taken])
    assert busy.is_set()
    (tmp_path / FILE_NAME).rmdir()
    keeper.consume([])
    assert History(tmp_path).counted().sums[MAIL[0], "woodgrovebank.test"] == 1
    keeper.close()

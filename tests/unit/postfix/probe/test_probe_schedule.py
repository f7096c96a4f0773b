"""When a partner's turn is, and that it comes."""

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import pytest
from configurations import make_configuration

from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.probe.probe import ProbeResult
from domain_secure.postfix.probe.probe_schedule import PERIOD, ProbeSchedule, next_turn

from lab.waiting import DEADLINE

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("not_after", "expected"),
    [
        (None, PERIOD),
        (timedelta(days=60), PERIOD),
        (timedelta(days=1, hours=5), 5 * HOUR),
        (timedelta(days=1), HOUR),
        (timedelta(hours=2), HOUR),
        (-timedelta(days=2), HOUR),
        (-timedelta(days=30), PERIOD),
    ],
)
def test_next_turn(not_after: timedelta | None, expected: timedelta) -> None:
    """Twice a day; hourly from the day before the certificate ends until it is replaced, or given up."""
    assert next_turn(NOW, None if not_after is None else NOW + not_after, 1.0) == NOW + expected


def test_jitter_spreads_servers_that_were_started_together() -> None:
    """It counts for the period."""
    assert next_turn(NOW, None, 0.75) == NOW + 0.75 * PERIOD


class Probes:
    """Notes whose turn it was."""

    def __init__(self, wanted: int) -> None:
        self.entries: list[Entry] = []
        self.enough = threading.Event()
        self._wanted = wanted

    def __call__(self, entry: Entry) -> Future[tuple[ProbeResult, ...]]:
        """Return nothing found."""
        self.entries.append(entry)
        if len(self.entries) >= self._wanted:
            self.enough.set()
        future: Future[tuple[ProbeResult, ...]] = Future()
        future.set_result(())
        return future


def run(probes: Probes, last: Mapping[Entry, datetime]) -> list[Entry]:
    """Run a schedule of both lists until there was enough."""
    configuration = make_configuration(
        receive=DomainList.of("a.test", "b.test"), send=DomainList.of("b.test", "c.test")
    )
    schedule = ProbeSchedule(lambda: configuration, probes, lambda: last)
    schedule.start()
    assert probes.enough.wait(DEADLINE)
    schedule.stop()
    return probes.entries


def test_partners_of_both_lists_have_their_turn() -> None:
    """Each once; one that was probed a moment ago, by whichever process, is left for later."""
    now = datetime.now(UTC)
    probed = run(Probes(2), {Entry("a.test"): now - HOUR, Entry("b.test"): now - timedelta(days=2)})
    assert sorted(probed) == ["b.test", "c.test"]

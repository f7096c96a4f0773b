"""A report's period: nothing from outside is in it, and what was not kept is named."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain_secure.policy.configuration.configuration import Retention
from domain_secure.policy.history.counter_sums import NOTHING_COUNTED
from domain_secure.policy.history.history import History
from domain_secure.policy.history.history_file import FILE_NAME
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.history.partner_report import Material, changes_of, report_of
from domain_secure.policy.history.period import material_of, whole_hours
from domain_secure.policy.history.seen_hours import InForce
from domain_secure.policy.terms.pin import Pin

from unit.policy.history_items import item

MAY, JUNE = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 2, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[HistoryWriter]:
    """Return the writer of an empty history."""
    found = HistoryWriter(tmp_path / FILE_NAME)
    yield found
    found.close()


def told(writer: HistoryWriter, since: datetime = MAY, until: datetime = JUNE) -> Material:
    """Return what is told of May."""
    return material_of(History(writer.path.parent), since, until)


def gaps(material: Material) -> list[str]:
    """Return what is not known, without the configuration, which nobody wrote down."""
    return [one.what for one in material.gaps if "configuration" not in one.what]


def test_what_came_later_is_not_in_it(writer: HistoryWriter) -> None:
    """A certificate that was first seen in November is not in May's report, nor what passed then."""
    writer.write([item(1, time=NOVEMBER), item(2, time=NOVEMBER, good=False)])
    material = told(writer)
    assert (material.counts, material.sightings, material.latest) == ((), (), ())


def test_a_certificate_has_the_numbers_and_times_of_the_period(writer: HistoryWriter) -> None:
    """One that came in April, May and November is told as it came in May, and is no new one."""
    writer.write([item(number, time=MAY + DAY * number) for number in (-3, 3, 4)] + [item(9, time=NOVEMBER)])
    (seen,) = told(writer).sightings
    assert (seen.first_seen, seen.last_seen, seen.passed) == (MAY + 3 * DAY, MAY + 4 * DAY, 2)
    made = report_of(told(writer), MAY, JUNE, NOVEMBER, "mx1")
    assert changes_of(made, made.partners[0]) == ()
    assert gaps(told(writer)) == []


def test_the_last_of_the_period(writer: HistoryWriter) -> None:
    """The last success is that of May: with its time if it is the last of all, else with its hour."""
    writer.write([item(1, time=MAY + DAY), item(2, time=MAY + 2 * DAY + timedelta(minutes=20))])
    (last,) = told(writer).latest
    assert (last.time, last.is_hour) == (MAY + 2 * DAY + timedelta(minutes=20), False)
    writer.write([item(3, time=NOVEMBER)])
    (last,) = told(writer).latest
    assert (last.time, last.is_hour, last.outcome, last.queue_id) == (MAY + 2 * DAY, True, "pass", "")


def test_hours_without_their_messages_are_told(writer: HistoryWriter) -> None:
    """Where the records are gone and the hours are left, the report says of which time."""
    writer.write([item(1, time=MAY + DAY), item(2, time=MAY + 40 * DAY)])
    assert gaps(told(writer)) == []
    now = MAY + 60 * DAY
    while writer.prune(Retention(days=30, megabytes=1000, summary_days=730), now):
        pass
    (gap,) = [one for one in told(writer).gaps if "hourly counts" in one.what]
    assert (gap.since, gap.until) == (MAY, JUNE)
    assert told(writer).counts
    assert [one.passed for one in told(writer).sightings] == [1]


def test_what_an_earlier_version_did_not_keep_is_told(writer: HistoryWriter) -> None:
    """Of a certificate that came before, maybe within, and after, nothing is claimed."""
    writer.write([item(1, time=MAY - DAY), item(2, time=NOVEMBER)])
    writer.close()
    with closing(sqlite3.connect(writer.path)) as connection:
        connection.executescript("DROP TABLE seen; DROP TABLE seen_since; DROP TABLE in_force")
    assert told(writer).sightings == ()
    assert len(gaps(told(writer))) == 1
    writer.write([])
    assert told(writer).sightings == ()
    (found,) = gaps(told(writer))
    assert "which of the certificates" in found
    # What lies within as a whole needs no hours.
    (seen,) = told(writer, MAY - 2 * DAY, NOVEMBER + DAY).sightings
    assert seen.passed == 2


def test_each_configuration_of_the_period(writer: HistoryWriter) -> None:
    """The one in force at its beginning and those that came, but not those before and after; else a gap."""
    for number, moment in enumerate((MAY - 9 * DAY, MAY - DAY, MAY + DAY, MAY + 2 * DAY, NOVEMBER)):
        present = InForce(moment, f"files {number // 2 if number == 3 else number}", {"/etc/x": "ab"})
        for _ in range(2):
            writer.write([], NOTHING_COUNTED, present)
    assert [one.revision for one in told(writer).configurations] == ["files 1", "files 2", "files 1"]
    assert not told(writer).gaps
    (gap,) = told(writer, MAY - 20 * DAY, MAY).gaps
    assert (gap.since, gap.until) == (MAY - 20 * DAY, MAY - 9 * DAY)


def test_hours_are_those_of_the_history() -> None:
    """A period has every hour it touches, in zones of half hours too, and none that is still to come."""
    india = datetime.fromisoformat("2026-05-01T00:00:00+05:30")
    since, until = whole_hours(india, india + timedelta(minutes=90), NOVEMBER)
    assert (since, until) == (MAY - timedelta(hours=6), MAY - timedelta(hours=4))
    assert whole_hours(MAY, NOVEMBER + DAY, NOVEMBER)[1] == NOVEMBER


def test_a_flood_of_certificates_is_folded(writer: HistoryWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the most of one hour certificates are counted and not kept, and the report says so."""
    monkeypatch.setattr("domain_secure.policy.history.seen_hours._MOST", 0)
    writer.write([item(1, time=MAY + DAY)])
    other = item(2, time=MAY + DAY)
    counts = (replace(other.counts[0], certificate=Pin.certificate("ee" * 32)),)
    writer.write([replace(other, counts=counts)])
    assert [one.passed for one in told(writer).sightings] == [1]
    (found,) = gaps(told(writer))
    assert "further certificates" in found

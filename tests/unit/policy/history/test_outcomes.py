"""What last became of partners' mail, whose it was, and from where it passed."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from domain_secure.policy.configuration.configuration import Retention
from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.history.history_file import FILE_NAME
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.history.outcomes import Outcomes
from domain_secure.policy.history.partner_report import Category
from domain_secure.policy.record.history_item import Count, HistoryItem
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.pin import Pin

from unit.policy.builders import FINGERPRINT, NOW, WOODGROVE

PARTNER, STRANGER = Attribution.PARTNER, Attribution.STRANGER
OTHER = Pin.certificate("ef" * 32)


def received(
    minutes: int,
    outcome: str,
    effect: str,
    whose: Attribution | None = None,
    client: str = "192.0.2.7",
    certificate: Pin | None = FINGERPRINT,
) -> HistoryItem:
    """Return a message that came so many minutes after NOW."""
    count = Count(
        WOODGROVE, outcome, effect, outcome == "pass", "pkix", "TLSv1.3", "why", certificate, whose, client
    )
    time = NOW + timedelta(minutes=minutes)
    return HistoryItem(time, Direction.RECEIVE, "decision", f"Q{minutes}", outcome, (count,), None)


def test_each_category_has_its_last(tmp_path: Path) -> None:
    """A forgery refused, a message of the partner's refused, one let in unproved, and a pass are four."""
    write(
        tmp_path,
        received(1, "pass", "accept"),
        received(2, "expired", "reject", PARTNER),
        received(3, "no-tls", "reject", STRANGER, "203.0.113.66", None),
        received(4, "no-tls", "reject", STRANGER, "203.0.113.67", None),
        received(5, "no-tls", "accept", PARTNER),
    )
    latest = Outcomes(tmp_path).latest()
    found = {(one.category, one.attribution): (one.queue_id, one.client) for one in latest}
    assert found == {
        (Category.PASSED, None): ("Q1", "192.0.2.7"),
        (Category.REFUSED, PARTNER): ("Q2", "192.0.2.7"),
        (Category.REFUSED, STRANGER): ("Q4", "203.0.113.67"),
        (Category.OBSERVED, PARTNER): ("Q5", "192.0.2.7"),
    }


def test_clients_are_those_whose_mail_passed(tmp_path: Path) -> None:
    """Each with each of its certificates; a stranger's address is not kept."""
    write(
        tmp_path,
        received(1, "pass", "accept"),
        received(2, "pass", "accept"),
        received(3, "pass", "accept", certificate=OTHER),
        received(4, "pass", "accept", client="192.0.2.8"),
        received(5, "no-tls", "reject", STRANGER, "203.0.113.66", None),
    )
    clients = Outcomes(tmp_path).clients(WOODGROVE)
    assert [(one.address, one.fingerprint, one.passed) for one in clients] == [
        ("192.0.2.8", FINGERPRINT, 1),
        ("192.0.2.7", OTHER, 1),
        ("192.0.2.7", FINGERPRINT, 2),
    ]
    assert Outcomes(tmp_path).passed_with()[-1] == (WOODGROVE, "192.0.2.8", FINGERPRINT)


def test_counts_are_told_apart(tmp_path: Path) -> None:
    """The counts of an hour add up to those messages, each under whose it was."""
    write(
        tmp_path,
        received(1, "pass", "accept"),
        *(received(2, "no-tls", "reject", STRANGER) for _ in range(3)),
        received(3, "expired", "reject", PARTNER),
        received(4, "expired", "reject"),
    )
    for entries in ((), (WOODGROVE,)):
        sums: dict[tuple[Category, Attribution | None], int] = {}
        for one in Outcomes(tmp_path).counts(NOW, NOW + timedelta(hours=1), entries):
            assert one.entry == (WOODGROVE if entries else None)
            key = one.category, one.attribution
            sums[key] = sums.get(key, 0) + one.count
        assert sums == {
            (Category.PASSED, None): 1,
            (Category.REFUSED, STRANGER): 3,
            (Category.REFUSED, PARTNER): 1,
            (Category.REFUSED, None): 1,
        }


def test_a_history_of_an_earlier_release_gains_the_tables(tmp_path: Path) -> None:
    """Before the daemon writes there is nothing to tell; afterwards there is, and nothing was lost."""
    write(tmp_path, received(1, "pass", "accept"))
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as file:
        for table in ("latest_outcome", "attributed", "client"):
            file.execute(f"DROP TABLE {table}")
    past = Outcomes(tmp_path)
    assert (past.latest(), past.clients()) == ((), ())
    assert [one.attribution for one in past.counts(NOW, NOW + timedelta(hours=1))] == [None]
    write(tmp_path, received(2, "pass", "accept"))
    assert [one.queue_id for one in past.latest()] == ["Q2"]
    assert sum(one.count for one in past.counts(NOW, NOW + timedelta(hours=1))) == 2


def test_what_is_old_goes(tmp_path: Path) -> None:
    """With the hours of the history."""
    write(tmp_path, received(1, "pass", "accept"), received(2, "no-tls", "reject", STRANGER))
    writer = HistoryWriter(tmp_path / FILE_NAME)
    later = NOW + timedelta(days=400)
    while writer.prune(Retention(days=30, summary_days=365, megabytes=100), later):
        pass
    writer.close()
    past = Outcomes(tmp_path)
    assert (past.latest(), past.clients(), past.counts(NOW, later)) == ((), (), ())


def test_without_a_history_there_is_nothing(tmp_path: Path) -> None:
    """Which is no error."""
    assert Outcomes(tmp_path).latest() == Outcomes(tmp_path).clients() == ()


def write(folder: Path, *items: HistoryItem) -> None:
    """Keep these."""
    writer = HistoryWriter(folder / FILE_NAME)
    writer.write(items)
    writer.close()

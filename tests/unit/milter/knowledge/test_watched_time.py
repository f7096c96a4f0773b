"""The daemon notes once a minute that it runs, and looks who waits to be enforced."""

from collections.abc import Iterable
from pathlib import Path

from domain_secure.milter.knowledge.watched_time import WatchedTime
from domain_secure.policy.promotion.waiting import Waiting, edited
from domain_secure.policy.promotion.watch_file import FILE, read
from domain_secure.policy.terms.domain import Entry

ONE = Waiting(Entry("woodgrovebank.test"), 14, 5, "anna", "2026-11-27T12:00:00+00:00")


def test_once_a_minute(tmp_path: Path) -> None:
    """Within a minute nothing is written again; who waits is shown with each look."""
    now, shown = [1.0], list[list[Waiting]]()

    def show(waiting: Iterable[Waiting]) -> None:
        shown.append(list(waiting))

    watched = WatchedTime(tmp_path, show, lambda: now[0])
    watched.attend()
    assert len(read(tmp_path)) == 1
    (tmp_path / FILE).unlink()
    with edited(tmp_path) as known:
        known.append(ONE)
    now[0] += 59
    watched.attend()
    assert not (tmp_path / FILE).exists()
    now[0] += 2
    watched.attend()
    assert (tmp_path / FILE).exists()
    assert shown == [[], [ONE]]


def test_a_folder_that_is_gone_is_no_matter_here(tmp_path: Path) -> None:
    """Nothing is noted then, and nothing is raised into the daemon."""
    WatchedTime(tmp_path / "gone", lambda _: None, lambda: 1.0).attend()
    assert read(tmp_path / "gone") == ()

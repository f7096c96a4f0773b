"""The note that tables were away and are there again."""

from contextlib import suppress
from pathlib import Path

import pytest

from domain_secure.postfix.instance.running import Moment, Process
from domain_secure.postfix.tables import put_back

NOW = Moment.now()


def test_a_note_stands_until_it_is_settled(tmp_path: Path) -> None:
    """Also between being taken up and settled: whoever was to look may have failed."""
    assert put_back.pending(tmp_path) is None
    assert put_back.take(tmp_path) is None
    put_back.note(tmp_path)
    noted = put_back.pending(tmp_path)
    assert noted is not None
    assert NOW.seconds <= noted.seconds <= Moment.now().seconds
    assert put_back.take(tmp_path) == noted
    assert put_back.pending(tmp_path) == noted
    assert put_back.take(tmp_path) == noted
    put_back.settle(tmp_path)
    assert put_back.pending(tmp_path) is None
    put_back.settle(tmp_path)


def test_what_is_noted_during_a_look_is_not_settled_with_it(tmp_path: Path) -> None:
    """Tables may be taken away again meanwhile."""
    put_back.note(tmp_path)
    put_back.take(tmp_path)
    put_back.note(tmp_path)
    put_back.settle(tmp_path)
    assert put_back.pending(tmp_path) is not None


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[]", b"{}", b'{"boot": 1, "seconds": 2}', b'{"boot": "b", "seconds": 1e999}'],
    ids=["empty", "octets", "list", "nothing", "number", "infinite"],
)
def test_a_note_that_says_nothing_is_of_now(tmp_path: Path, content: bytes) -> None:
    """Unknown is not none: then everybody who runs may be of that time."""
    (tmp_path / put_back.NOTE).write_bytes(content)
    noted = put_back.take(tmp_path)
    assert noted is not None
    assert (noted.boot, noted.seconds >= NOW.seconds) == (NOW.boot, True)
    put_back.settle(tmp_path)
    assert put_back.pending(tmp_path) is None


def test_root_is_led_nowhere_by_a_note(tmp_path: Path) -> None:
    """A link in its place is not followed, and goes."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text('{"boot": "another", "seconds": 0}')
    (tmp_path / put_back.NOTE).symlink_to(elsewhere)
    noted = put_back.take(tmp_path)
    assert noted is not None
    assert noted.boot == NOW.boot
    put_back.settle(tmp_path)
    assert list(tmp_path.iterdir()) == [elsewhere]


@pytest.mark.parametrize("place", [put_back.NOTE, ".tables-put-back.taken"])
def test_a_folder_in_its_place_keeps_nobody_from_looking(tmp_path: Path, place: str) -> None:
    """It goes, with what is in it."""
    (tmp_path / place / "one").mkdir(parents=True)
    assert put_back.take(tmp_path) is not None
    put_back.settle(tmp_path)
    (tmp_path / place / "one").mkdir(parents=True)
    with suppress(OSError):
        put_back.note(tmp_path)
    assert put_back.take(tmp_path) is not None
    put_back.settle(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_who_reads_tables_and_ran_by_then_is_left() -> None:
    """Who has started since has found them; the queue manager reads none, and nobody outlives a reboot."""
    moment = Moment(NOW.boot, 100.0)
    old, new = Process(1, "trivial-rewrite", 100.0), Process(2, "cleanup", 100.01)
    assert put_back.left_from_then([old, new, Process(3, "qmgr", 1.0)], moment) == (old,)
    assert put_back.left_from_then([old], Moment("another", 1e9)) == ()

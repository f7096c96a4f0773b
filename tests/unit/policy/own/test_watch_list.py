"""The list of watched places: who may write it, and what becomes of the list of earlier releases."""

import json
import os
from pathlib import Path

import pytest

from domain_secure.policy.own.key_folder import KeyFolder
from domain_secure.policy.own.watch_list import Watched, WatchList, list_beside
from domain_secure.policy.terms.problems import Problem

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="left out: needs root")


@pytest.fixture
def watching(tmp_path: Path) -> WatchList:
    """A list beside a configuration, with one place in it."""
    (tmp_path / "etc").mkdir(mode=0o755)
    found = WatchList(list_beside(tmp_path / "etc" / "domain-secure.toml"), tmp_path / "state")
    found.watch(place(Path("/a")))
    return found


def place(path: Path) -> Watched:
    """Return a place to watch."""
    return Watched(path, None, None, "", exportable=False, accepted=frozenset(), certificate="00")


def former(watching: WatchList, tmp_path: Path, content: bytes) -> None:
    """Leave the list of an earlier release."""
    assert watching.path.exists()
    (tmp_path / "state").mkdir(exist_ok=True)
    with KeyFolder(tmp_path / "state").writing() as folder:
        folder.replace("watched.json", content)


def test_places_come_and_go(watching: WatchList) -> None:
    """A place is there once, in the way that was named last, until it is forgotten."""
    watching.watch(place(Path("/b")))
    watching.watch(place(Path("/a")))
    assert [one.path for one in watching.all()] == [Path("/b"), Path("/a")]
    assert watching.forget(Path("/a"))
    assert not watching.forget(Path("/a"))
    assert [one.path for one in watching.all()] == [Path("/b")]
    assert watching.path.name == "domain-secure.watched.json"


@needs_root
@pytest.mark.parametrize("what", ["owner", "mode", "folder", "folder mode", "link", "fifo"])
def test_a_list_that_others_may_write_names_nothing(watching: WatchList, what: str) -> None:
    """Whatever makes the list another user's is a Problem, and no place is read."""
    path = watching.path
    if what in {"owner", "folder"}:
        os.chown(path if what == "owner" else path.parent, NOBODY, NOBODY)
    elif what in {"mode", "folder mode"}:
        (path if what == "mode" else path.parent).chmod(0o777)
    else:
        path.rename(path.with_suffix(".true"))
        if what == "link":
            path.symlink_to(path.with_suffix(".true"))
        else:
            os.mkfifo(path)
    with pytest.raises(Problem):
        watching.all()


@pytest.mark.parametrize("content", ["{}x", '{"a": 1}', "[{}]", '[{"path": 1}]', "[" * 100_000])
def test_damaged_list(watching: WatchList, content: str) -> None:
    """A list that cannot be read is a Problem that says what to do."""
    watching.path.write_text(content)
    with pytest.raises(Problem, match="list of watched certificates is damaged"):
        watching.all()


def test_the_list_of_an_earlier_release_is_shown_and_not_followed(
    watching: WatchList, tmp_path: Path
) -> None:
    """Its places are named until each is confirmed or forgotten, without what would control a terminal."""
    places = [{"path": "/b"}, {"path": "/c\x1b[2J"}, {"path": "/d"}, 7]
    former(watching, tmp_path, json.dumps(places).encode())
    assert [one.path for one in watching.all()] == [Path("/a")]
    assert watching.unconfirmed() == ("/b", "/c\ufffd[2J", "/d", "?")
    watching.watch(place(Path("/b")))
    assert watching.forget(Path("/d"))
    assert watching.unconfirmed() == ("/c\ufffd[2J", "?")
    assert [one.path for one in watching.all()] == [Path("/a"), Path("/b")]


@pytest.mark.parametrize("content", [b"rubbish", b"{}", b"[" * 100_000])
def test_an_earlier_list_that_cannot_be_read(watching: WatchList, tmp_path: Path, content: bytes) -> None:
    """It names nothing to confirm."""
    former(watching, tmp_path, content)
    assert watching.unconfirmed() == ()

"""An SQLite file in a folder of another user: only the file itself is opened."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from domain_secure.policy.files import held_database
from domain_secure.policy.files.held_folder import UntrustedEntryError

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="left out: needs root")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in a folder that is nobody's, where we are root; beside the folder, one of root's."""
    (tmp_path / "state").mkdir()
    for file in (tmp_path / "state" / "a.sqlite", tmp_path / "roots.sqlite"):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE a (b)")
    if os.geteuid() == 0:
        os.chown(tmp_path / "state", NOBODY, NOBODY)
        os.chown(tmp_path / "state" / "a.sqlite", NOBODY, NOBODY)
    return tmp_path / "state" / "a.sqlite"


def test_the_file_is_opened(path: Path) -> None:
    """To read and to write, also by a way that has links in it."""
    with closing(held_database.connect(path)) as connection:
        connection.execute("INSERT INTO a VALUES (1)")
    (path.parents[1] / "way").symlink_to(path.parent)
    with closing(held_database.connect(path.parents[1] / "way" / path.name, read_only=True)) as connection:
        assert connection.execute("SELECT b FROM a").fetchall() == [(1,)]
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("INSERT INTO a VALUES (2)")
    with pytest.raises(FileNotFoundError):
        held_database.connect(path.with_name("b.sqlite"))


@pytest.mark.parametrize("name", ["a.sqlite", "a.sqlite-wal", "a.sqlite-journal"])
@pytest.mark.parametrize("kind", ["link", "pipe", "hard link"])
@needs_root
def test_nothing_else_is_opened(path: Path, name: str, kind: str) -> None:
    """Neither the file nor what SQLite keeps beside it may lead elsewhere."""
    place, roots = path.with_name(name), path.parents[1] / "roots.sqlite"
    place.unlink(missing_ok=True)
    {"link": place.symlink_to, "pipe": lambda _: os.mkfifo(place), "hard link": place.hardlink_to}[kind](
        roots
    )
    with pytest.raises(UntrustedEntryError):
        held_database.connect(path)


def test_a_link_that_comes_after_the_look(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows by the name of what was opened."""
    look = held_database._refuse_others

    def race(place: Path) -> None:
        look(place)
        if place == path:
            path.unlink()
            path.symlink_to(path.parents[1] / "roots.sqlite")

    monkeypatch.setattr(held_database, "_refuse_others", race)
    with pytest.raises(UntrustedEntryError, match="symbolic link"):
        held_database.connect(path)

"""The record of what attach changed: whose word it is."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from domain_secure.policy.files import atomic_file
from domain_secure.postfix.attach.attach_record import (
    Record,
    directories,
    is_receiving,
    path_of,
    remove,
    write,
)
from domain_secure.postfix.attach.attach_signs import Signs

_CONTENTS = {"main.cf": b"x = y\n"}
_RECORD = Record(_CONTENTS, _CONTENTS, Signs(frozenset(), frozenset(), frozenset()))


def record(state: Path, configuration: Path) -> Path:
    """Write a record, as attach does, and return its path."""
    path = path_of(state, configuration)
    write(path, configuration, _RECORD)
    return path


def test_recorded_directories_are_known_by_name(tmp_path: Path) -> None:
    """Each directory that has a record is named, whatever characters are in its path."""
    assert directories(tmp_path) == ()
    for name in ("/etc/postfix", "/etc/postfix out%2F"):
        record(tmp_path, Path(name))
    assert set(directories(tmp_path)) == {Path("/etc/postfix"), Path("/etc/postfix out%2F")}


def test_a_record_that_others_could_write_names_no_directory(tmp_path: Path) -> None:
    """Root is not sent to a directory by whoever may write the record or its folder."""
    path = record(tmp_path, Path("/etc/postfix"))
    path.chmod(0o666)
    assert directories(tmp_path) == ()
    path.chmod(0o600)
    path.parent.chmod(0o777)
    assert directories(tmp_path) == ()


def test_anybody_may_know_whether_receiving_is_attached(tmp_path: Path) -> None:
    """Only of the directory that was attached, only of that half, and only once attach is done."""
    state, postfix, other = (tmp_path / name for name in ("state", "postfix.d", "other"))
    postfix.mkdir()
    other.mkdir()
    path = path_of(state, postfix)
    assert not is_receiving(state, postfix)
    write(path, postfix, _RECORD)
    assert path.parent.stat().st_mode & 0o777 == 0o711
    assert path.stat().st_mode & 0o777 == 0o600
    assert is_receiving(state, postfix)
    assert not is_receiving(state, other)
    with atomic_file.writer_lock(postfix):
        assert not is_receiving(state, postfix)
    write(path, postfix, replace(_RECORD, receives=False))
    assert not is_receiving(state, postfix)
    write(path, postfix, _RECORD)
    assert is_receiving(state, postfix)
    remove(path)
    assert not is_receiving(state, postfix)
    assert not path.parent.exists()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, which those of pytest are not."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o711)
        yield folder


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may become another user")
def test_the_daemon_sees_a_record_in_a_folder_that_is_closed_to_it(open_folder: Path) -> None:
    """What an earlier release closed counts as attached, and the next attach opens it."""
    state, postfix = open_folder / "state", open_folder / "postfix"
    postfix.mkdir()
    path = path_of(state, postfix)
    write(path, postfix, _RECORD)
    path.parent.chmod(0o700)

    def seen() -> bool:
        os.seteuid(65534)
        try:
            return is_receiving(state, postfix)
        finally:
            os.seteuid(0)

    assert seen()
    write(path, postfix, _RECORD)
    assert seen()
    remove(path)
    assert not seen()


@pytest.mark.parametrize("receives", [True, False])
def test_a_folder_that_is_swapped_meanwhile_leads_root_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receives: bool
) -> None:
    """The daemon's user owns the folder around it, and may put a link in its place at any moment."""
    state, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = path_of(state, Path("/etc/postfix"))
    victim = elsewhere / "victim"
    victim.write_text("root's\n")
    (elsewhere / path.name).symlink_to(victim)
    change_mode = os.fchmod

    def swapped(descriptor: int, mode: int) -> None:
        change_mode(descriptor, mode)
        if path.parent.is_dir() and not path.parent.is_symlink():
            path.parent.rename(state / "aside")
            path.parent.symlink_to(elsewhere)

    monkeypatch.setattr(os, "fchmod", swapped)
    write(path, Path("/etc/postfix"), replace(_RECORD, receives=receives))
    assert victim.read_text() == "root's\n"
    assert set(elsewhere.iterdir()) == {victim, elsewhere / path.name}
    assert (elsewhere / path.name).is_symlink()


def test_what_a_killed_writer_left_goes_with_the_last_record(tmp_path: Path) -> None:
    """Nothing is left of the folder then; with another record it stays."""
    first, second = (record(tmp_path, Path(name)) for name in ("/etc/postfix", "/etc/postfix-out"))
    left = first.parent / f".unfinished-{'0' * 16}"
    left.mkdir()
    remove(first)
    assert left.exists()
    remove(second)
    assert not first.parent.exists()

"""Replacing a file whole, and the lock for writers."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from domain_secure.policy.files.atomic_file import (
    ChangedMeanwhileError,
    remove_abandoned,
    replace,
    writer_lock,
)

from lab.waiting import DEADLINE


def test_new_file_gets_the_default_mode(tmp_path: Path) -> None:
    """A file that was not there gets the mode that is asked for, whatever the umask."""
    path = tmp_path / "file"
    former = os.umask(0o077)
    try:
        replace(path, b"x", default_mode=0o640)
    finally:
        os.umask(former)
    assert path.read_bytes() == b"x"
    assert path.stat().st_mode & 0o7777 == 0o640


def test_mode_and_owner_are_kept(tmp_path: Path) -> None:
    """Replacing content changes neither mode nor owner."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(path, 1234, 1235)
    before = path.stat()
    replace(path, b"new")
    after = path.stat()
    assert path.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_symbolic_link_is_followed(tmp_path: Path) -> None:
    """The target is replaced, also one that does not exist yet; the link stays."""
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    for content in (b"one", b"two"):
        replace(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content


def test_failure_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    """Where the rename fails the old state stays and no temporary file is left."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="directory"):
        replace(folder, b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_lock_lets_one_writer_in(tmp_path: Path) -> None:
    """A second writer waits until the first one is done, and no lock file is left."""
    order: list[str] = []

    def second() -> None:
        with writer_lock(tmp_path):
            order.append("second")

    thread = threading.Thread(target=second)
    with writer_lock(tmp_path):
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        order.append("first")
    thread.join(DEADLINE)
    assert order == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_goes_and_nothing_else(tmp_path: Path) -> None:
    """A temporary file of ours that nobody writes is removed; one in use and what others made stay."""
    for name in (
        ".file.domain-secure-a",
        ".file.domain-secure-b",
        ".file.abcdefgh",
        ".other.domain-secure-a",
    ):
        (tmp_path / name).write_text("half")
    (tmp_path / ".file.domain-secure-c").symlink_to(tmp_path / ".file.abcdefgh")
    (tmp_path / ".file.domain-secure-d").mkdir()
    with (tmp_path / ".file.domain-secure-b").open() as in_use:
        fcntl.flock(in_use, fcntl.LOCK_EX)
        replace(tmp_path / "file", b"new")
    left = {path.name for path in tmp_path.iterdir()}
    assert ".file.domain-secure-a" not in left
    assert len(left) == 6
    remove_abandoned(tmp_path / "file")
    assert not (tmp_path / ".file.domain-secure-b").exists()


def test_what_was_changed_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """The former content is compared at the last moment."""
    path = tmp_path / "file"
    path.write_bytes(b"somebody else's")
    with pytest.raises(ChangedMeanwhileError):
        replace(path, b"new", expected=b"former")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    replace(path, b"new", expected=b"somebody else's")
    assert path.read_bytes() == b"new"

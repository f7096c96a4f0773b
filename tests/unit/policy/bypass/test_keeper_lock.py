"""Who waits for the end of a bypass holds a lock that nobody else can hold in his place."""

import fcntl
import os
from pathlib import Path

import pytest

from domain_secure.policy.bypass.keeper_lock import LOCK, is_kept, kept
from domain_secure.policy.terms.problems import NoPermission

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")


def as_somebody_else(state: Path) -> str:
    """Return what becomes of somebody who has no part in the folder and wants to hold the lock."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            descriptor = os.open(state / "bypass" / LOCK, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            word = "held"
        except OSError as error:
            word = type(error).__name__
        try:
            is_kept(state)
        except NoPermission:
            word += " NoPermission"
        os.write(writing, word.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as answer:
        return answer.read().decode()


def test_held_while_it_is_held(tmp_path: Path) -> None:
    """It is told from outside, and a second one does not get it."""
    assert not is_kept(tmp_path)
    with kept(tmp_path) as first, kept(tmp_path) as second:
        assert (first, second, is_kept(tmp_path)) == (True, False, True)
    assert not is_kept(tmp_path)


@needs_root
def test_nobody_else_passes_for_one_who_waits(tmp_path: Path) -> None:
    """Any user of the machine could let a bypass go on for good, where he might open the lock."""
    for folder in (*tmp_path.parents[:3], tmp_path):
        if str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    lock = tmp_path / "bypass" / LOCK
    lock.parent.mkdir()
    lock.touch(0o644)
    with kept(tmp_path):
        pass
    assert as_somebody_else(tmp_path) == "PermissionError NoPermission"


@pytest.mark.parametrize("how", ["symbolic link", "hard link", "folder"])
def test_led_nowhere_else(tmp_path: Path, how: str) -> None:
    """What the daemon's user has put there makes root neither create nor close a file elsewhere."""
    state, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch(0o644)
    state.mkdir()
    if how == "folder":
        (state / "bypass").symlink_to(elsewhere)
    else:
        (state / "bypass").mkdir()
        lock = state / "bypass" / LOCK
        if how == "hard link":
            lock.hardlink_to(elsewhere / "file")
        else:
            lock.symlink_to(elsewhere / "file")
    with pytest.raises(OSError), kept(state):  # noqa: PT011 - of which kind is the kernel's to say
        pass
    assert [one.name for one in elsewhere.iterdir()] == ["file"]
    assert (elsewhere / "file").stat().st_mode & 0o777 == 0o644

"""The lock that postconf(1) takes, taken by us."""

import fcntl
from pathlib import Path

import pytest

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance import edit_lock as module
from domain_secure.postfix.instance.edit_lock import edit_lock


def test_nothing_is_left(tmp_path: Path) -> None:
    """The lock file is there while it is held, and goes then, also one that a killed holder left empty."""
    (tmp_path / "main.cf.tmp").touch()
    with edit_lock(tmp_path, "main.cf", "master.cf"):
        assert {path.name for path in tmp_path.iterdir()} == {"main.cf.tmp", "master.cf.tmp"}
    assert list(tmp_path.iterdir()) == []


def test_what_holds_something_is_left_alone(tmp_path: Path) -> None:
    """A file of that name that is not empty is somebody's."""
    (tmp_path / "main.cf.tmp").write_text("x")
    with edit_lock(tmp_path, "main.cf"):
        pass
    assert (tmp_path / "main.cf.tmp").read_text() == "x"


def test_whoever_holds_it_for_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another holder keeps us out, and we say so after a while."""
    monkeypatch.setattr(module, "_SECONDS", 0.0)
    with (tmp_path / "main.cf.tmp").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Problem, match=r"main\.cf\.tmp"), edit_lock(tmp_path, "main.cf"):
            pass


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """What somebody else points to is not opened for writing."""
    (tmp_path / "elsewhere").touch()
    (tmp_path / "main.cf.tmp").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Problem, match="cannot be locked"), edit_lock(tmp_path, "main.cf"):
        pass

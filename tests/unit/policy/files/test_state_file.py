"""Files of the state folder: whether they are there, and what is done with one."""

from pathlib import Path

import pytest

from domain_secure.policy.files import state_file
from domain_secure.policy.files.held_folder import UntrustedEntryError


def test_what_is_there(tmp_path: Path) -> None:
    """A file, a folder and a link that leads nowhere are there; below what is missing nothing is."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "link").symlink_to("nowhere")
    assert state_file.exists(tmp_path, "a/link")
    assert state_file.is_there(tmp_path / "a" / "link")
    for place in ("b", "b/c", "a/b"):
        assert not state_file.exists(tmp_path, place)
        assert not state_file.is_there(tmp_path / place)
    assert not state_file.exists(tmp_path / "missing", "a")


def test_what_is_not_told_is_not_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel refuses to look the error is raised."""

    def refuse(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "lstat", refuse)
    with pytest.raises(PermissionError):
        state_file.is_there(tmp_path / "a")


def test_a_file_comes_and_goes(tmp_path: Path) -> None:
    """It is replaced whole, read with a bound, and no link is followed."""
    state_file.make_folder(tmp_path, "a")
    state_file.replace(tmp_path, "a/file", b"content", default_mode=0o640)
    assert state_file.read(tmp_path, "a/file") == b"content"
    assert (tmp_path / "a" / "file").stat().st_mode & 0o777 == 0o640
    assert state_file.names(tmp_path, "a") == ["file"]
    with pytest.raises(OSError, match="File too large"):
        state_file.read(tmp_path, "a/file", limit=6)
    state_file.remove(tmp_path, "a/file")
    (tmp_path / "a" / "file").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UntrustedEntryError):
        state_file.replace(tmp_path, "a/file", b"content", default_mode=0o640)
    assert not (tmp_path / "elsewhere").exists()

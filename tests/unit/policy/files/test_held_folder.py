"""A folder that another user may write in: what is done there, and where nobody is led."""

import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain_secure.policy.files import held_folder
from domain_secure.policy.files.held_folder import HeldFolder, UntrustedEntryError

NOBODY = 65534
TEMPORARY = re.compile(r"\.unfinished-.*|\.old")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="left out: needs root")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder that is nobody's, where we are root."""
    folder = tmp_path / "folder"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "file").write_bytes(b"old")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_bytes(b"theirs")
    if os.geteuid() == 0:
        for one in (folder, *folder.rglob("*")):
            os.chown(one, NOBODY, NOBODY)
    return folder


@pytest.fixture
def held(path: Path) -> Iterator[HeldFolder]:
    """The same folder, held."""
    with HeldFolder.open(path) as folder:
        yield folder


def names(folder: Path) -> set[str]:
    """Return the path of everything below *folder*."""
    return {str(one.relative_to(folder)) for one in folder.rglob("*")}


def test_what_is_made_is_the_owners(path: Path, held: HeldFolder) -> None:
    """Files, folders and links belong to whom the folder belongs to, are closed, and nothing else is left."""
    held.make_folder("b")
    held.put_folder("b/whole", {"x": b"1", "y": b"2"})
    held.replace("a/new", b"3", default_mode=0o640)
    held.link("latest", "b/whole")
    assert names(path) == {"a", "a/file", "a/new", "b", "b/whole", "b/whole/x", "b/whole/y", "latest"}
    assert {one.lstat().st_uid for one in path.rglob("*")} == {path.stat().st_uid}
    modes = [stat.S_IMODE((path / one).stat().st_mode) for one in ("b", "b/whole", "b/whole/x", "a/new")]
    assert modes == [0o700, 0o700, 0o600, 0o640]
    assert held.link_target("latest") == "b/whole"
    assert held.names("b/whole") == ["x", "y"]
    assert held.read("b/whole/y") == b"2"


def test_mode_is_kept(path: Path, held: HeldFolder) -> None:
    """A file that is replaced keeps its mode."""
    (path / "a" / "file").chmod(0o644)
    held.replace("a/file", b"new")
    assert (path / "a" / "file").read_bytes() == b"new"
    assert stat.S_IMODE((path / "a" / "file").stat().st_mode) == 0o644


def test_what_is_removed(tmp_path: Path, path: Path, held: HeldFolder) -> None:
    """A folder goes with all that is in it, a link without what it leads to."""
    (path / "link").symlink_to(tmp_path / "elsewhere")
    (path / "a" / "link").symlink_to(tmp_path / "elsewhere")
    held.remove("link")
    held.remove("a")
    assert names(path) == set()
    assert names(tmp_path / "elsewhere") == {"file"}


def test_errors_name_the_place(path: Path, held: HeldFolder) -> None:
    """What is not there, or not what it should be, is told with its whole path."""
    for place, error in (("a/none", FileNotFoundError), ("none/x", FileNotFoundError), ("a/file/x", OSError)):
        with pytest.raises(error) as caught:
            held.read(place)
        assert caught.value.filename == str(path / place)


def test_replacing_a_folder_fails_and_leaves_nothing(path: Path, held: HeldFolder) -> None:
    """Where the rename fails, the old state stays and no temporary name is left."""
    (path / "a" / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        held.replace("a/folder", b"x")
    with pytest.raises(OSError, match="not empty"):
        held.put_folder("a", {"x": b"1"})
    assert names(path) == {"a", "a/file", "a/folder"}


ACTIONS: dict[str, Callable[[HeldFolder, str], object]] = {
    "names": lambda held, name: held.names(name),
    "names below": lambda held, name: held.names(f"{name}/x"),
    "stat": lambda held, name: held.stat(name),
    "stat below": lambda held, name: held.stat(f"{name}/file"),
    "read": lambda held, name: held.read(name),
    "read below": lambda held, name: held.read(f"{name}/file"),
    "link_target below": lambda held, name: held.link_target(f"{name}/link"),
    "make_folder": lambda held, name: held.make_folder(name),
    "make_folder below": lambda held, name: held.make_folder(f"{name}/x"),
    "put_folder below": lambda held, name: held.put_folder(f"{name}/x", {"file": b"1"}),
    "replace": lambda held, name: held.replace(name, b"ours"),
    "replace below": lambda held, name: held.replace(f"{name}/file", b"ours"),
    "link below": lambda held, name: held.link(f"{name}/x", "y"),
    "remove below": lambda held, name: held.remove(f"{name}/file"),
}


@pytest.mark.parametrize("target", ["elsewhere", "elsewhere/file", "none"])
@pytest.mark.parametrize("action", list(ACTIONS))
def test_no_link_is_followed(tmp_path: Path, path: Path, held: HeldFolder, action: str, target: str) -> None:
    """Whatever a symbolic link leads to, it is refused by name, and nothing changes on either side."""
    (path / "link").symlink_to(tmp_path / target)
    before = names(tmp_path)
    with pytest.raises(UntrustedEntryError, match="Permission denied: it is a symbolic link") as caught:
        ACTIONS[action](held, "link")
    assert str(path / "link") in str(caught.value.filename)
    assert names(tmp_path) == before
    assert (tmp_path / "elsewhere" / "file").read_bytes() == b"theirs"


@pytest.mark.parametrize(
    "action", ["names", "read", "stat below", "make_folder", "replace below", "remove below"]
)
def test_no_link_is_followed_that_comes_after_the_look(
    tmp_path: Path, path: Path, held: HeldFolder, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel refuses it too: what was a folder or file when we looked may be a link when we open it."""
    looked = held_folder._stat
    target = tmp_path / "elsewhere" / ("file" if action == "read" else "")
    name = "a/file" if action == "read" else "a"

    def then_planted(holder: int, last: str) -> os.stat_result:
        state = looked(holder, last)
        if last == Path(name).name:
            (path / name).rename(path / "former")
            (path / name).symlink_to(target)
        return state

    monkeypatch.setattr(held_folder, "_stat", then_planted)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        ACTIONS[action](held, name)
    assert names(tmp_path / "elsewhere") == {"file"}
    assert (tmp_path / "elsewhere" / "file").read_bytes() == b"theirs"


@pytest.mark.parametrize("planted", ["link", "folder"])
def test_a_new_folder_that_was_exchanged(
    tmp_path: Path, path: Path, held: HeldFolder, planted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever puts something in the place of a folder we have just made gets nothing written into it."""
    made = os.mkdir
    (path / "theirs").mkdir()
    (path / "theirs" / "file").touch()

    def then_exchanged(name: str, mode: int, *, dir_fd: int) -> None:
        made(name, mode, dir_fd=dir_fd)
        (path / name).rename(path / "former")
        if planted == "link":
            (path / name).symlink_to(tmp_path / "elsewhere")
        else:
            (path / "theirs").rename(path / name)

    monkeypatch.setattr(os, "mkdir", then_exchanged)
    with pytest.raises(UntrustedEntryError):
        held.replace("a/file", b"secret")
    assert (path / "a" / "file").read_bytes() == b"old"
    assert names(tmp_path / "elsewhere") == {"file"}
    assert [one for one in path.rglob("*") if one.is_file() and one.read_bytes() == b"secret"] == []


def test_what_is_no_file(path: Path, held: HeldFolder) -> None:
    """A FIFO keeps nobody waiting, and is told."""
    os.mkfifo(path / "fifo")
    with pytest.raises(UntrustedEntryError, match="it is no file"):
        held.read("fifo")


@needs_root
def test_a_hard_link_to_another_users_file(tmp_path: Path, path: Path, held: HeldFolder) -> None:
    """A second name of root's file is not read; root's file without another name is."""
    os.link(tmp_path / "elsewhere" / "file", path / "file")
    with pytest.raises(UntrustedEntryError, match="hard link to another user's file"):
        held.read("file")
    (tmp_path / "elsewhere" / "file").unlink()
    assert held.read("file") == b"theirs"
    os.link(path / "a" / "file", path / "second")
    assert held.read("second") == b"old"


@needs_root
def test_a_folder_that_root_was_killed_over(path: Path, held: HeldFolder) -> None:
    """A folder that root made and did not hand over yet is handed over; one that holds something is not."""
    (path / "empty").mkdir()
    (path / "roots" / "x").mkdir(parents=True)
    held.make_folder("empty")
    held.make_folder("roots")
    assert ((path / "empty").stat().st_uid, (path / "roots").stat().st_uid) == (NOBODY, 0)


def test_only_temporary_names_are_swept(tmp_path: Path, path: Path, held: HeldFolder) -> None:
    """Other names with a dot stay, and nothing is swept through a link or deeper than files of an entry."""
    (tmp_path / "elsewhere" / ".old").touch()
    (path / ".unfinished-1" / "x").mkdir(parents=True)
    (path / ".unfinished-link").symlink_to(tmp_path / "elsewhere")
    (path / "link").symlink_to(tmp_path / "elsewhere")
    (path / "a" / "b" / "c").mkdir(parents=True)
    for place in (".old", "a/.old", "a/b/.old", "a/b/c/.old", ".older", "a/.hidden"):
        (path / place).touch()
    held.sweep(TEMPORARY)
    assert names(path) == {"link", ".older", "a", "a/file", "a/.hidden", "a/b", "a/b/c", "a/b/c/.old"}
    assert names(tmp_path / "elsewhere") == {"file", ".old"}


def test_closed_to_others(path: Path, held: HeldFolder) -> None:
    """A folder that somebody opened is closed."""
    path.chmod(0o755)
    held.close_to_others()
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_one_writer_at_a_time(path: Path, held: HeldFolder) -> None:
    """A second one waits for the first, as the kernel tells of the lock."""
    with held.writer_lock(), (path / ".lock").open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (path / ".lock").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_whoever_may_open_the_folder_keeps_no_writer_waiting(path: Path, held: HeldFolder) -> None:
    """He may lock the folder, and cannot open what the writers lock."""
    path.chmod(0o755)
    (path / ".lock").touch(0o644)
    other = os.open(path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with held.writer_lock():
        assert stat.S_IMODE((path / ".lock").stat().st_mode) == 0o600
        assert (path / ".lock").stat().st_uid == path.stat().st_uid
    os.close(other)


def test_a_folder_that_is_closed_is_locked_itself(path: Path, held: HeldFolder) -> None:
    """Where nobody else may open it there is no need of a file."""
    path.chmod(0o700)
    with held.writer_lock():
        assert not (path / ".lock").exists()


@pytest.mark.parametrize("how", ["symbolic link", "hard link"])
def test_a_lock_leads_nowhere(path: Path, held: HeldFolder, how: str) -> None:
    """Neither is a file made elsewhere, nor the mode of one changed."""
    theirs = path.parent / "elsewhere" / "file"
    theirs.chmod(0o644)
    if how == "symbolic link":
        (path / ".lock").symlink_to(theirs)
    else:
        (path / ".lock").hardlink_to(theirs)
    with pytest.raises(OSError), held.writer_lock():  # noqa: PT011 - of which kind is the kernel's to say
        pass
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o644

"""The folder of the sockets comes, is mended, and goes only when nobody needs it."""

import os
import shutil
import socket
from pathlib import Path

import pytest
from attach_place import Place

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance import socket_folder
from domain_secure.postfix.instance.endpoints import Address

pytestmark = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")


def folder_of(place: Place) -> Path:
    return place.instance.queue_directory / "domain-secure"


def test_created_and_mended(place: Place) -> None:
    """Postfix's group may enter, and the sockets get it; nobody else may."""
    folder = folder_of(place)
    for _ in range(2):
        socket_folder.create(place.instance)
        assert folder.stat().st_mode & 0o7777 == 0o2750
        folder.chmod(0o777)
    socket_folder.create(place.instance)
    assert folder.stat().st_mode & 0o7777 == 0o2750
    socket_folder.remove(place.instance)
    assert not folder.exists()
    socket_folder.remove(place.instance)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands anything over")
def test_sockets_become_the_daemons(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd makes them as root; a link in the place of one is changed itself, and not what it names."""
    socket_folder.create(place.instance)
    folder, target = folder_of(place), place.folder / "target"
    target.touch()
    (folder / "policy").symlink_to(target)
    with listening(folder, "milter"):
        monkeypatch.setattr(socket_folder, "_owner", lambda: 1234)
        socket_folder.create(place.instance)
        assert (folder / "milter").stat().st_uid == 1234
    assert target.stat().st_uid == 0


def test_what_is_in_the_way_is_named(place: Place) -> None:
    """A link is not followed."""
    folder_of(place).symlink_to("/etc")
    with pytest.raises(Problem, match="in the way"):
        socket_folder.create(place.instance)
    socket_folder.remove(place.instance)
    assert folder_of(place).is_symlink()


def test_stale_sockets_go_with_the_folder(place: Place) -> None:
    """libmilter leaves its socket behind."""
    socket_folder.create(place.instance)
    with listening(folder_of(place), "milter"):
        pass
    assert not socket_folder.is_listening(Address(folder_of(place) / "milter"))
    socket_folder.remove(place.instance)
    assert not folder_of(place).exists()


def test_a_daemon_keeps_its_folder(place: Place) -> None:
    """Detached by mistake, and attached again, it must still be reached."""
    socket_folder.create(place.instance)
    with listening(folder_of(place), "policy"):
        socket_folder.remove(place.instance)
        assert socket_folder.is_listening(Address(folder_of(place) / "policy"))


def test_what_is_not_ours_keeps_the_folder(place: Place) -> None:
    """Somebody may have put something there."""
    socket_folder.create(place.instance)
    (folder_of(place) / "note").touch()
    socket_folder.remove(place.instance)
    assert (folder_of(place) / "note").exists()


def listening(folder: Path, name: str) -> socket.socket:
    """Return a listening socket; the path may be too long for one, so it is bound from within."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    here = Path.cwd()
    os.chdir(folder)
    try:
        made.bind(name)
    finally:
        os.chdir(here)
    made.listen()
    return made

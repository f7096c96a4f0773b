"""What the service units are told where Postfix's queue directory is elsewhere."""

from pathlib import Path

import pytest

from domain_secure.commands.attach import service_units
from domain_secure.commands.attach.service_units import drop_ins, unit_of
from domain_secure.postfix.instance.endpoints import Address

SPOOL = Path("/var/spool/postfix")
SERVICE, SOCKET = (
    Path("domain-secure.service.d") / "queue-directory.conf",
    Path("domain-secure.socket.d/queue-directory.conf"),
)


def listeners(folder: Path) -> tuple[Address, Address]:
    """Return both listeners in *folder*."""
    return Address(folder / "milter"), Address(folder / "policy")


@pytest.mark.parametrize(
    ("configuration", "unit"),
    [
        ("/etc/domain-secure/domain-secure.toml", "domain-secure"),
        ("/etc/domain-secure/postfix-out.toml", "domain-secure@postfix-out"),
        ("/etc/domain-secure/sub/x.toml", None),
        ("/etc/domain-secure/receive.domains", None),
        ("/root/domain-secure.toml", None),
    ],
)
def test_which_unit_serves_a_configuration(configuration: str, unit: str | None) -> None:
    """The default file is the plain unit's, a file beside it that of an instance."""
    assert unit_of(Path(configuration)) == unit


@pytest.mark.parametrize(
    ("unit", "queue"), [("domain-secure", "postfix"), ("domain-secure@postfix-out", "postfix-out")]
)
def test_nothing_is_needed_where_the_units_fit(unit: str, queue: str) -> None:
    """Debian's own places, for the first instance and for others by their name."""
    place = Path("/var/spool") / queue
    assert drop_ins(unit, place, listeners(place / "domain-secure")) == {}


def test_a_queue_directory_elsewhere() -> None:
    """The service may write there, and the socket unit listens there and nowhere else."""
    found = drop_ins("domain-secure", Path("/srv/100%"), listeners(Path("/srv/100%/domain-secure")))
    assert found == {
        SERVICE: b'[Service]\nReadWritePaths="-/srv/100%%/domain-secure"\n',
        SOCKET: (
            b"[Socket]\nListenStream=\nListenStream=/srv/100%%/domain-secure/milter\n"
            b"ListenStream=/srv/100%%/domain-secure/policy\n"
        ),
    }


def test_sockets_of_the_network() -> None:
    """The folder of partners' authorities is below the queue directory all the same."""
    both = Address(None, "127.0.0.1", "8891"), Address(None, "::1", "8892")
    assert drop_ins("domain-secure", SPOOL, both) == {
        SOCKET: b"[Socket]\nListenStream=\nListenStream=127.0.0.1:8891\nListenStream=[::1]:8892\n"
    }


def test_written_once_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said where nothing changes, and no empty folder is left."""
    monkeypatch.setattr(service_units, "_SYSTEM", tmp_path)
    commands: list[list[str]] = []
    monkeypatch.setattr(service_units, "run", commands.append)
    needed = drop_ins("domain-secure", Path("/srv/q"), listeners(Path("/srv/q/domain-secure")))
    assert len(list(service_units._bring_about("domain-secure", needed))) == 3
    assert (tmp_path / SERVICE).read_bytes() == needed[SERVICE]
    assert list(service_units._bring_about("domain-secure", needed)) == []
    assert len(list(service_units._bring_about("domain-secure", {}))) == 2
    assert list(tmp_path.iterdir()) == []
    assert commands == [["systemctl", "daemon-reload"]] * 2


def test_which_units_run_the_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket's first; none for a file that no unit reads, and where there is no service or no systemd."""
    monkeypatch.setattr(service_units, "_INSTALLED", (tmp_path,))
    monkeypatch.setattr(service_units, "_RUNNING", tmp_path)
    first, other = (service_units.CONFIGURATIONS / name for name in ("domain-secure.toml", "out.toml"))
    (tmp_path / "domain-secure.socket").touch()
    assert service_units.installed_units(first) == ()
    (tmp_path / "domain-secure.service").touch()
    (tmp_path / "domain-secure@.service").touch()
    assert service_units.installed_units(first) == ("domain-secure.socket", "domain-secure.service")
    assert service_units.installed_units(other) == ("domain-secure@out.service",)
    assert service_units.installed_units(Path("/root/domain-secure.toml")) == ()
    monkeypatch.setattr(service_units, "_RUNNING", tmp_path / "none")
    assert service_units.installed_units(first) == ()

"""The service units: systemd understands them, they are hardened, and they fit what the daemon does."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from configurations import make_configuration

from domain_secure.commands.changes.request import socket_path
from domain_secure.milter.daemon.doors import HELD
from domain_secure.milter.daemon.sockets import BACKLOG
from domain_secure.milter.session.policy_listener import CONNECTION_LIMIT
from domain_secure.postfix.attach.inbound_settings import COMMAND_TIMEOUT
from domain_secure.postfix.attach.routes_record import request_path

FOLDER = Path(__file__).parents[2] / "systemd"
KINDS = {".path", ".service", ".socket", ".timer"}
UNITS = sorted(path.name for path in FOLDER.iterdir() if path.suffix in KINDS)
PLAIN = [name for name in UNITS if "@" not in name]
SERVICES = [name for name in UNITS if name.endswith(".service")]
DAEMON = ["domain-secure.service", "domain-secure@.service"]
# systemd-analyze calls 0 to 2 "OK" and anything above "MEDIUM" to "UNSAFE".
EXPOSURE_LIMIT = 1.5
START_SECONDS = 5.0  #: from the start of the process until it answers, on a slow machine
DESCRIPTORS_BESIDE = 1024  #: of the status page, probes and files

analyzed = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def settings(name: str) -> dict[str, list[str]]:
    """Return the settings of a unit, each with its values in order."""
    found: dict[str, list[str]] = {}
    for line in (FOLDER / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def for_instance(text: str) -> str:
    """Return a plain unit's text as that of the template for instances."""
    text = re.sub(
        r"^(Exec\w+=[-+]*domain-secure) ",
        r"\1 --config /etc/domain-secure/%i.toml ",
        text,
        flags=re.MULTILINE,
    )
    for plain, instance in (
        ("/etc/domain-secure/domain-secure.toml", "/etc/domain-secure/%i.toml"),
        ("StateDirectory=domain-secure\n", "StateDirectory=domain-secure-%i\n"),
        ("/var/lib/domain-secure/", "/var/lib/domain-secure-%i/"),
        ("Wants=domain-secure-generate.path", "Wants=domain-secure-generate@%i.path"),
        ("Wants=domain-secure-bypass.path", "Wants=domain-secure-bypass@%i.path"),
        ("/var/spool/postfix/", "/var/spool/%i/"),
        ("postfix@-.service", "postfix@%i.service"),
        ("/run/domain-secure-changes/domain-secure", "/run/domain-secure-changes/%i"),
        ("After=domain-secure.service ", "After=domain-secure@%i.service "),
    ):
        text = text.replace(plain, instance)
    return re.sub(r"^(Description=.*)$", r"\1 (%i)", text, flags=re.MULTILINE)


@analyzed
@pytest.mark.parametrize("unit", UNITS)
def test_unit_is_understood(unit: str, tmp_path: Path) -> None:
    """``systemd-analyze verify`` has nothing to say once the command exists."""
    program = tmp_path / "domain-secure"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for name in UNITS:
        text = (FOLDER / name).read_text()
        text = re.sub(r"^(Exec\w+=[-+]*)domain-secure ", rf"\1{program} ", text, flags=re.MULTILINE)
        (tmp_path / name).write_text(text)
    done = analyze("verify", "--man=no", tmp_path / unit.replace("@.", "@mx2."))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@analyzed
@pytest.mark.parametrize("unit", DAEMON)
def test_daemon_is_hardened(unit: str) -> None:
    """``systemd-analyze security`` rates the exposure as OK."""
    done = analyze("security", "--offline=true", "--no-pager", FOLDER / unit)
    rating = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert rating, done.stdout + done.stderr
    assert float(rating[1]) <= EXPOSURE_LIMIT


@pytest.mark.parametrize("name", PLAIN)
def test_an_instance_has_what_the_first_one_has(name: str) -> None:
    """A template says the same as the plain unit, with its own file, state and queue directory."""
    stem, dot, kind = name.rpartition(".")
    assert (FOLDER / f"{stem}@{dot}{kind}").read_text() == for_instance((FOLDER / name).read_text())


@pytest.mark.parametrize("name", SERVICES)
def test_postfix_programs_work_in_it(name: str) -> None:
    """They look at the interfaces (AF_NETLINK, no private network); journalctl reads below /proc/sys."""
    found = settings(name)
    assert "AF_NETLINK" in found["RestrictAddressFamilies"][0].split()
    assert "PrivateNetwork" not in found
    assert "ProcSubset" not in found


@pytest.mark.parametrize("name", DAEMON)
def test_a_restart_fits_into_postfix_patience(name: str) -> None:
    """Whoever waits in the queue of a socket is answered before Postfix gives up."""
    found = settings(name)
    restart = float(found["RestartSec"][0])
    assert HELD.limit + restart + START_SECONDS < COMMAND_TIMEOUT
    assert HELD.limit < float(found["TimeoutStopSec"][0])
    assert found["StartLimitIntervalSec"] == ["0"]
    assert found["Environment"] == [f"FDSTORE={found['FileDescriptorStoreMax'][0]}"]


@pytest.mark.parametrize("name", DAEMON)
def test_descriptors_suffice(name: str) -> None:
    """For as many connections at both doors as the policy listener takes."""
    assert int(settings(name)["LimitNOFILE"][0]) >= 2 * CONNECTION_LIMIT + DESCRIPTORS_BESIDE


def test_sockets_are_where_the_daemon_looks() -> None:
    """Below Debian's queue directory, with room for everybody who waits."""
    found = settings("domain-secure.socket")
    folder = settings("domain-secure.service")["ReadWritePaths"][0].removeprefix("-")
    assert found["ListenStream"] == [f"{folder}/milter", f"{folder}/policy"]
    assert found["Backlog"] == [str(BACKLOG)]
    # systemd would change the owner of whatever stands at the path.
    assert not {"SocketUser", "SocketGroup"} & found.keys()


def test_the_daemon_can_ask_for_a_reload() -> None:
    """What it puts into its state folder is what the unit that runs as root waits for, and removes first."""
    configuration = make_configuration(Path("/var/lib/domain-secure"))
    wanted = str(request_path(configuration))
    assert settings("domain-secure-generate.path")["PathExists"] == [wanted]
    service = settings("domain-secure-generate.service")
    assert service["ExecStartPre"] == [f"/bin/rm -rf --one-file-system {wanted}"]
    # Else it would stay where it is, and be found again at once.
    assert "ConditionPathExists" not in service
    assert "domain-secure-generate.path" in settings("domain-secure.service")["Wants"]
    assert "User" not in settings("domain-secure-generate.service")


def test_root_makes_changes_for_the_daemon_alone() -> None:
    """The socket lies where the daemon looks, for its group; what runs as root gets no more than that."""
    found = settings("domain-secure-changes.socket")
    assert found["ListenStream"] == [str(socket_path(Path("/etc/domain-secure/domain-secure.toml")))]
    assert (found["SocketGroup"], found["SocketMode"]) == (settings(DAEMON[0])["Group"], ["0660"])
    service = settings("domain-secure-changes.service")
    assert "User" not in service
    assert "[Install]" not in (FOLDER / "domain-secure-changes.service").read_text()


@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith((".path", ".socket"))])
def test_what_triggers_again_and_again_ends(name: str) -> None:
    """Each unit that starts another has a limit of its own, above what may happen in good order."""
    found = settings(name)
    assert found["TriggerLimitIntervalSec"]
    assert int(found["TriggerLimitBurst"][0]) >= 100
    if name.endswith(".path"):
        assert settings(name.replace(".path", ".service"))["StartLimitBurst"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_leaves_its_memory_in_a_file(name: str) -> None:
    """Keys and passphrases are in it."""
    assert settings(name)["LimitCORE"] == ["0"]

"""The package is removed, then purged, from a machine whose Postfix is attached."""

import shutil
from pathlib import Path

from mail_hosts import (
    BEFORE,
    CONFIGURATION,
    EDGE_ADDRESS,
    POSTFIX,
    SOCKET_UNIT,
    STRANGER_ADDRESS,
    UNIT,
    run,
    state,
    submit,
)

PACKAGE = "postfix-domain-secure"
#: Where others name us: what apt remembers and logs, and what scenarios bring along.
_OTHERS = (
    "/proc",
    "/sys",
    "/dev",
    "/run/log",
    "/var/log",
    "/var/cache",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/root",
    "/opt",
)


def test_removal_stops_where_postfix_cannot_be_detached() -> None:
    """A faulty configuration, which hides what is attached, keeps the package and is named."""
    sound = CONFIGURATION.read_text()
    CONFIGURATION.write_text("[receive\n")
    done = run("apt-get", "remove", "-q", "-y", PACKAGE, check=False)
    CONFIGURATION.write_text(sound)
    assert done.returncode != 0
    assert f"{CONFIGURATION}:1" in done.stdout + done.stderr
    assert shutil.which("domain-secure")


def test_removing_gives_postfix_its_files_back() -> None:
    """main.cf and master.cf are as before the package came, byte for byte; mail is taken without us."""
    run("apt-get", "remove", "-q", "-y", PACKAGE)
    for name in ("main.cf", "master.cf"):
        assert (POSTFIX / name).read_bytes() == (BEFORE / name).read_bytes()
    assert {path.name for path in POSTFIX.iterdir()} == {path.name for path in BEFORE.iterdir()}
    assert {state(unit) for unit in (UNIT, SOCKET_UNIT, "domain-secure-generate.path")} == {"inactive"}
    assert CONFIGURATION.exists()
    assert shutil.which("domain-secure") is None
    assert submit(EDGE_ADDRESS, STRANGER_ADDRESS, "user@nowhere.example") == 250


def test_purging_leaves_nothing() -> None:
    """No file, folder, unit, user or group of ours is left."""
    run("apt-get", "purge", "-q", "-y", PACKAGE)
    pruned = [word for place in _OTHERS for word in ("-path", place, "-o")][:-1]
    found = run("find", "/", "(", *pruned, ")", "-prune", "-o", "-name", "*domain-secure*", "-print").stdout
    assert found == ""
    assert "domain-secure" not in run("systemctl", "list-units", "--all", "--plain", "domain-secure*").stdout
    for database in ("passwd", "group"):
        assert run("getent", database, "domain-secure", check=False).stdout == ""
    assert not Path("/var/lib/domain-secure").exists()

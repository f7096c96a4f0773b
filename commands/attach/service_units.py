"""Drop-ins for the service units, where Postfix's queue directory is not where the units look for it.

Owns: what the units expect by themselves, and the drop-ins' names and content.
Invariant: where the units fit as they are there is no drop-in, so that taking the product out leaves nothing.
Sources: systemd.unit(5) for drop-ins and specifiers, systemd.socket(5) ListenStream=, systemd.exec(5)
ReadWritePaths=.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files import atomic_file
from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.postfix.instance.endpoints import (
    SOCKET_FOLDER,
    Address,
    milter_listener,
    policy_listener,
)
from domain_secure.postfix.instance.processes import run
from domain_secure.postfix.instance.programs import PostfixInstance

CONFIGURATIONS = Path("/etc/domain-secure")
NAME = "queue-directory.conf"
_SYSTEM = Path("/etc/systemd/system")
_INSTALLED = (_SYSTEM, Path("/usr/local/lib/systemd/system"), Path("/usr/lib/systemd/system"))
_RUNNING = Path("/run/systemd/system")  #: sd_booted(3)


def unit_of(configuration: Path) -> str | None:
    """Return the unit that serves the configuration file, without its suffix; None where none does."""
    if configuration.parent != CONFIGURATIONS or configuration.suffix != ".toml":
        return None
    return "domain-secure" if configuration.stem == "domain-secure" else f"domain-secure@{configuration.stem}"


def installed_units(configuration: Path) -> tuple[str, ...]:
    """Return the units that run the daemon for the configuration file, in the order of their start.

    None where no systemd runs, or where it has no unit for that file.
    """
    unit = unit_of(configuration)
    if unit is None or not _RUNNING.is_dir():
        return ()
    there = {kind for kind in ("socket", "service") if _is_installed(unit, kind)}
    return tuple(f"{unit}.{kind}" for kind in ("socket", "service") if kind in there) * ("service" in there)


def drop_ins(unit: str, queue_directory: Path, listeners: tuple[Address, Address]) -> Mapping[Path, bytes]:
    """Return the drop-ins that *unit* needs, by their place below the folder of units; none where it fits."""
    expected = Path("/var/spool") / (unit.partition("@")[2] or "postfix") / SOCKET_FOLDER
    needed: dict[Path, bytes] = {}
    folder = queue_directory / SOCKET_FOLDER
    # The authorities of single partners lie in the queue directory, wherever the sockets are.
    folders = {folder, *(one.path.parent for one in listeners if one.path is not None)} - {expected}
    if folders:
        lines = [f'ReadWritePaths="-{_escaped(one)}"' for one in sorted(folders)]
        needed[Path(f"{unit}.service.d") / NAME] = "\n".join(["[Service]", *lines, ""]).encode()
    if [one.path for one in listeners] != [expected / "milter", expected / "policy"]:
        lines = [f"ListenStream={_stream(one)}" for one in listeners]
        needed[Path(f"{unit}.socket.d") / NAME] = "\n".join(
            ["[Socket]", "ListenStream=", *lines, ""]
        ).encode()
    return needed


def adapt(configuration: Configuration, instance: PostfixInstance) -> Iterator[str]:
    """Write the drop-ins that our units need and remove those they do not; yield what was done."""
    queue = instance.queue_directory
    listeners = milter_listener(configuration, queue), policy_listener(configuration, queue)
    unit = _installed_unit(configuration)
    if unit is not None:
        yield from _bring_about(unit, drop_ins(unit, queue, listeners))


def restore(configuration: Configuration) -> Iterator[str]:
    """Remove the drop-ins; yield what was done."""
    unit = _installed_unit(configuration)
    if unit is not None:
        yield from _bring_about(unit, {})


def _installed_unit(configuration: Configuration) -> str | None:
    unit = unit_of(configuration.path)
    if unit is None or os.geteuid() != 0 or not _RUNNING.is_dir():
        return None
    return unit if _is_installed(unit, "service") else None


def _is_installed(unit: str, kind: str) -> bool:
    name, at, _ = unit.partition("@")
    return any((folder / f"{name}{at}.{kind}").exists() for folder in _INSTALLED)


def _bring_about(unit: str, needed: Mapping[Path, bytes]) -> Iterator[str]:
    places = [Path(f"{unit}.{kind}.d") / NAME for kind in ("service", "socket")]
    changed = [place for place in places if _content(_SYSTEM / place) != needed.get(place)]
    try:
        for place in changed:
            path = _SYSTEM / place
            if place in needed:
                path.parent.mkdir(mode=0o755, exist_ok=True)
                atomic_file.replace(path, needed[place])
            else:
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()
    except OSError as error:
        what = "the service units cannot be told where the sockets are"
        raise cannot_write(what, str(error.filename or _SYSTEM), error) from error
    if not changed:
        return
    run(["systemctl", "daemon-reload"])
    for place in changed:
        yield f"{'wrote' if place in needed else 'removed'} {_SYSTEM / place}"
    if needed:
        yield f"restart {unit}.service, and stop and start {unit}.socket where it is in use"


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _stream(address: Address) -> str:
    if address.path is not None:
        return _escaped(address.path)
    host = socket.getaddrinfo(address.host, int(address.port), type=socket.SOCK_STREAM)[0][4][0]
    return f"[{host}]:{address.port}" if ":" in str(host) else f"{host}:{address.port}"


def _escaped(path: Path) -> str:
    # systemd.unit(5), "Specifiers".
    return str(path).replace("%", "%%")

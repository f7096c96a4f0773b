"""Start the process that ends a bypass, and ask whether it runs.

Owns: by whom it is started: systemd where that has our units, else the command itself.
"""

import os
import subprocess
import time
from pathlib import Path

from domain_secure.commands.attach.service_units import unit_of
from domain_secure.commands.terminal.own_process import COMMAND, own_environment
from domain_secure.policy.bypass.keeper_lock import is_kept
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.instance.processes import run

_BOOTED = Path("/run/systemd/system")  #: sd_booted(3)
_SECONDS = 15.0
_PAUSE = 0.05
_NOT_WATCHED = (
    "nothing starts {unit} by itself: after a start of the machine `domain-secure serve` has to run, or "
    "`systemctl start {unit}`"
)


def keeper_unit(configuration: Path) -> str | None:
    """Return the service that ends bypasses of a configuration file; None where no unit serves it."""
    unit = unit_of(configuration)
    if unit is None:
        return None
    name, at, instance = unit.partition("@")
    return f"{name}-bypass{at}{instance}.service"


def watched_state(unit: str) -> Path:
    """Return the state folder in which the path unit beside a service of ours looks for a bypass."""
    name, _, instance = unit.removesuffix(".service").partition("@")
    plain = Path("/var/lib") / name.removesuffix("-bypass")
    return plain.with_name(f"{plain.name}-{instance}") if instance else plain


def _is_watched(unit: str, state: Path) -> bool:
    """Tell whether systemd starts the service again by itself, also after a start of the machine."""
    path_unit = f"{unit.removesuffix('.service')}.path"
    is_there = watched_state(unit).exists() and state.exists() and watched_state(unit).samefile(state)
    return is_there and not run(["systemctl", "is-active", "--quiet", path_unit]).returncode


def ensure_kept(configuration: Path, state: Path) -> str | None:
    """Let a process wait for the end, and return only once it does.

    Returns what does not outlast a start of the machine, or None where that does as well.  Raises Problem
    where no process waits in time.
    """
    unit = keeper_unit(configuration)
    if unit is not None and _BOOTED.is_dir():
        # Of a unit that is not installed systemctl says so at once.
        is_there = run(["systemctl", "start", "--no-block", unit]).returncode == 0
        if is_there and _waits(state):
            return None
    subprocess.Popen(
        [*COMMAND, "--config", str(configuration), "partner", "bypass", "--keep"],
        env=own_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    if not _waits(state):
        raise Problem(
            "no process waits for the end of the bypass",
            f"domain-secure partner bypass --keep, process {os.getpid()}",
            "run that by hand to see why",
            ExitStatus.NO_ANSWER,
        )
    return "no unit of systemd ends it: after a start of the machine `domain-secure serve` has to run"


def _waits(state: Path) -> bool:
    due = time.monotonic() + _SECONDS
    while not is_kept(state):
        if time.monotonic() > due:
            return False
        time.sleep(_PAUSE)
    return True

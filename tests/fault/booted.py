"""The daemon killed under its own unit on a booted Debian, where the laboratory has a keeper instead."""

import json
from pathlib import Path

import pytest

from .requirements import why_not as no_laboratory
from .scene import RECOVERY_SECONDS
from machines.debian_root import UnavailableError
from machines.edge_machine import HOME, INSIDE, LIBRARIES, booted
from machines.machine import PROGRAMS, check_machines_can_run
from promises import Part, Promise

_PART = "booted"
_KNOWN_SECONDS = 4.0
_SLOW = (
    "The manager waits for half a second, and the start takes another; who had asked before waits besides. "
    "It would take fewer modules at start, or a second process that stands by."
)


def suite_of_this_machine() -> str:
    """Return the name of the Debian that this is; another one's packages would have to be fetched anew."""
    lines = Path("/etc/os-release").read_text().splitlines()
    return dict(line.partition("=")[::2] for line in lines if "=" in line).get("VERSION_CODENAME", "")


def why_not() -> str | None:
    """Return why no machine can be booted here, or None."""
    try:
        check_machines_can_run()
    except UnavailableError as reason:
        return str(reason)
    return no_laboratory("debootstrap", *PROGRAMS)


def kill(quick: bool) -> list[Promise]:
    """``kill -9`` of the daemon, whom systemd starts again by the unit that we ship."""
    suite = suite_of_this_machine()
    try:
        with booted(suite) as machine:
            machine.run("sh", "-c", f"apt-get install -q -y {HOME}/dist/*.deb")
            (libraries,) = machine.root.glob(LIBRARIES)
            done = machine.run_as_service(
                *("/usr/bin/python3", INSIDE / "killed.py", 2 if quick else 20),
                PYTHONPATH=f"/{libraries.relative_to(machine.root)}",
                LANG="C.UTF-8",
            )
    except pytest.skip.Exception as reason:
        return [Promise(_PART, f"kill -9 on {suite}", "to be looked at", "no", None, str(reason))]
    if done.returncode:
        raise RuntimeError(f"killed.py: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return promises(suite, json.loads(done.stdout.splitlines()[-1]), done.stderr)


def promises(suite: str, seen: dict[str, object], said: str = "") -> list[Promise]:
    """Return what is promised, and what the machine counted."""
    recoveries = seen["recoveries"]
    assert isinstance(recoveries, list)
    assert recoveries
    known = sorted(one for one in recoveries if one is not None)
    is_back = len(known) == len(recoveries)
    slowest = f"{known[-1]:.2f} s, median {known[len(known) // 2]:.2f} s" if is_back else "never"
    what = f"kill -9 under systemd on {suite}, {len(recoveries)} times"
    counted = (
        "messages {messages}: lost {lost}, wrong {wrong}, refused {refused}, deferred {deferred}, broken off "
    )
    is_good = not any(seen[name] for name in ("lost", "wrong", "refused"))
    return [
        Promise(
            _PART,
            f"{what}: every message",
            "lost 0, wrong 0, refused 0",
            f"{counted}{{broken_off}}".format(**seen),
            is_good,
            "" if is_good else said,
        ),
        Promise(
            _PART,
            f"{what}: recovery by itself",
            f"<= {RECOVERY_SECONDS:g} s",
            slowest,
            is_back and known[-1] <= RECOVERY_SECONDS,
            _SLOW if is_back and known[-1] > RECOVERY_SECONDS else "",
            known=is_back and known[-1] <= _KNOWN_SECONDS,
        ),
    ]


PARTS = {_PART: Part(kill, why_not)}

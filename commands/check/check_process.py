"""Run ``check`` in a process of its own, for the daemon: its memory and its time are not the daemon's."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from domain_secure.policy.terms.problems import ExitStatus, Problem

_SECONDS = 120.0
# -P: in the checkout, the folder `milter` would hide pymilter's module of that name.
_PROGRAM = "from domain_secure.commands.main import main; raise SystemExit(main())"
_COMMAND = (sys.executable, "-P", "-c", _PROGRAM)
# What the service manager said to the daemon is not for its children.
_NOT_PASSED_ON = {"NOTIFY_SOCKET", "JOURNAL_STREAM", "WATCHDOG_USEC", "WATCHDOG_PID"}


def check_document(path: Path) -> dict[str, Any]:
    """Return what ``check --json`` prints about the configuration at *path*; raises Problem."""
    try:
        done = subprocess.run(
            [*_COMMAND, "--config", path, "check", "--json"],
            env={name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        document: dict[str, Any] = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        what = f"check did not end well ({type(error).__name__})"
        fix = "run `domain-secure check` by hand"
        raise Problem(what, str(path), fix, ExitStatus.NO_ANSWER) from error
    return document

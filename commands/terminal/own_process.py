"""Run a command of ours in a process of its own, whose memory, time and faults are not ours; take its answer.

Owns: how long it may take, and what it means that it does not answer.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import ExitStatus, Problem

# -P: nothing of the folder that the operator is in may be imported.
_PROGRAM = "from domain_secure.commands.main import main; raise SystemExit(main())"
COMMAND = (sys.executable, "-P", "-c", _PROGRAM)  #: ours, before its arguments
# What the service manager said to the daemon is not for its children.
_NOT_PASSED_ON = {"NOTIFY_SOCKET", "JOURNAL_STREAM", "WATCHDOG_USEC", "WATCHDOG_PID"}


def own_environment() -> dict[str, str]:
    """Return the environment for a process of ours."""
    return {key: value for key, value in os.environ.items() if key not in _NOT_PASSED_ON}


def document_of(
    path: Path, command: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return what a *command* prints with ``--json`` about the configuration at *path*.

    environment: variables that it gets besides ours.

    Raises Problem where it fails, tells nothing, or takes longer than so many *seconds*.
    """
    name, fix = command[0], f"run `domain-secure {' '.join(command)}` by hand"
    try:
        done = subprocess.run(
            [*COMMAND, "--config", path, *command, "--json"],
            env={**own_environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        document: dict[str, Any] = parse_json(done.stdout)
    except subprocess.TimeoutExpired as error:
        what = f"{name} did not end within {seconds:g} s"
        raise Problem(what, str(path), fix, ExitStatus.NO_ANSWER) from error
    except (OSError, ValueError) as error:
        what = f"{name} did not end well ({type(error).__name__})"
        raise Problem(what, str(path), fix, ExitStatus.NO_ANSWER) from error
    if (told := document["error"]) is not None:
        raise Problem(told["what"], told["where"], told["fix"], ExitStatus.NO_ANSWER)
    return document


def answer_of(path: Path, command: Sequence[str], content: bytes, seconds: float) -> bytes:
    """Return what a *command* writes that reads *content*; what it says on standard error is ours.

    Raises Problem where it cannot be run, or takes longer than so many *seconds*.
    """
    try:
        done = subprocess.run(
            [*COMMAND, "--config", path, *command],
            env=own_environment(),
            input=content,
            stdout=subprocess.PIPE,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        what = f"{command[0]} did not end well ({type(error).__name__})"
        raise Problem(what, str(path), "look whether it was done", ExitStatus.NO_ANSWER) from error
    return done.stdout


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in _NOT_PASSED_ON}

"""Whether the running daemon goes by the files as they are now.

Must not know: Postfix, and what the files say.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.daemon_client import DaemonAway, health
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files.file_signature import file_signature
from domain_secure.policy.terms.problems import ExitStatus, Problem

_SECONDS = 60.0  #: in which a daemon reads a list of a million domains several times
_PAUSE = 0.05


def await_daemon(configuration: Configuration) -> bool:
    """Return once the daemon has in force what is on disk, or at once where none runs for this configuration.

    Returns whether one runs.  Raises Problem where it refuses the files, does not follow, or cannot be asked.
    """
    due = time.monotonic() + _SECONDS
    while True:
        try:
            answer = health(configuration.metrics_listen, configuration.metrics_access)
        except DaemonAway:
            return False
        in_force = answer["configuration"]
        if not _is_same(Path(in_force["path"]), configuration.path):
            return False
        if in_force["problem"] is not None:
            raise Problem(
                f"the daemon keeps the last good configuration: {in_force['problem']}",
                str(configuration.path),
                "mend that, then run this again",
                ExitStatus.DIFFERENCE,
            )
        if _has_read(in_force):
            return True
        if time.monotonic() > due:
            raise Problem(
                f"the daemon has not read its configuration again for {_SECONDS:g} s",
                str(configuration.path),
                "see its log, or restart it with `systemctl restart domain-secure`",
                ExitStatus.DIFFERENCE,
            )
        time.sleep(_PAUSE)


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _has_read(in_force: dict[str, Any]) -> bool:
    """Tell whether the files the daemon goes by are those that are there.

    A daemon of an earlier release, which an upgrade left running, does not tell.
    """
    files: dict[str, list[int] | None] | None = in_force.get("files")
    if files is None:
        raise Problem(
            "the daemon is of an earlier release and does not tell what it has read",
            str(in_force["path"]),
            "restart it with `systemctl restart domain-secure`, then run this again",
            ExitStatus.DIFFERENCE,
        )
    return all(file_signature(path) == (state and tuple(state)) for path, state in files.items())


@contextmanager
def not_yet() -> Iterator[None]:
    """Let every Problem say "not yet in force, because …", with the status DIFFERENCE."""
    try:
        yield
    except Problem as problem:
        raise Problem(
            f"not yet in force, because {problem.what}", problem.where, problem.fix, ExitStatus.DIFFERENCE
        ) from problem

"""Bring a bypass, or its end, in force for mail, and say so only then.

Owns: the order: the daemon, then Postfix, each asked afterwards.
"""

import time
from pathlib import Path

from domain_secure.commands.in_force.daemon_step import not_yet
from domain_secure.commands.in_force.receiving import bring_receiving_in_force
from domain_secure.commands.terminal.common import note
from domain_secure.commands.terminal.daemon_client import DaemonAway, health
from domain_secure.policy.bypass.bypass import Bypass
from domain_secure.policy.bypass.bypass_file import BypassFile
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import ExitStatus, Problem

_SECONDS = 15.0
_PAUSE = 0.05


def bring_in_force(path: Path, entry: Entry, begun: Bypass | None = None) -> ExitStatus:
    """Return once mail with *entry* goes by what is in force, and say so.

    *begun* has to be among that.  Raises Problem, which says "not yet in force, because …", with the status
    DIFFERENCE.
    """
    with not_yet():
        configuration = load(path)
        if begun and begun.key not in {one.key for one in configuration.bypasses}:
            raise Problem(
                f"the bypass of {entry} is not in force: it was ended by somebody else, or by a clock",
                str(BypassFile(configuration.state).path),
                "see `domain-secure partner bypass` and `domain-secure check`",
                ExitStatus.DIFFERENCE,
            )
        await_bypasses(configuration)
    is_sent_to = entry in configuration.send
    if entry in configuration.receive:
        bring_receiving_in_force(path, quiet=is_sent_to)
    if not is_sent_to:
        return ExitStatus.DONE
    from domain_secure.commands.in_force.in_force import (  # noqa: PLC0415 - knows Postfix's routes
        bring_in_force as bring_sending_in_force,
    )

    return bring_sending_in_force(path, (entry,))


def await_bypasses(configuration: Configuration) -> bool:
    """Return once the daemon goes by the bypasses that are in force, or False at once where none runs.

    Raises Problem where it does not follow, or cannot be asked.
    """
    due = time.monotonic() + _SECONDS
    while True:
        wanted = {
            (str(one.entry), one.direction, one.end.isoformat())
            for one in BypassFile(configuration.state).in_force()
        }
        try:
            answer = health(configuration.metrics_listen, configuration.metrics_access)
        except DaemonAway:
            return False
        if answer["configuration"]["path"] != str(configuration.path):
            note(f"the daemon at this address serves {answer['configuration']['path']}")
            return False
        told = answer.get("bypasses")
        if told is not None and {(one["domain"], one["direction"], one["end"]) for one in told} == wanted:
            return True
        if told is None or time.monotonic() > due:
            why = "is of an earlier release and knows no bypass" if told is None else "does not follow"
            raise Problem(
                f"the daemon {why}",
                str(configuration.path),
                "restart it with `systemctl restart domain-secure`, then run this again",
                ExitStatus.DIFFERENCE,
            )
        time.sleep(_PAUSE)

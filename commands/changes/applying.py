"""Root's side: look at everything anew, then do the act by its command.

Owns: what has to hold before root does anything for a user who is not root.
Invariant: nothing that the daemon says is believed.  The configuration and the token are files that only root
can have written; the act is one of a few, each part of it typed; its state is looked at again.
"""

import hmac
import os
import stat
from collections.abc import Callable
from pathlib import Path

from domain_secure.commands.terminal.own_process import document_of
from domain_secure.milter.changes import events
from domain_secure.milter.changes.page_changes import Order
from domain_secure.milter.page.http_access import read_token
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from . import states
from .request import Result, read

SECONDS = 150.0


Log = Callable[[Event], None]


def result_of(configuration: Path, content: bytes, log: Log) -> Result:
    """Return what became of the order in *content*; each is logged, done or not."""
    order = None
    try:
        order = read(content)
        _allow(load(configuration), order)
        act = order.act
        about = {"act": act.kind, "subject": act.subject, "value": act.value}
        log(events.asked(**about, reason=act.reason, who=order.who, client=order.client))
        said = _carried_out(configuration, order)
        log(events.done(**about, who=order.who, client=order.client))
        return Result(said, None)
    except Problem as problem:
        who_asked, client = (order.who, order.client) if order else ("unknown", "unknown")
        log(events.refused(why=f"{problem.what}: {problem.where}", who=who_asked, client=client))
        return Result((), problem)


def _carried_out(configuration: Path, order: Order) -> tuple[str, ...]:
    """Run the command of an act and return what it said; raises Problem where it did not end well."""
    # A fleet's own log names who changed something as sudo does.
    who = {"SUDO_USER": f"{order.who} (page)"}
    document = document_of(configuration, order.act.command, SECONDS, who)
    if document["exit_status"]:
        told = "; ".join((*document["notes"], *document["said"])) or "it did not end well"
        raise Problem(told, f"domain-secure {' '.join(order.act.command)}", "run domain-secure check")
    return tuple(document["said"])


def _allow(configuration: Configuration, order: Order) -> None:
    """Raise Problem unless the order may be carried out."""
    _only_roots(configuration.path)
    access = configuration.metrics_access
    if not access.allow_changes or access.token_file is None:
        raise Problem(
            "changes by the page are not allowed",
            f"{configuration.path}: metrics.allow_changes",
            "set it to true, with token_file",
        )
    _only_roots(access.token_file)
    if not hmac.compare_digest(order.token.encode(), read_token(access.token_file).encode()):
        raise Problem("the token is not the one in the file", str(access.token_file), "ask with the token")
    if order.act.kind not in states.offered():
        raise Problem("there is no command for it in this release", order.act.kind, "use the command line")
    if not hmac.compare_digest(states.state_of(configuration, order.act).digest, order.state):
        raise Problem("somebody changed it since the page was shown", order.act.subject, "look again")


def _only_roots(path: Path) -> None:
    """Raise Problem where somebody else than whoever runs this could have written a file, or put it there."""
    real = Path(os.path.realpath(path))
    for place in dict.fromkeys((path.absolute(), path.absolute().parent, real, real.parent)):
        state = place.stat()
        if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o022:
            fix = f"chown root {place}; chmod go-w {place}"
            raise Problem("somebody besides root may write it, and it is not believed", str(place), fix)

"""Root's side: look at everything anew, then do the act by its command.

Owns: what has to hold before root does anything for a user who is not root.
Invariant: nothing that the daemon says is believed.  The configuration and the token are files that only root
can have written; the act is one of a few, each part of it typed; its state is looked at again.
"""

import hmac
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from domain_secure.commands.terminal.own_process import document_of
from domain_secure.milter.changes import events
from domain_secure.milter.changes.page_changes import Order
from domain_secure.milter.page.http_access import read_token
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.event import Event, internal_error
from domain_secure.policy.terms.problems import Problem

from . import states
from .request import Result, read

SECONDS = 150.0
_MOST_LINKS = 40  #: as the kernel counts


Log = Callable[[Event], None]


def result_of(configuration: Path, content: bytes, log: Log, is_awaited: Callable[[], bool]) -> Result:
    """Return what became of the order in *content*; each is logged, done or not.

    *is_awaited* tells whether somebody still waits for the answer: whoever was told that none came is not to
    find the change made later.
    """
    order = None
    try:
        order = read(content)
        _allow(load(configuration), order, is_awaited)
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
    except Exception as error:  # noqa: BLE001 - whoever asked is told that it is not known, and the log why
        log(internal_error("apply-change", error))
        what = "a fault of domain-secure; it is not known what was done"
        return Result((), Problem(what, type(error).__name__, "as root: journalctl -u domain-secure-changes"))


def _carried_out(configuration: Path, order: Order) -> tuple[str, ...]:
    """Run the command of an act and return what it said; raises Problem where it did not end well."""
    # A fleet's own log names who changed something as sudo does.
    who = {"SUDO_USER": f"{order.who} (page)"}
    document = document_of(configuration, order.act.command, SECONDS, who)
    if document["exit_status"]:
        told = "; ".join((*document["notes"], *document["said"])) or "it did not end well"
        raise Problem(told, f"domain-secure {' '.join(order.act.command)}", "run domain-secure check")
    return tuple(document["said"])


def _allow(configuration: Configuration, order: Order, is_awaited: Callable[[], bool]) -> None:
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
    if not is_awaited():
        raise Problem("whoever asked waits no more", order.act.subject, "ask again")


def _only_roots(path: Path) -> None:
    """Raise Problem where somebody besides root, or whoever runs this, could have led the way to a file."""
    for place, state in _way(path):
        # What others may not rename there is as good as in a folder of root's.
        others = 0 if stat.S_ISLNK(state.st_mode) or state.st_mode & stat.S_ISVTX else 0o022
        if state.st_uid not in {0, os.geteuid()} or stat.S_IMODE(state.st_mode) & others:
            fix = f"chown root {place}; chmod go-w {place}"
            raise Problem("somebody besides root may write it, and it is not believed", str(place), fix)


def _way(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield each folder and link by which a path leads to its file, and the file; raises Problem."""
    ahead, here = [*reversed(path.absolute().parts)], Path("/")
    links = 0
    while ahead:
        place = here / ahead.pop()
        if place.name == "..":
            here = here.parent
            continue
        try:
            state = place.lstat()
            yield place, state
            if not stat.S_ISLNK(state.st_mode):
                here = place
                continue
            ahead += reversed(place.readlink().parts)
        except OSError as error:
            raise Problem(
                f"it cannot be looked at ({error.strerror})", str(place), "name a file that is there"
            ) from error
        links += 1
        if links > _MOST_LINKS:
            raise Problem("too many links lead there", str(path), "name the file itself")

"""Wait until every live node of the fleet enforces a change, and name those that do not."""

import argparse
import time
from typing import TYPE_CHECKING

from domain_secure.commands.terminal.common import add_to_document, note
from domain_secure.policy.editing.policy_store import PolicyStore
from domain_secure.policy.terms.problems import ExitStatus

if TYPE_CHECKING:
    from domain_secure.fleet.node.enforcement import Look

_SECONDS = 30.0
_PAUSE = 0.1


def add_wait(parser: argparse.ArgumentParser) -> None:
    """Declare ``--wait``."""
    parser.add_argument(
        "--wait",
        nargs="?",
        type=float,
        const=_SECONDS,
        metavar="SECONDS",
        help=f"in a fleet: return when every live node enforces it (at most {_SECONDS:g} s unless said)",
    )


def add_no_wait(parser: argparse.ArgumentParser) -> None:
    """Declare ``--no-wait``, for what waits of itself."""
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="return as soon as it is written, and not only once it is in force for mail",
    )


def waited(arguments: argparse.Namespace, store: PolicyStore, *, at_least: bool = False) -> ExitStatus:
    """Return when every live node enforces the newest revision; 1 when some do not in time, named.

    Without ``--wait`` it returns at once, unless it waits *at_least* for its usual time.
    """
    limit = arguments.wait if arguments.wait is not None else _SECONDS if at_least else None
    if limit is None:
        return ExitStatus.DONE
    from domain_secure.fleet.editing.fleet_store import FleetStore  # noqa: PLC0415
    from domain_secure.fleet.node.enforcement import Enforcement  # noqa: PLC0415 - loads requests, which a file needs not

    if not isinstance(store, FleetStore):
        return ExitStatus.DONE
    started = time.monotonic()
    enforcement = Enforcement(store.repository)
    while True:
        look = enforcement.look()
        seconds = time.monotonic() - started
        if not look.late or seconds > limit:
            break
        time.sleep(_PAUSE)
    number = enforcement.number
    _tell_of_nodes(look)
    add_to_document(
        {
            "revision": number,
            "in_force": bool(look.live) and not look.late,
            "late": look.late,
            "silent": list(look.silent),
            "doubled": list(look.doubled),
            "live_nodes": look.live,
        }
    )
    if look.late:
        for name, reason in look.late.items():
            print(f"{name}: does NOT enforce revision {number}: {reason}")
        note(f"not yet in force, because {', '.join(look.late)} do not enforce revision {number}")
        return ExitStatus.DIFFERENCE
    if not look.live:
        print(f"revision {number}: no node is live")
        if not at_least:
            return ExitStatus.DONE
        note("not yet in force, because no node is live")
        return ExitStatus.DIFFERENCE
    print(f"revision {number}: enforced by all {look.live} live nodes after {seconds:.1f} s")
    print("in force")
    return ExitStatus.DONE


def _tell_of_nodes(look: "Look") -> None:
    for clause in look.doubled:
        note(f"{clause}: give each a store.node of its own")
    for name in look.silent:
        note(f"{name} is silent: it will follow when it is back, or is gone (`fleet leave --node {name}`)")

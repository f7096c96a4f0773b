"""Wait until every live node of the fleet enforces a change, and name those that do not."""

import argparse
import time

from domain_secure.commands.terminal.common import add_to_document, note
from domain_secure.policy.editing.policy_store import PolicyStore
from domain_secure.policy.terms.problems import ExitStatus

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
        late, silent, live = enforcement.look()
        seconds = time.monotonic() - started
        if not late or seconds > limit:
            break
        time.sleep(_PAUSE)
    number = enforcement.number
    for name in silent:
        note(f"{name} is silent: it will follow when it is back, or is gone (`fleet leave --node {name}`)")
    add_to_document(
        {
            "revision": number,
            "in_force": bool(live) and not late,
            "late": late,
            "silent": list(silent),
            "live_nodes": live,
        }
    )
    if late:
        for name, reason in late.items():
            print(f"{name}: does NOT enforce revision {number}: {reason}")
        note(f"not yet in force, because {', '.join(late)} do not enforce revision {number}")
        return ExitStatus.DIFFERENCE
    if not live:
        print(f"revision {number}: no node is live")
        if not at_least:
            return ExitStatus.DONE
        note("not yet in force, because no node is live")
        return ExitStatus.DIFFERENCE
    print(f"revision {number}: enforced by all {live} live nodes after {seconds:.1f} s")
    print("in force")
    return ExitStatus.DONE

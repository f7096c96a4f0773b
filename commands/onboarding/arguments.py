"""What ``domain-secure partner add`` takes."""

import argparse
from typing import Any

from domain_secure.commands.fleet.fleet_wait import add_no_wait, add_wait
from domain_secure.policy.configuration.configuration import SendMethod
from domain_secure.policy.onboarding.steps import Step
from domain_secure.policy.terms.problems import ExitStatus


def add_parser(actions: Any) -> None:
    """Declare ``add`` among the actions of ``partner``."""
    add = actions.add_parser(
        "add",
        help="take a partner on: look, propose, watch, send, enforce",
        description="On a terminal it asks before each step, and may be left at any of them; run again it "
        "goes on. Without one, --yes does what is missing up to the step send, and takes no proposal by "
        "itself: what weakens a demand is for a person to write, with --names, --method, --pin or --set. "
        "It enforces only where --step enforce or a person asks for that, and where `promote` would: a week "
        "was watched, and its mail passed. Exit status: 0 done as far as asked, 1 something is left that was "
        "asked for, 3 its servers do not answer.",
    )
    add.add_argument("domain", metavar="DOMAIN", help="the partner: a domain, or '*.DOMAIN'")
    add.add_argument(
        "--step",
        choices=list(Step),
        metavar="STEP",
        help=f"go no further than this: {', '.join(Step)} (probe looks, and changes nothing)",
    )
    add.add_argument("--yes", action="store_true", help="do not ask")
    for option, text in (("--receive", "from"), ("--send", "to")):
        add.add_argument(
            option,
            action="store_true",
            help=f"only mail {text} there, unless both are given (default: as it was begun, else both)",
        )
    add.add_argument(
        "--names",
        metavar="NAME,…",
        help="what its certificates are named, as in `partner set DOMAIN names=…`",
    )
    add.add_argument(
        "--method",
        choices=list(SendMethod),
        metavar="METHOD",
        help=f"how its servers are verified when we send: {', '.join(SendMethod)}",
    )
    add.add_argument(
        "--pin",
        action="append",
        default=[],
        metavar="PIN",
        help="believe this key or certificate, in both directions; may be repeated",
    )
    add.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any other key of a partner, such as gateway=exchange-online; may be repeated",
    )
    add.add_argument(
        "--force",
        action="store_true",
        help="enforce whatever was watched, or was not; watch what a wildcard on the list enforces already",
    )
    add_wait(add)
    add_no_wait(add)
    add.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> ExitStatus:
    # What looks at servers takes its time to load, and the other actions have no need of it.
    from .walk import run_add  # noqa: PLC0415

    return run_add(arguments)

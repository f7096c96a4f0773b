"""``domain-secure cert revocation refresh``: let the running daemon fetch lists and answers now.

The daemon is told by a file in its state folder (``refresh_request``), so that root needs no address, token
or signal, and hears what became of it.
"""

import argparse
import time
from typing import Any

from domain_secure.commands.terminal.common import configuration_of, note, print_json, print_table
from domain_secure.commands.terminal.progress import progress
from domain_secure.policy.certificates.trust import Revocation
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.revocation.location_report import LocationReport
from domain_secure.policy.revocation.refresh_request import RefreshRequests
from domain_secure.policy.terms.problems import ExitStatus, Problem

_TAKEN_SECONDS = 10.0  #: the daemon looks four times a second, unless it reads a list of a million domains
_PAUSE_SECONDS = 0.1
_TIMEOUT = 300


def add_parsers(actions: Any) -> None:
    """Declare ``revocation`` among the actions of ``cert``."""
    revocation = actions.add_parser("revocation", help="revocation lists and OCSP answers about partners")
    steps = revocation.add_subparsers(metavar="STEP", required=True, title="steps")
    refresh = steps.add_parser(
        "refresh",
        help="let the running daemon fetch them all now, and print each location with its result",
        description="Lets the running daemon ask every location that partners' certificates name, and waits. "
        "Exit status: 0 each said what is in use now, 1 some failed, 3 all did, or the daemon is silent.",
    )
    refresh.add_argument(
        "--timeout",
        type=int,
        default=_TIMEOUT,
        metavar="SECONDS",
        help="how long to wait (default: %(default)s)",
    )
    refresh.add_argument("--json", action="store_true", help="print one JSON document")
    refresh.set_defaults(run=run_refresh)


def run_refresh(arguments: argparse.Namespace) -> ExitStatus:
    """Ask, wait, and print what became of each location."""
    configuration = configuration_of(arguments)
    if configuration.trust.revocation is Revocation.OFF:
        raise Problem(
            "nobody asks for revocation",
            f'{configuration.path}: trust.revocation = "off"',
            'set it to "prefer" or "require"',
        )
    reports = _asked(configuration, arguments.timeout)
    if arguments.json:
        print_json({"locations": [_document(one) for one in reports]})
    elif reports:
        print_table(("location", "kind", "result"), map(_row, reports))
    else:
        note("no certificate of a partner names a location of lists or a responder: there was nobody to ask")
    for fix in dict.fromkeys(one.fix for one in reports if one.fix):
        note(fix)
    failed = [one for one in reports if one.failure]
    if not failed:
        return ExitStatus.DONE
    return ExitStatus.NO_ANSWER if len(failed) == len(reports) else ExitStatus.DIFFERENCE


def _asked(configuration: Configuration, timeout: float) -> tuple[LocationReport, ...]:
    """Return what became of each location; raises Problem where the daemon does not tell in time."""
    requests = RefreshRequests(configuration.state)
    try:
        token = requests.ask()
    except FileNotFoundError as error:
        raise _silent(configuration) from error
    started = time.monotonic()
    try:
        with progress() as report:
            while (reports := requests.answer(token)) is None:
                waited = time.monotonic() - started
                if waited > _TAKEN_SECONDS and not requests.is_taken(token):
                    raise _silent(configuration)
                if waited > timeout:
                    raise Problem(
                        f"some servers have not answered after {timeout:g} seconds",
                        "the revocation lists and responders of partners' certificates",
                        "give more time with --timeout, or read the daemon's log for revocation-not-fetched",
                        ExitStatus.NO_ANSWER,
                    )
                if report:
                    report("waiting for lists and answers", None, 0)
                time.sleep(_PAUSE_SECONDS)
    finally:
        requests.withdraw(token)
    return tuple(sorted(reports, key=lambda one: (one.url, one.certificate)))


def _silent(configuration: Configuration) -> Problem:
    return Problem(
        "the daemon does not answer",
        str(configuration.state),
        "start it with `systemctl start domain-secure` or `domain-secure serve`, and read its log",
        ExitStatus.NO_ANSWER,
    )


def _row(one: LocationReport) -> tuple[str, str, str]:
    result = f"failed: {one.failure}" if one.failure else "fetched"
    if one.until:
        result += f"; {'what is at hand' if one.failure else 'it'} holds until {one.until:%Y-%m-%d %H:%M} UTC"
    about = f" (for {one.certificate})" if one.kind == "OCSP" else ""
    return one.url, one.kind, f"{result}{about}"


def _document(one: LocationReport) -> dict[str, Any]:
    return {
        "url": one.url,
        "kind": one.kind,
        "certificate": one.certificate,
        "result": "failed" if one.failure else "fetched",
        "detail": one.failure or None,
        "fix": one.fix or None,
        "until": one.until and one.until.isoformat(),
    }

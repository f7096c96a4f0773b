"""``domain-secure status``: the state of this edge on one screen."""

import argparse
from datetime import datetime
from typing import Any

from domain_secure.commands.log.log_level_document import told
from domain_secure.commands.terminal.common import configuration_path, print_json, print_table
from domain_secure.commands.terminal.documents import add_json
from domain_secure.commands.terminal.fitting import fitted
from domain_secure.commands.terminal.plugin_output import add_nagios, judged, refuse_timeout
from domain_secure.commands.terminal.watching import count, seconds, watch
from domain_secure.policy.bypass.words import in_words
from domain_secure.policy.certificates.presented_names import some
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .agreements import agreement_lines
from .one_partner import run_partner
from .status_document import COUNTERS, status_document

_PAUSE = 2.0
_LABEL = 15  #: columns in front of what is told
_SHOWN_DOMAINS = 50
_LATE_SECONDS = 60
#: Parts whose failure is told, and is no failure of the edge to do its work.
_TOLD_ONLY = frozenset({"log", "selfproof"})
_URGENCY = {"ends-soon": "renew", "ends-very-soon": "renew now", "ended": "renew now"}
_TOLD_BELOW = frozenset(
    {"configuration", "tables", "log", "selfproof"}
)  #: parts that have lines of their own


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``status``."""
    del command
    parser.add_argument("domain", nargs="?", metavar="DOMAIN", help="one partner, in both directions")
    form = parser.add_mutually_exclusive_group()
    add_json(form)
    add_nagios(parser, form)
    form.add_argument(
        "--watch",
        type=seconds,
        nargs="?",
        const=_PAUSE,
        metavar="SECONDS",
        help=f"look again every so many seconds until Ctrl-C (default: {_PAUSE:g})",
    )
    parser.add_argument("--count", type=count, metavar="N", help="with --watch: end after N looks")
    parser.add_argument(
        "--fleet", action="store_true", help="the counters of all edges of the fleet together, and of each"
    )
    parser.set_defaults(run=status)


def status(arguments: argparse.Namespace) -> ExitStatus:
    """Print the state of this edge.

    1 when the file on disk is not what the daemon runs, 3 when the daemon does not answer.
    """
    if arguments.count and not arguments.watch:
        raise Problem("--count is about --watch", "status --count", "add --watch, or leave --count out")
    if arguments.domain and (arguments.fleet or arguments.nagios):
        other = "--fleet" if arguments.fleet else "--nagios"
        raise Problem("all is asked for, and one partner", f"{other} DOMAIN", "give one of them")
    refuse_timeout(arguments)
    if arguments.nagios:
        return _as_plugin(arguments)
    look = _fleet_counters if arguments.fleet else run_partner if arguments.domain else _edge
    if arguments.watch:
        watch(lambda: look(arguments), arguments.watch, arguments.count)
        return ExitStatus.DONE
    return look(arguments)


def _as_plugin(arguments: argparse.Namespace) -> ExitStatus:
    if arguments.fleet:
        raise Problem(
            "the counters of a fleet are no state", "--fleet --nagios", "ask each edge without --fleet"
        )
    from .status_plugin import judge  # noqa: PLC0415 - nobody else looks at it as the status page does

    return judged(configuration_path(arguments), ["status"], arguments.timeout, judge)


def _fleet_counters(arguments: argparse.Namespace) -> ExitStatus:
    # Loads requests, for which a machine that stands alone should not pay.
    from domain_secure.commands.fleet.fleet_counters import run_counters  # noqa: PLC0415

    return run_counters(arguments)


def _edge(arguments: argparse.Namespace) -> ExitStatus:
    document = status_document(configuration_path(arguments))
    if arguments.json:
        print_json(document)
    else:
        with fitted(_LABEL):
            _print(document)
    if document["daemon"]["problem"]:
        return ExitStatus.NO_ANSWER
    broken = document["daemon"]["unwell"].keys() - _TOLD_ONLY
    is_well = not broken and not document["configuration"]["problem"]
    return ExitStatus.DONE if is_well else ExitStatus.DIFFERENCE


def _print_fleet(fleet: dict[str, Any] | None) -> None:
    if fleet is None:
        return
    heard = f"store last heard of {fleet['store_last_answered'] or 'never'}"
    print(f"fleet          {fleet['node']} holds revision {fleet['revision']}, {heard}; see `fleet status`")
    if fleet["problem"]:
        print(f"               NOT the newest: {fleet['problem']}")


def _print(document: dict[str, Any]) -> None:
    _print_daemon(document)
    if document["connectors_problem"]:
        print(f"Postfix        {document['connectors_problem']}")
    if document["connectors"]:
        print()
        print_table(
            ("connector", "direction", "routing", "FQDN", "certificate", "domain security", "protocol log"),
            [_connector_row(one) for one in document["connectors"]],
        )
    _print_ends(document)
    print()
    if document["domains"]:
        shown = document["domains"][:_SHOWN_DOMAINS]
        print_table(
            ("domain", "receive", "send", "mode", *COUNTERS, "held", "asks for our certificate"),
            [
                (
                    one["domain"],
                    "yes" if one["receive"] else "no",
                    "yes" if one["send"] else "no",
                    one["mode"],
                    *one["counters"].values(),
                    _held(one),
                    one["asks_for_our_certificate"] if one["send"] else "",
                )
                for one in shown
            ],
        )
        if more := len(document["domains"]) - len(shown):
            print(f"and {more} more: --json has them all")
        print(since_line(document["counted_since"]))
    elif document["configuration"]["problem"]:
        why = "is not applied" if document["configuration"]["readable"] else "may not be read"
        print(f"the lists are not shown: the configuration {why}, see above")
    else:
        print("no domain is listed: add one with `domain-secure receive add` or `domain-secure send add`")


def since_line(since: dict[str, str | None]) -> str:
    """Return since when the counters count."""
    if not any(since.values()):
        return "the numbers are not known: nothing was counted yet, or it cannot be read"
    received, sent = (
        f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d %H:%M}" if iso else "a time not known"
        for iso in (since["receive"], since["send"])
    )
    return f"received is counted since {received}, sent since {sent}; a restart changes nothing"


def _held(domain: dict[str, Any]) -> str:
    if not domain["send"]:
        return ""
    return "not known" if domain["waiting"] is None else str(domain["waiting"])


def _print_tables_problem(problem: str | None) -> None:
    if problem is not None:
        print(f"tables         NOT UP TO DATE: {problem}")


def _print_self_proof(proof: dict[str, Any]) -> None:
    standing, when = proof.get("standing"), ""
    if tried := proof.get("tried"):
        when = f" at {datetime.fromisoformat(tried).astimezone():%Y-%m-%d %H:%M}"
    if standing == "failed":
        print(f"self-proof     FAILED{when}: {proof['detail']}: see `domain-secure check`")
    elif standing == "stale":
        print(f"self-proof     NOT PROVED any more: {proof['detail']}")
    elif standing is not None:
        word = f"proved{when}" if standing == "proved" else standing.replace("-", " ")
        print(f"self-proof     {word}: {proof['detail']}")


def _print_log(log: dict[str, Any]) -> None:
    if log.get("detail"):
        print(f"Postfix's log  NOT COUNTED FROM ({log['standing']}): {log['detail']}")


def _print_running(daemon: dict[str, Any]) -> None:
    print(
        f"daemon         {daemon['version']}, pid {daemon['pid']}, runs the configuration "
        f"{daemon['configuration_in_force']}"
    )
    for name, reason in daemon["unwell"].items():
        if name not in _TOLD_BELOW:
            print(f"{name:<14} NOT WELL: {reason}")
    _print_tables_problem(daemon["tables_problem"] or daemon["unwell"].get("tables"))
    _print_self_proof(daemon["self_proof"] or {})
    _print_log(daemon["postfix_log"] or {})


def _print_passing(document: dict[str, Any]) -> None:
    """Print what holds for a while only."""
    for one in document["promotions"] or ():
        print(f"promotion      {one['domain']} waits for a clean time of {one['days']}d, for {one['by']}")
    if document["promotions"] is None:
        print("promotion      not known: see `domain-secure promote`")
    for one in document["bypasses"] or ():
        print(f"BYPASS         {one['domain']}: {in_words(one)}")


def _print_daemon(document: dict[str, Any]) -> None:
    configuration, daemon = document["configuration"], document["daemon"]
    print(f"configuration  {configuration['path']}")
    if configuration["problem"]:
        state = "NOT APPLIED" if configuration["readable"] else "not looked at"
        print(f"               {state}: {configuration['problem']}")
    if daemon["problem"]:
        print(f"daemon         {daemon['problem']}")
    else:
        _print_running(daemon)
    _print_passing(document)
    if document["not_in_force"]:
        print(f"send list      NOT YET IN FORCE: {document['not_in_force']}")
    _print_fleet(document["fleet"])
    if document["pending_certificates"]:
        print(f"pending        {document['pending_certificates']} unknown certificates, see `pending`")
    _print_unknown(document)
    for line in agreement_lines(document["agreements"]):
        print(line)
    for direction, levels in (document["protocol_log"] or {}).items():
        print(f"{f'log {direction}':<14} {told(levels)}")
    if (lag := document["log_lag_seconds"]) and lag > _LATE_SECONDS:
        print(f"Postfix's log  not read to its end for {lag:.0f} s: see log-not-followed in the daemon's log")


def _print_unknown(document: dict[str, Any]) -> None:
    for name, key in (
        ("bypasses", "bypasses_problem"),
        ("pending", "pending_problem"),
        ("protocol log", "protocol_log_problem"),
        ("history", "history_problem"),
        ("renewals", "renewals_problem"),
    ):
        if document[key]:
            print(f"{name:<14} not known: {document[key]}")


def _connector_row(connector: dict[str, Any]) -> tuple[str, ...]:
    return (
        connector["name"],
        connector["direction"],
        connector["routing"] or "-",
        connector["fqdn"],
        _shown_certificate(connector["certificate"]),
        connector["state"],
        connector["protocol_log"],
    )


def _shown_certificate(certificate: dict[str, Any] | None) -> str:
    if certificate is None:
        return "none"
    if certificate["problem"]:
        return f"{certificate['file']}: {certificate['problem']}"
    return "for the FQDN" if certificate["covers_fqdn"] else f"NOT for the FQDN: {some(certificate['names'])}"


def _print_ends(document: dict[str, Any]) -> None:
    for one in document["renewals"]:
        print(f"renewal        {one['standing'].upper()}: {one['path']}: {one['detail']}")
        if one["fix"]:
            print(f"               {one['fix']}")
    for one in document["certificates"]:
        if one["role"] != "unused" and (urgency := _URGENCY.get(one["expiry"])):
            left = (
                "has ended"
                if one["expiry"] == "ended"
                else f"{one['days_left']} day{'s' * (one['days_left'] != 1)} left"
            )
            print(f"{urgency:<14} certificate of {one['name']} ({one['role']}): {left}")
    for one in document["revocation_lists"]:
        # Lists live for days only, and are fetched anew in time; one that has ended was not.
        if one["days_left"] < 0:
            print(f"out of date    revocation list of {one['issuer']}: ended {one['ends']}")

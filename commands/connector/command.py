"""``domain-secure connector``: list, show and switch what Exchange calls connectors.

Owns: the arguments and the words.  What a switch does is ``switching``'s, the log level ``connector_log``'s.
"""

import argparse
import time
from dataclasses import dataclass
from typing import Any

from domain_secure.commands.attach.attach import print_plan, say_where_mail_goes
from domain_secure.commands.terminal.common import (
    add_to_document,
    already_so,
    configuration_of,
    configuration_path,
    note,
    print_json,
    print_table,
)
from domain_secure.policy.configuration.configuration import Configuration, LogLevel
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.suggestions import did_you_mean, nearest
from domain_secure.postfix.findings.domain_security import State
from domain_secure.postfix.instance.listings import remembering
from domain_secure.postfix.instance.programs import PostfixInstance

from . import connector_log
from .connector_document import connectors_document
from .switching import Switch, carry_out, plan_switch

_SECURE, _LOG = "domain-secure", "protocol-log"
_SECONDS, _PAUSE = 10.0, 0.1
_VALUES: dict[str, tuple[str, ...]] = {
    _SECURE: ("on", "off"),
    _LOG: (*LogLevel, connector_log.DEFAULT),
}


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``connector``."""
    del command
    actions = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    listing = actions.add_parser("list", help="print every connector, and whether domain security is on")
    listing.set_defaults(run=run_list)
    show = actions.add_parser("show", help="print one connector")
    show.set_defaults(run=run_show)
    change = actions.add_parser(
        "set",
        help="switch domain security of one connector, or say how much is logged of it",
        description=f"{_SECURE}=on|off does for this service what attach and detach do for all. "
        f"{_LOG}={'|'.join(_VALUES[_LOG])}: `default` is the level of `log receive` or `log send`.",
    )
    change.set_defaults(run=run_set)
    for action in (listing, show, change):
        action.add_argument("--json", action="store_true", help="print one JSON document")
    for action in (show, change):
        action.add_argument("name", metavar="NAME", help="as `connector list` has it, for example smtp/inet")
    change.add_argument("values", nargs="+", metavar="KEY=VALUE", help=f"{_SECURE}=on, {_LOG}=verbose")
    change.add_argument("--dry-run", action="store_true", help="print what would change, and change nothing")


@remembering()
def run_list(arguments: argparse.Namespace) -> ExitStatus:
    """Print every connector, asked of Postfix."""
    configuration, instance = _place(arguments)
    document = connectors_document(configuration, instance)
    if arguments.json:
        print_json(document)
        return ExitStatus.DONE
    print_table(
        ("connector", "direction", "domain security", "protocol log", "FQDN", "routing", "TLS"),
        [
            (
                one["name"],
                one["direction"],
                one["state"],
                one["protocol_log"],
                one["fqdn"],
                one["routing"] or "-",
                one["tls"],
            )
            for one in document["connectors"]
        ],
    )
    for one in document["connectors"]:
        if one["detail"] and one["state"] in {State.PARTLY, State.UNKNOWN}:
            print(f"{one['name']}: {one['detail']}")
    _print_surroundings(document)
    return ExitStatus.DONE


def _print_surroundings(document: dict[str, Any]) -> None:
    """Print what the table does not show: whether Postfix goes by it, and what was not looked at."""
    if document["running"] is False:
        print(f"the Postfix of {document['config_directory']} does not run")
    if document["running_problem"]:
        print(f"not looked at: whether Postfix goes by its files: {document['running_problem']}")
    for one in document["other_instances"]:
        print(f"not looked at: another instance of Postfix, {one['name']}: {one['config_directory']}")
    if document["other_instances_problem"]:
        print(f"not looked at: other instances of Postfix: {document['other_instances_problem']}")


@remembering()
def run_show(arguments: argparse.Namespace) -> ExitStatus:
    """Print one connector, in the words of the table."""
    configuration, instance = _place(arguments)
    found = _found(connectors_document(configuration, instance), arguments.name)
    if arguments.json:
        print_json(found)
    else:
        print_table(("key", "value"), list(_rows(found)))
    return ExitStatus.DONE


def _rows(one: dict[str, Any]) -> list[tuple[str, str]]:
    certificate = one["certificate"]
    shown = "none" if certificate is None else certificate["problem"] or ", ".join(certificate["names"])
    rows = [
        ("name", one["name"]),
        ("direction", one["direction"]),
        ("domain security", f"{one['state']}{': ' if one['detail'] else ''}{one['detail'] or ''}"),
        ("protocol log", f"{one['protocol_log']}{'' if one['protocol_log_own'] else ' (of the direction)'}"),
        ("FQDN", one["fqdn"]),
        ("TLS", one["tls"]),
        ("certificate", shown),
    ]
    if one["routing"] is not None:
        rows.append(("routing", one["routing"]))
    return rows


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What one connector is to have; None: as it is."""

    is_on: bool | None
    level: str | None


@remembering()
def run_set(arguments: argparse.Namespace) -> ExitStatus:
    """Switch one connector, and say what it was and what it is, once Postfix and the daemon were asked."""
    wanted = _wanted(arguments.values)
    configuration, instance = _place(arguments)
    before = _found(connectors_document(configuration, instance), arguments.name)
    name, direction = before["name"], before["direction"]
    changes: tuple[str, ...] = ()
    switch = None
    if wanted.is_on is not None:
        switch = plan_switch(configuration, instance, name, direction, on=wanted.is_on)
        changes = switch.plan.changes
    has_level = wanted.level is None or connector_log.is_so(configuration, name, direction, wanted.level)
    files = [str(instance.config_directory / one) for one in changes]
    files += [] if has_level else [str(configuration.path)]
    if arguments.dry_run:
        _print_dry(before, wanted, switch, has_level=has_level)
        add_to_document(_answer(instance, before, None, files))
        return ExitStatus.DONE
    if switch is not None and changes:
        for line in carry_out(switch, configuration, instance):
            print(line)
    if wanted.level is not None and not has_level:
        if not connector_log.set_level(configuration_path(arguments), name, direction, wanted.level):
            note("no daemon runs that goes by this configuration; it will from its start on")
        print(f"changed {configuration.path}")
    after = _verified(arguments, name, wanted)
    _tell(before, after, already=not files)
    status = ExitStatus.DONE
    if wanted.is_on and direction == "send":
        status = say_where_mail_goes(_place(arguments)[0], instance)
    add_to_document(_answer(instance, before, after, files))
    return status


def _answer(
    instance: PostfixInstance, before: dict[str, Any], after: dict[str, Any] | None, changed: list[str]
) -> dict[str, Any]:
    return {
        "config_directory": str(instance.config_directory),
        "before": before,
        "after": after,
        "changed": changed,
    }


def _print_dry(before: dict[str, Any], wanted: _Wanted, switch: Switch | None, *, has_level: bool) -> None:
    changes = switch is not None and bool(switch.plan.changes)
    if switch is not None and changes:
        print(f"{before['name']} {_SECURE}: {before['state']} -> {'on' if wanted.is_on else 'off'}")
        print_plan(switch.plan)
    if not has_level:
        print(f"{before['name']} {_LOG}: {before['protocol_log']} -> {wanted.level}")
    if not changes and has_level:
        already_so(_told(before))


def _verified(arguments: argparse.Namespace, name: str, wanted: _Wanted) -> dict[str, Any]:
    """Return the connector as Postfix has it now; raises Problem where that is not what was asked for."""
    due = time.monotonic() + _SECONDS
    while True:
        configuration, instance = _place(arguments)
        document = connectors_document(configuration, instance)
        # Postfix ends its queue manager at a reload, and starts the next one a moment later.
        if not document["unread"] or wanted.is_on is None or time.monotonic() > due:
            break
        time.sleep(_PAUSE)
    after = _found(document, name)
    meant = None if wanted.is_on is None else State.ON if wanted.is_on else State.OFF
    if meant not in {None, after["state"]}:
        what = f"domain security is {after['state']} and not {meant}"
        is_unread = after["state"] == State.UNKNOWN
        raise Problem(
            f"{what}: {after['detail']}" if after["detail"] else what,
            f"{instance.config_directory}: {after['name']}",
            "postfix reload" if is_unread else "mend what it names; main.cf may say it for every service",
            ExitStatus.DIFFERENCE,
        )
    return after


def _tell(before: dict[str, Any], after: dict[str, Any], *, already: bool) -> None:
    if already:
        already_so(_told(after))
        return
    for key, title in (("state", _SECURE), ("protocol_log", _LOG)):
        if before[key] != after[key]:
            print(f"{after['name']} {title}: {before[key]} -> {after[key]}")


def _told(one: dict[str, Any]) -> str:
    return f"{one['name']} has {_SECURE}={one['state']} {_LOG}={one['protocol_log']}"


def _wanted(arguments: list[str]) -> _Wanted:
    """Return what KEY=VALUE arguments ask for; raises Problem."""
    found: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals:
            raise Problem("this is not KEY=VALUE", repr(argument), f"write for example {_SECURE}=on")
        if key not in _VALUES:
            hint = did_you_mean(nearest(key, _VALUES))
            raise Problem(f"a connector has no {key!r}{hint}", argument, f"known are {', '.join(_VALUES)}")
        if value not in _VALUES[key]:
            raise Problem(f"{value!r} is no value of {key}", argument, f"write {' or '.join(_VALUES[key])}")
        if found.setdefault(key, value) != value:
            raise Problem(f"{key} is given twice", argument, "leave one of them")
    secure = found.get(_SECURE)
    return _Wanted(None if secure is None else secure == "on", found.get(_LOG))


def _found(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the connector that is called so, by its whole name, or without its type where that is enough."""
    there: list[dict[str, Any]] = document["connectors"]
    names = [one["name"] for one in there]
    found = [one for one in there if one["name"] == name]
    found = found or [one for one in there if one["name"].rpartition("/")[0] == name]
    if len(found) == 1:
        return found[0]
    if found:
        what, fix = f"there are {len(found)} of them", f"write {' or '.join(one['name'] for one in found)}"
    else:
        what = f"there is no such connector{did_you_mean(nearest(name, names))}"
        fix = f"write one of {', '.join(names)}"
    raise Problem(what, name, fix)


def _place(arguments: argparse.Namespace) -> tuple[Configuration, PostfixInstance]:
    configuration = configuration_of(arguments)
    return configuration, PostfixInstance(configuration.config_directory)

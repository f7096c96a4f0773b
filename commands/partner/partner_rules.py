"""``domain-secure partner list``, ``reset``, ``unpin`` and ``remove``: whom we have, and what ends.

Owns: the words; edits are ``policy/editing``'s.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from domain_secure.commands.fleet.fleet_wait import add_no_wait, add_wait
from domain_secure.commands.in_force.receiving import in_force
from domain_secure.commands.terminal.common import (
    add_to_document,
    already_so,
    configuration_of,
    note,
    policy_store,
    print_json,
    print_table,
)
from domain_secure.commands.terminal.listed import add_force, covering, meant, quoted
from domain_secure.policy.configuration.configuration import Configuration, Method
from domain_secure.policy.configuration.settings import PARTNER, settings_of
from domain_secure.policy.editing.editing import ListName, parse_entries, remove
from domain_secure.policy.editing.partner_editing import set_values
from domain_secure.policy.editing.partner_removal import remove_pins, remove_rule
from domain_secure.policy.onboarding.kept_onboarding import forget_onboarding
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.suggestions import did_you_mean, nearest

from .rule_in_force import entry_and_check, rule_in_force, tell_written
from .spelled_pin import spelled_pins

_PINS = ("pins", "timed_pins")


def add_parsers(actions: Any) -> None:
    """Declare ``list``, ``reset``, ``unpin`` and ``remove`` among the actions of ``partner``."""
    listing = actions.add_parser("list", help="print every partner: its lists, mode, methods and rule")
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    listing.set_defaults(run=run_list)
    reset = actions.add_parser("reset", help="let keys of a partner go back to their defaults")
    reset.set_defaults(run=run_reset)
    unpin = actions.add_parser("unpin", help="believe a pin no more")
    unpin.set_defaults(run=run_unpin)
    removal = actions.add_parser("remove", help="take a partner off both lists, with its rule")
    removal.set_defaults(run=run_remove)
    for action in (reset, unpin, removal):
        action.add_argument("domain", metavar="DOMAIN", help="the partner, as on the list")
        add_wait(action)
        add_no_wait(action)
    for action in (reset, unpin):
        add_force(action, "go on")
    reset.add_argument("keys", nargs="+", metavar="KEY", help=f"one of {', '.join(settings_of(PARTNER))}")
    unpin.add_argument("pins", nargs="+", metavar="PIN", help="as shown, in any spelling")


def run_list(arguments: argparse.Namespace) -> ExitStatus:
    """Print a row for each list entry, and for each rule that no entry follows."""
    configuration = configuration_of(arguments)
    entries = dict.fromkeys((*configuration.receive, *configuration.send, *configuration.partners))
    documents = [_document(configuration, entry) for entry in entries]
    if arguments.json:
        print_json({"partners": documents})
    elif documents:
        print_table(
            ("domain", "receive", "send", "mode", "methods", "send method", "pins", "rule"),
            [
                (
                    one["domain"],
                    "yes" if one["receive"] else "no",
                    "yes" if one["send"] else "no",
                    one["mode"],
                    ", ".join(one["methods"]),
                    one["send_method"],
                    len(one["pins"]),
                    one["rule"],
                )
                for one in documents
            ],
        )
    else:
        print("no partner: add one with `domain-secure receive add` or `domain-secure send add`")
    return ExitStatus.DONE


def _document(configuration: Configuration, entry: Entry) -> dict[str, Any]:
    partner = configuration.partner(entry)
    return {
        "domain": entry,
        "receive": entry in configuration.receive,
        "send": entry in configuration.send,
        "mode": partner.mode,
        "methods": list(partner.methods),
        "send_method": partner.send_method,
        "pins": sorted(map(str, partner.pins)),
        "rule": partner.entry if partner.entry in configuration.partners else "defaults",
    }


def run_reset(arguments: argparse.Namespace) -> ExitStatus:
    """Take keys out of a partner's table."""
    check_keys(arguments.keys, settings_of(PARTNER))
    store = policy_store(arguments)
    entry, check = entry_and_check(arguments, "partner reset")
    written = set_values(store, arguments.domain, dict.fromkeys(arguments.keys, ""), check=check)
    tell_written(arguments, written, f"{entry} has {' and '.join(arguments.keys)} by default")
    return rule_in_force(arguments, store, arguments.keys)


def check_keys(keys: Iterable[str], known: Sequence[str] | Mapping[str, object]) -> None:
    """Raise the Problem of a key that is none of those *known*, with the one that may be meant."""
    for key in keys:
        if key not in known:
            near = did_you_mean(nearest(key, known))
            raise Problem(f"unknown key of a partner{near}", key, f"write one of {', '.join(known)}")


def run_unpin(arguments: argparse.Namespace) -> ExitStatus:
    """Take pins out of a partner's table."""
    store = policy_store(arguments)
    pins = spelled_pins(configuration_of(arguments), arguments.pins)
    entry, check = entry_and_check(arguments, "partner unpin")
    written = remove_pins(store, arguments.domain, pins, check)
    tell_written(arguments, written, f"not pinned for {entry}: {', '.join(map(str, pins))}")
    partner = configuration_of(arguments).partner(entry)
    if not partner.pins and not partner.timed_pins and set(partner.methods) == {Method.PIN}:
        note(f"nothing is pinned for {entry} now, and its methods are pin alone: nothing passes")
    return rule_in_force(arguments, store, _PINS)


def run_remove(arguments: argparse.Namespace) -> ExitStatus:
    """Take a partner off both lists, then its rule out: at no moment is it listed without its rule."""
    store = policy_store(arguments)
    (entry,) = parse_entries([arguments.domain])
    changes = {name: remove(store, name, [arguments.domain]) for name in ListName}
    left = [name for name, change in changes.items() if change.removed]
    for name in left:
        print(f"{entry}: removed from the {name} list")
    rule = remove_rule(store, arguments.domain)
    _forget(configuration_of(arguments), entry)
    if rule:
        print(f"{entry}: its rule is removed")
    files = list(dict.fromkeys(map(str, chain(*(changes[name].files for name in left), rule))))
    add_to_document({"domain": entry, "removed_from": left, "written": files})
    configuration = configuration_of(arguments)
    if not left and not rule:
        lists = (configuration.receive, configuration.send)
        already_so(f"{entry} is on no list and has no rule{meant(entry, lists)}")
        return ExitStatus.DONE
    print(f"written: {', '.join(files)}")
    _tell_what_is_left(configuration, entry)
    return in_force(
        arguments,
        store,
        receiving=ListName.RECEIVE in left,
        sent_to=(entry,) if ListName.SEND in left else (),
    )


def _forget(configuration: Configuration, entry: Entry) -> None:
    """Begin anew with a partner that comes back; where that cannot be, nothing but times are wrong."""
    try:
        forget_onboarding(configuration.state, entry)
    except (Problem, OSError) as problem:
        note(f"how far `partner add` came with {entry} is not forgotten: {problem}")


def _tell_what_is_left(configuration: Configuration, entry: Entry) -> None:
    for name in ListName:
        if (above := covering(name.of(configuration), entry)) is not None:
            note(f"{entry} is still on the {name} list, as {above}")
    note(f"certificates of it that are known stay so: see `domain-secure partner cert list {quoted(entry)}`")

"""``domain-secure partner``: what is demanded of one partner, and its pins and certificates."""

import argparse
from collections.abc import Collection, Mapping
from contextlib import closing
from itertools import chain
from typing import Any

from domain_secure.commands.fleet.fleet_wait import add_no_wait, add_wait, waited
from domain_secure.commands.terminal.common import (
    configuration_of,
    note,
    policy_store,
    print_json,
    print_table,
)
from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.certificates.gateways import RECIPES
from domain_secure.policy.configuration.configuration import Configuration, Partner
from domain_secure.policy.configuration.setting_kinds import node_name
from domain_secure.policy.configuration.settings import PARTNER, settings_of
from domain_secure.policy.editing.draft import Written
from domain_secure.policy.editing.editing import parse_entries
from domain_secure.policy.editing.gateway_recipe import GATEWAY, with_recipe
from domain_secure.policy.editing.partner_editing import add_pins, set_values
from domain_secure.policy.editing.policy_store import FileStore, PolicyStore
from domain_secure.policy.terms.domain import Entry, entry_base
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import ExitStatus, Problem

from . import partner_certificate
from .spelled_pin import spelled_pin

#: The keys of a partner by which mail is sent to it.
SENDING = frozenset(
    {"names", "send_names", "send_method", "pins", "minimum_tls", "mx", "via", "servername", "send_ca_file"}
)


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``partner``."""
    del command
    actions = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    show = actions.add_parser("show", help="print the rule for a partner")
    show.add_argument("--json", action="store_true", help="print one JSON document")
    show.set_defaults(run=run_show)
    change = actions.add_parser(
        "set",
        help="set keys of a partner",
        description=f"Keys: {', '.join(settings_of(PARTNER))}. Separate the elements of a list by commas. "
        f"KEY= goes back to the default. {GATEWAY}=WORD sets the names that the certificates of a shared "
        f"mail gateway have, by direction, and require=dkim; WORD is one of {', '.join(RECIPES)}.",
    )
    change.set_defaults(run=run_set)
    pin = actions.add_parser("pin", help="believe a certificate or a public key by its digest")
    pin.set_defaults(run=run_pin)
    for action in (show, change, pin):
        action.add_argument("domain", metavar="DOMAIN", help="the partner, as on the list")
    change.add_argument(
        "--nodes",
        type=lambda text: tuple(node_name(name.strip()) for name in text.split(",")),
        default=(),
        metavar="NODE,…",
        help="in a fleet: on these nodes alone, until the key is set without --nodes",
    )
    for action in (change, pin):
        add_wait(action)
        add_no_wait(action)
    change.add_argument("values", nargs="+", metavar="KEY=VALUE", help="for example send_method=dane")
    pin.add_argument(
        "pins", nargs="+", metavar="PIN", help="sha256:DIGEST or spki-sha256:DIGEST, in any spelling"
    )
    partner_certificate.add_parser(actions)


def run_show(arguments: argparse.Namespace) -> ExitStatus:
    """Print the rule that holds for a domain, with all defaults filled in."""
    configuration = configuration_of(arguments)
    (entry,) = parse_entries([arguments.domain])
    document = _document(configuration, entry)
    if arguments.json:
        print_json(document)
        return ExitStatus.DONE
    problem = document.pop("certificates_problem")
    rows = [(key, _plain(value)) for key, value in document.items() if value is not None]
    if problem is not None:
        rows.append(("certificates", f"not known: {problem}"))
    print_table(("key", "value"), rows)
    return ExitStatus.DONE


def _document(configuration: Configuration, entry: Entry) -> dict[str, Any]:
    receive, send = _covering(configuration.receive, entry), _covering(configuration.send, entry)
    # The daemon asks for the rule of the list entry, so a table of a domain that a wildcard covers is not it.
    partner = configuration.partner(receive or send or entry)
    if receive and send and configuration.partner(send) != partner:
        note(f"mail to {entry} follows another rule, see `domain-secure partner show '{send}'`")
    certificates, certificates_problem = _certificates(configuration, {entry, receive, send})
    return {
        "domain": entry,
        "receive": receive,
        "send": send,
        "rule": _origin(configuration, partner),
        "names": list(partner.names),
        "receive_names": list(partner.client_names),
        "send_names": list(partner.server_names),
        "methods": list(partner.methods),
        "require": list(partner.require),
        "send_method": partner.send_method,
        "mode": partner.mode,
        "pins": sorted(map(str, partner.pins)),
        "minimum_tls": str(partner.minimum_tls),
        "mx": list(partner.mx),
        "via": str(partner.via) if partner.via else None,
        "servername": partner.servername,
        "send_ca_file": str(partner.send_ca_file) if partner.send_ca_file else None,
        "certificates": certificates,
        "certificates_problem": certificates_problem,
    }


def _certificates(
    configuration: Configuration, entries: Collection[Entry | None]
) -> tuple[list[str] | None, str | None]:
    """Return the certificates the book holds for the partner; or why they are not known."""
    book = CertificateBook(configuration.state / FILE_NAME)
    try:
        known = book.all()
    except Problem as problem:
        return None, str(problem)
    finally:
        book.close()
    return [
        str(one.chain[0].certificate_pin)
        for one in known
        if any(origin.entry in entries for origin in one.origins)
    ], None


def _covering(entries: DomainList, entry: Entry) -> Entry | None:
    """Return the list entry that speaks for *entry*; a wildcard speaks for itself alone."""
    if entry.startswith("*."):
        return entry if entry in entries else None
    return entries.match(entry_base(entry))


def _origin(configuration: Configuration, partner: Partner) -> str:
    return f'{PARTNER}."{partner.entry}"' if partner.entry in configuration.partners else "defaults"


def _plain(value: Any) -> str:
    return ", ".join(value) or "none" if isinstance(value, list) else str(value)


def run_set(arguments: argparse.Namespace) -> ExitStatus:
    """Set keys of a partner's table."""
    values = {}
    for argument in arguments.values:
        key, equals, value = argument.partition("=")
        if not equals:
            raise Problem("this is not KEY=VALUE", repr(argument), "write for example mode=observe")
        values[key.strip()] = value.strip()
    store = policy_store(arguments)
    if arguments.nodes and isinstance(store, FileStore):
        raise Problem("this machine is not part of a fleet", "--nodes", "leave it out")
    _report(arguments, set_values(store, arguments.domain, values, arguments.nodes))
    if values.get(GATEWAY):
        _tell_recipe(arguments.domain, with_recipe(values))
    return _finished(arguments, store, with_recipe(values))


def _tell_recipe(domain: str, values: Mapping[str, str]) -> None:
    """Say what a recipe set, and what the certificate of a gateway does not prove."""
    for key in ("receive_names", "send_names", "require"):
        print(f"{key:<13} {', '.join(values[key].split(',')) or 'none'}")
    if values["require"]:
        note(
            f"all customers of the gateway share its certificates: mail from {domain} is let in only with a "
            "DKIM signature of its own domain besides; see docs/gateways.md"
        )
    else:
        note(
            f"all customers of the gateway share its certificates, and without require=dkim each of them may "
            f"send as {domain}; see docs/gateways.md"
        )


def run_pin(arguments: argparse.Namespace) -> ExitStatus:
    """Append pins to a partner's table."""
    store = policy_store(arguments)
    with closing(CertificateBook(configuration_of(arguments).state / FILE_NAME)) as book:
        pins = [spelled_pin(argument, book) for argument in arguments.pins]
    _report(arguments, add_pins(store, arguments.domain, pins))
    return _finished(arguments, store, ("pins",))


def _finished(arguments: argparse.Namespace, store: PolicyStore, keys: Collection[str]) -> ExitStatus:
    """Wait until what is sent, and how, follows a change of *keys*; others wait in a fleet where asked to."""
    configuration = configuration_of(arguments)
    (entry,) = parse_entries([arguments.domain])
    entries = [one for one in configuration.send if configuration.partner(one).entry == entry]
    # Of a partner whose table has no key left the rule of another entry holds: then it is its own entry.
    entries = entries or [one for one in configuration.send if one == entry]
    if not entries or SENDING.isdisjoint(keys):
        return waited(arguments, store)
    # What knows Postfix takes its time to load, and other changes have no need of it.
    from domain_secure.commands.in_force.in_force import finished  # noqa: PLC0415

    return finished(arguments, store, entries)


def _report(arguments: argparse.Namespace, files: tuple[Written, ...]) -> None:
    """Say what was written, and warn where it has no effect."""
    print(f"written: {', '.join(map(str, files))}" if files else "nothing to change")
    configuration = configuration_of(arguments)
    (entry,) = parse_entries([arguments.domain])
    used = (
        configuration.partner(listed).entry for listed in chain(configuration.receive, configuration.send)
    )
    if entry in configuration.partners and entry not in used:
        note(
            f"this has no effect yet: no entry of either list follows the rule of {entry}; "
            f"see `domain-secure receive add` and `domain-secure send add`"
        )

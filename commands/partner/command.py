"""``domain-secure partner``: what is demanded of one partner, and its pins and certificates."""

import argparse
from collections.abc import Collection, Mapping
from typing import Any

from domain_secure.commands.bypass import command as bypass
from domain_secure.commands.bypass.bypass_document import bypasses_document
from domain_secure.commands.fleet.fleet_wait import add_no_wait, add_wait
from domain_secure.commands.invitation import command as invitation
from domain_secure.commands.onboarding.arguments import add_parser as add_onboarding
from domain_secure.commands.onboarding.standing import is_begun, standing_document, standing_in_words
from domain_secure.commands.terminal.common import (
    configuration_of,
    note,
    policy_store,
    print_json,
    print_table,
)
from domain_secure.commands.terminal.listed import add_force, covering, quoted, require_listed
from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.bypass.words import in_words
from domain_secure.policy.certificates.gateways import RECIPES
from domain_secure.policy.configuration.configuration import Configuration, Partner
from domain_secure.policy.configuration.setting_kinds import node_name
from domain_secure.policy.configuration.settings import PARTNER, settings_of
from domain_secure.policy.editing.editing import parse_entries
from domain_secure.policy.editing.gateway_recipe import GATEWAY, with_recipe
from domain_secure.policy.editing.partner_editing import add_pins, set_values
from domain_secure.policy.editing.policy_store import FileStore
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.timed_pin import time_text

from . import partner_certificate, partner_rules
from .certificate_details import certificate_details, certificate_lines
from .partner_certificates import distrusted_in
from .rule_in_force import entry_and_check, rule_in_force, tell_written
from .spelled_pin import spelled_pins

_ONBOARDING = ("onboarding", "onboarding_problem")


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
        add_force(action, "go on")
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
    add_onboarding(actions)
    partner_rules.add_parsers(actions)
    bypass.add_parser(actions)
    partner_certificate.add_parser(actions)
    invitation.add_parser(actions)


def run_show(arguments: argparse.Namespace) -> ExitStatus:
    """Print the rule that holds for a domain, with all defaults filled in."""
    configuration = configuration_of(arguments)
    (entry,) = parse_entries([arguments.domain])
    is_known = entry in configuration.partners or is_begun(configuration, entry)
    if not is_known and not arguments.force:
        require_listed(configuration, entry, f"partner show {arguments.domain}", forced=True)
    document = _document(configuration, entry)
    if arguments.json:
        print_json(document)
        return ExitStatus.DONE
    if document["bypass"] is not None:
        document["bypass"] = in_words(document["bypass"])
    problem = document.pop("certificates_problem")
    details = document.pop("certificate_details")
    onboarding = standing_in_words({key: document.pop(key) for key in _ONBOARDING})
    rows = [(key, _plain(value)) for key, value in document.items() if value is not None]
    if problem is not None:
        rows.append(("certificates", f"not known: {problem}"))
    if onboarding is not None:
        rows.append(("onboarding", onboarding))
    print_table(("key", "value"), rows)
    for detail in details or ():
        print()
        print("\n".join(certificate_lines(detail)))
    return ExitStatus.DONE


def _document(configuration: Configuration, entry: Entry) -> dict[str, Any]:
    receive, send = covering(configuration.receive, entry), covering(configuration.send, entry)
    # The daemon asks for the rule of the list entry, so a table of a domain that a wildcard covers is not it.
    partner = configuration.partner(receive or send or entry)
    if receive and send and configuration.partner(send) != partner:
        note(f"mail to {entry} follows another rule, see `domain-secure partner show {quoted(send)}`")
    bypasses, bypasses_problem = bypasses_document(configuration)
    details, distrusted, certificates_problem = _certificates(configuration, {entry, receive, send})
    listed = configuration.trust.distrusted
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
        "bypass": next((one for one in bypasses or () if one["domain"] in {entry, receive, send}), None),
        "bypasses_problem": bypasses_problem,
        "pins": sorted(map(str, partner.pins)),
        "timed_pins": list(map(str, partner.timed_pins)),
        "agreement_key": str(partner.agreement_key) if partner.agreement_key else None,
        "agreement_issued": time_text(partner.agreement_issued) if partner.agreement_issued else None,
        "agreement_until": time_text(partner.agreement_until) if partner.agreement_until else None,
        "minimum_tls": str(partner.minimum_tls),
        "mx": list(partner.mx),
        "via": str(partner.via) if partner.via else None,
        "servername": partner.servername,
        "send_ca_file": str(partner.send_ca_file) if partner.send_ca_file else None,
        "certificates": None if details is None else [one["sha256"] for one in details],
        "certificate_details": details,
        "distrusted": sorted({*map(str, partner.pins & listed), *(distrusted or ())}),
        "certificates_problem": certificates_problem,
        **standing_document(configuration, entry),
    }


def _certificates(
    configuration: Configuration, entries: Collection[Entry | None]
) -> tuple[list[dict[str, Any]] | None, list[str] | None, str | None]:
    """Return the certificates the book holds for the partner, and what of them and of the authorities they
    lead to is distrusted; or why they are not known.
    """
    book = CertificateBook(configuration.state / FILE_NAME)
    try:
        known = book.all()
    except Problem as problem:
        return None, None, str(problem)
    finally:
        book.close()
    chains = [one.chain for one in known if any(origin.entry in entries for origin in one.origins)]
    distrusted = [one for chain in chains for one in distrusted_in(chain, configuration)]
    return certificate_details(known, entries, configuration), distrusted, None


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
    partner_rules.check_keys(values, (*settings_of(PARTNER), GATEWAY))
    entry, check = entry_and_check(arguments, "partner set")
    written = set_values(store, arguments.domain, values, arguments.nodes, check)
    tell_written(arguments, written, f"{entry} has {' '.join(arguments.values)}")
    if values.get(GATEWAY):
        _tell_recipe(arguments.domain, with_recipe(values))
    for key in (key for key, value in values.items() if not value):
        plainly = f"domain-secure partner reset {quoted(entry)} {key}"
        note(f"{key} goes back to its default: `{plainly}` says it plainly")
    return rule_in_force(arguments, store, with_recipe(values))


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
    pins = spelled_pins(configuration_of(arguments), arguments.pins)
    entry, check = entry_and_check(arguments, "partner pin")
    written = add_pins(store, arguments.domain, pins, check)
    tell_written(arguments, written, f"pinned for {entry}: {', '.join(map(str, pins))}")
    return rule_in_force(arguments, store, ("pins",))

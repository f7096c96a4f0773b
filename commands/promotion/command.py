"""``domain-secure promote``: enforce a partner's rule once the days watched speak for it.

Owns: the words.  What is clean is ``policy/promotion``'s part.
"""

import argparse

from domain_secure.commands.fleet.fleet_wait import add_no_wait, add_wait
from domain_secure.commands.terminal.common import add_to_document, already_so, configuration_of
from domain_secure.commands.terminal.listed import covering, not_listed, quoted
from domain_secure.policy.configuration.configuration import Configuration, Mode
from domain_secure.policy.editing.editing import parse_entries
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import ExitStatus, Problem

from . import when_clean
from .enforcing import DAYS, MESSAGES, enforce, judged
from .judgement_text import judgement_document, judgement_lines

_MOST = 90  #: days that records are kept unless it is said otherwise


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``promote``."""
    del command
    parser.description = (
        "Judges the messages of the days watched again by the rule as it is now, and sets the partner to "
        "enforce where none would be refused that was the partner's own. Otherwise it names each, with what "
        "would mend it, and ends with 1. Without DOMAIN it lists who waits for --when-clean."
    )
    parser.add_argument("domain", nargs="?", metavar="DOMAIN", help="the partner, as on the receive list")
    parser.add_argument(
        "--days",
        type=_number,
        default=DAYS,
        metavar="N",
        help="how many must have been watched (default: %(default)s)",
    )
    parser.add_argument(
        "--messages",
        type=_number,
        default=MESSAGES,
        metavar="N",
        help="how many must have passed in these days (default: %(default)s)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--even-so", action="store_true", help="enforce, and name what speaks against it")
    how.add_argument(
        "--when-clean",
        metavar="TIME",
        help="wait until so long a time is clean, for example 14d, and enforce then",
    )
    how.add_argument("--cancel", action="store_true", help="wait no longer")
    how.add_argument("--due", action="store_true", help="enforce those that waited for what is so by now")
    add_wait(parser)
    add_no_wait(parser)
    parser.set_defaults(run=run)


def _number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 90:
        raise ValueError
    return number


def run(arguments: argparse.Namespace) -> ExitStatus:
    """Judge, and enforce where nothing speaks against it; or wait until nothing does."""
    configuration = configuration_of(arguments)
    if arguments.due:
        return when_clean.promote_due(arguments, configuration)
    if arguments.domain is None:
        if arguments.even_so or arguments.cancel or arguments.when_clean:
            raise Problem("no partner is named", "promote", "write the domain as it is on the receive list")
        return when_clean.show(configuration)
    entry = observed_entry(configuration, arguments.domain)
    if arguments.cancel:
        return when_clean.cancel(configuration, entry)
    return _promote(arguments, configuration, entry)


def _promote(arguments: argparse.Namespace, configuration: Configuration, entry: Entry) -> ExitStatus:
    if configuration.partner(entry).mode is Mode.ENFORCE:
        already_so(f"{entry} is enforced")
        add_to_document({"domain": entry, "mode": "enforce"})
        return ExitStatus.DONE
    if arguments.when_clean:
        return when_clean.wait(configuration, entry, arguments.when_clean, arguments.messages)
    watched, judgement = judged(configuration, entry, arguments.days, arguments.messages)
    add_to_document(judgement_document(watched, judgement))
    for line in judgement_lines(watched, judgement):
        print(line)
    if not judgement.is_clean and not arguments.even_so:
        print(f"{entry} stays observed: mend that, or give --even-so")
        return ExitStatus.DIFFERENCE
    return enforce(arguments, configuration, entry)


def observed_entry(configuration: Configuration, domain: str) -> Entry:
    """Return the entry of the receive list that is meant; raises Problem where its rule is another's."""
    (entry,) = parse_entries([domain])
    listed = covering(configuration.receive, entry)
    if listed is None:
        raise not_listed(configuration, entry, f"promote {domain}")
    rule = configuration.partner(listed).entry
    meant = rule if rule in configuration.partners and rule in configuration.receive else listed
    if meant != entry or (rule in configuration.partners and rule != entry):
        raise Problem(
            f"{entry} follows the rule of {rule if rule in configuration.partners else listed}",
            f"promote {domain}",
            f"write {quoted(meant)}, which enforces all of it",
            ExitStatus.DIFFERENCE,
        )
    return entry

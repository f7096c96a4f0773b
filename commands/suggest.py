"""``domain-secure suggest``: domains that could go on the send list, by what the log says of their mail."""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import configuration_of, note, print_json, print_table
from domain_secure.commands.terminal.progress import progress
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.sending.delivery import DeliveryEvent, FailureReason
from domain_secure.policy.sending.send_candidates import DomainNumbers, Readiness, numbers_of, proposed
from domain_secure.policy.terms.domain import Domain, Entry, InvalidDomainError, parse_domain
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.time_words import MOMENT_HELP, parse_moment
from domain_secure.postfix.deliveries.delivery_tracker import DeliveryTracker
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.log.log_history import lines_of_files, lines_since
from domain_secure.postfix.log.log_location import log_location

DEFAULT_SINCE = "14d"
DEFAULT_MINIMUM = 3
_SHOWN = 50
_SERVERS = 3

_MEANINGS = {
    Readiness.VERIFIED: "every message went to a verified server",
    Readiness.TRUSTED: "every message went to a server with a trusted chain; names were not compared",
    Readiness.ENCRYPTED: "every message went over TLS; the certificates were not judged, or are not trusted",
}


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``suggest``."""
    del command
    parser.description = (
        "Reads Postfix's log, rotated and compressed files included, and proposes domains all of whose mail "
        "left over TLS 1.2 or later. Changes nothing."
    )
    parser.add_argument(
        "--since", default=DEFAULT_SINCE, metavar="WHEN", help=f"{MOMENT_HELP} (default: %(default)s)"
    )
    parser.add_argument(
        "--minimum",
        type=int,
        default=DEFAULT_MINIMUM,
        metavar="MESSAGES",
        help="how many messages a domain must have got (default: %(default)s)",
    )
    parser.add_argument(
        "--file", type=Path, metavar="FILE", help="read this log instead of the one that Postfix writes"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=suggest)


def suggest(arguments: argparse.Namespace) -> ExitStatus:
    """Print the domains that may be proposed, with the numbers and the commands."""
    configuration = configuration_of(arguments)
    try:
        since = parse_moment(arguments.since, datetime.now().astimezone())
    except ValueError as error:
        raise Problem(str(error), "--since", "correct the time") from error
    if arguments.file and not arguments.file.is_file():
        raise Problem("there is no such file", str(arguments.file), "name a log file")
    numbers = numbers_of(_events(configuration, arguments.file, since), since)
    found = proposed(
        numbers.values(), arguments.minimum, lambda domain: configuration.send.match(domain) is not None
    )
    relay = _relay(configuration)
    if arguments.json:
        print_json(_document(found, since, len(numbers), relay))
    else:
        _print(found, since, len(numbers), relay)
    return ExitStatus.DONE


def _events(configuration: Configuration, file: Path | None, since: datetime) -> Iterator[DeliveryEvent]:
    with progress() as report:

        def told(done: int, total: int) -> None:
            if report:
                report("reading the log", done, total)

        if file is not None:
            names: frozenset[str] = frozenset()
            blocks = lines_of_files(file, since, told)
        else:
            location = log_location(configuration, PostfixInstance(configuration.config_directory))
            names = location.syslog_names
            blocks = lines_since(location, since, told)
        tracker = DeliveryTracker(_Everybody().find, lambda _: FailureReason.UNTRUSTED, names)
        now = datetime.now(UTC)
        for lines in blocks:
            yield from tracker.feed(lines, now)


class _Everybody:
    """Takes every domain for an entry of its own."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Domain, Entry] | None] = {}

    def find(self, written: str) -> tuple[Domain, Entry] | None:
        if written not in self._known:
            try:
                domain = parse_domain(written)
            except InvalidDomainError:
                self._known[written] = None
            else:
                self._known[written] = (domain, Entry(domain)) if "." in domain else None
        return self._known[written]


def _relay(configuration: Configuration) -> str | None:
    """Return the relay all mail goes through, whose TLS the log then tells of; None where there is none."""
    try:
        return PostfixInstance(configuration.config_directory).parameter("relayhost") or None
    except Problem:
        return None


def _document(found: list[DomainNumbers], since: datetime, seen: int, relay: str | None) -> dict[str, Any]:
    return {
        "since": since.isoformat(timespec="seconds"),
        "domains_seen": seen,
        "relayhost": relay,
        "proposed": [
            {
                "domain": one.domain,
                "readiness": one.readiness,
                "messages": one.messages,
                "verified": one.verified,
                "trusted": one.trusted,
                "encrypted": one.encrypted,
                "asked_for_our_certificate": one.asked,
                "did_not_ask_for_our_certificate": one.not_asked,
                "failed_sessions": one.failures,
                "servers": sorted(one.servers),
                "last": one.last.isoformat(timespec="seconds") if one.last else None,
                "commands": _commands(one.domain),
            }
            for one in found
        ],
    }


def _commands(domain: str) -> list[str]:
    return [f"domain-secure probe {domain}", f"domain-secure send add {domain}"]


def _print(found: list[DomainNumbers], since: datetime, seen: int, relay: str | None) -> None:
    print(f"mail to {seen} domain{'' if seen == 1 else 's'} since {since.astimezone():%Y-%m-%d %H:%M %Z}")
    if relay:
        note(f"mail goes through relayhost {relay}: what the log tells of TLS is about that host")
    if not found:
        print("no domain can be proposed: none has only got mail over TLS, often enough (see --minimum)")
        return
    for readiness in dict.fromkeys(one.readiness for one in found):
        of_this = [one for one in found if one.readiness is readiness]
        print(f"\n{_MEANINGS[readiness]}:")
        print_table(
            ("domain", "messages", "verified", "trusted", "other TLS", "failed", "asked for ours", "servers"),
            [_row(one) for one in of_this[:_SHOWN]],
        )
        if len(of_this) > _SHOWN:
            print(f"and {len(of_this) - _SHOWN} more: --json has them all")
    first = found[0].domain
    print("\nfirst see what a domain's servers do now, then list it:\n")
    for command in _commands(first):
        print(f"    {command}")


def _row(one: DomainNumbers) -> tuple[str, ...]:
    servers = sorted(one.servers)
    more = f" and {len(servers) - _SERVERS} more" if servers[_SERVERS:] else ""
    shown = ", ".join(servers[:_SERVERS]) + more
    numbers = (one.messages, one.verified, one.trusted, one.encrypted, one.failures)
    proof = "yes" if one.asked else "no" if one.not_asked else "unknown"
    return (one.domain, *map(str, numbers), proof, shown)

"""``domain-secure probe``: what would happen if we sent to a partner now, and why."""

import argparse
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import configuration_path, note, print_json
from domain_secure.commands.terminal.progress import progress
from domain_secure.milter.fetching.http_fetch import FetchError, Request, fetch
from domain_secure.milter.knowledge.live_configuration import Live, read_live
from domain_secure.policy.book.certificate_book import FILE_NAME, PROBE, CertificateBook
from domain_secure.policy.configuration.configuration import SendMethod
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.revocation.kept_revocation import KeptRevocation
from domain_secure.policy.revocation.revocation_store import FOLDER, RevocationStore
from domain_secure.policy.sending.mta_sts import MAXIMUM_OCTETS
from domain_secure.policy.sending.mutual_proof import Mutual
from domain_secure.policy.terms.domain import Entry, InvalidDomainError, entry_base, parse_entry
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.dns.dns_lookup import system_lookup
from domain_secure.postfix.dns.mta_sts_lookup import find_policy
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.probe.client_identity import CurrentIdentity
from domain_secure.postfix.probe.domain_probe import Destination, DomainProbe, probe_domain
from domain_secure.postfix.probe.mutual_probe import identities, mutual_sessions
from domain_secure.postfix.probe.probe import ClientIdentity, Envelope, probe

from .probe_document import Found, Outcome, probe_document
from .probe_output import print_probe, print_summary

_AT_ONCE = 16  #: domains
_STS_SECONDS = 10.0


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``probe``."""
    del command
    parser.description = (
        "Connects to each mail server of the domain, says EHLO, STARTTLS, EHLO and QUIT, and judges what it "
        "shows by the partner's rule. Exit status: 0 mail would be delivered, 1 held, 3 no server answers."
    )
    parser.add_argument("domain", nargs="?", metavar="DOMAIN", help="a list entry, or any other domain")
    parser.add_argument("--all", action="store_true", help="every listed domain")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--no-keep",
        action="store_true",
        help="do not put the certificates of listed domains into the certificate book",
    )
    parser.add_argument(
        "--mutual",
        action="store_true",
        help="also connect without a certificate and with wrong ones: does the partner demand mutual TLS?",
    )
    parser.add_argument(
        "--mail-from",
        metavar="ADDRESS",
        help="with --mutual: go on to MAIL with this sender ('' for none), for servers that refuse there",
    )
    parser.add_argument(
        "--rcpt-to", metavar="ADDRESS", help="with --mail-from: go on to RCPT; DATA is never said"
    )
    parser.add_argument(
        "--other-name",
        type=Path,
        metavar="FILE",
        help="with --mutual: key and chain (PEM) of a certificate that is trusted, and not in our name",
    )
    parser.set_defaults(run=run_probe)


@dataclass(frozen=True, slots=True)
class _Look:
    """How each domain is looked at."""

    live: Live
    identity: ClientIdentity
    now: datetime
    mutual: bool
    envelope: Envelope | None
    other_name: Path | None

    def at(self, entry: Entry) -> Found:
        """Look at all servers of a list entry."""
        base, partner = entry_base(entry), self.live.configuration.partner(entry)
        by_tlsa = partner.send_method is SendMethod.DANE
        destination = Destination(base, partner.via, partner.servername, by_tlsa)
        probed = probe_domain(destination, system_lookup, lambda target: probe(target, self.identity))
        sts = find_policy(base, system_lookup, self._fetch)
        return Found(entry, probed, sts, self._mutual(probed) if self.mutual else None)

    def _mutual(self, probed: DomainProbe) -> dict[str, Any]:
        reached = [server.result.target for server in probed.servers if server.result.tls_version]
        with (
            identities(self.identity, self.now, self.other_name) as shown,
            ThreadPoolExecutor(_AT_ONCE) as together,
        ):
            held = together.map(lambda target: mutual_sessions(target, shown, self.envelope), reached)
            return {target.address: sessions for target, sessions in zip(reached, held, strict=True)}

    def _fetch(self, url: str) -> bytes:
        private = self.live.configuration.trust.fetch_private
        try:
            return fetch(Request(url, MAXIMUM_OCTETS, private=private, seconds=_STS_SECONDS, redirects=0))
        except FetchError as error:
            raise ValueError(str(error)) from error


def run_probe(arguments: argparse.Namespace) -> ExitStatus:
    """Probe, print, and say by the status whether all mail would be delivered."""
    live = read_live(load, configuration_path(arguments))
    entries = _entries(arguments, live)
    now = datetime.now(UTC)
    instance = PostfixInstance(live.configuration.config_directory)
    identity = CurrentIdentity(lambda: instance)()
    if identity.certificate_file is None:
        note("no client certificate is shown: there is none, or its key may be read by root only")
    look = _Look(live, identity, now, arguments.mutual, _envelope(arguments), arguments.other_name)
    found = _looked_at(entries, look.at)
    if not arguments.no_keep:
        try:
            keep(found, live, now)
        except Problem as problem:
            note(f"the certificates are not kept: {problem}")
    documents = _documents(found, live, now)
    if arguments.json:
        print_json({"domains": documents})
    else:
        _print(documents)
    return _status(documents)


def probe_entries(live: Live, entries: tuple[Entry, ...], now: datetime) -> list[dict[str, Any]]:
    """Look at the servers of list entries, and return the document of each; nothing is kept."""
    return _documents(look_at(live, entries, now), live, now)


def look_at(live: Live, entries: tuple[Entry, ...], now: datetime) -> list[Found]:
    """Look at the servers of list entries, and return what was found; nothing is kept."""
    identity = CurrentIdentity(lambda: PostfixInstance(live.configuration.config_directory))()
    look = _Look(live, identity, now, mutual=False, envelope=None, other_name=None)
    return _looked_at(entries, look.at)


def _documents(found: Iterable[Found], live: Live, now: datetime) -> list[dict[str, Any]]:
    kept = RevocationStore(live.configuration.state / FOLDER)
    revocation = KeptRevocation(kept, live.revocation_lists, lambda: now)
    return [probe_document(one, live, revocation, now) for one in found]


def _entries(arguments: argparse.Namespace, live: Live) -> tuple[Entry, ...]:
    configuration = live.configuration
    if bool(arguments.domain) == arguments.all:
        raise Problem("one domain or all of them", "DOMAIN, --all", "give either one")
    if arguments.all:
        return tuple(dict.fromkeys((*configuration.send, *configuration.receive)))
    try:
        return (parse_entry(arguments.domain),)
    except InvalidDomainError as error:
        raise Problem(str(error), "DOMAIN", "write a domain, such as woodgrovebank.test") from error


def _envelope(arguments: argparse.Namespace) -> Envelope | None:
    if arguments.mail_from is None:
        if arguments.rcpt_to is not None:
            raise Problem("a recipient needs a sender", "--rcpt-to", "give --mail-from too")
        return None
    if not arguments.mutual:
        raise Problem("an envelope is for --mutual alone", "--mail-from", "give --mutual too")
    for option, address in (("--mail-from", arguments.mail_from), ("--rcpt-to", arguments.rcpt_to or "")):
        if not address.isascii() or not address.isprintable() or set(address) & set("<> "):
            raise Problem(f"{address!r} is no address", option, "write local-part@domain, without brackets")
    return Envelope(arguments.mail_from, arguments.rcpt_to)


def _looked_at(entries: tuple[Entry, ...], look: Callable[[Entry], Found]) -> list[Found]:
    """Return what was found, in the order of the *entries*."""
    found: dict[Entry, Found] = {}
    with progress() as report, ThreadPoolExecutor(_AT_ONCE) as together:
        waiting = {together.submit(look, entry): entry for entry in entries}
        for done in as_completed(waiting):
            found[waiting[done]] = done.result()
            if report:
                report("probing", len(found), len(entries))
    return [found[entry] for entry in entries]


def keep(found: Iterable[Found], live: Live, now: datetime) -> None:
    """Put what the servers of listed domains showed into the certificate book; raises Problem."""
    configuration = live.configuration
    with closing(CertificateBook(configuration.state / FILE_NAME)) as book:
        for one in found:
            if one.entry in configuration.receive or one.entry in configuration.send:
                for server in one.probed.servers:
                    if chain := server.result.proved_chain:
                        book.add(chain, f"{PROBE} {server.result.target}", one.entry, now)


def _print(documents: list[dict[str, Any]]) -> None:
    if not documents:
        print("no domain is listed: add one with `domain-secure send add`")
    for number, document in enumerate(documents):
        if number:
            print()
        print_probe(document)
    if len(documents) > 1:
        print()
        print_summary(documents)


def _status(documents: list[dict[str, Any]]) -> ExitStatus:
    verdicts = {document["verdict"] for document in documents}
    servers = [server for document in documents for server in document["servers"]]
    asked = {server["mutual"]["verdict"] for server in servers if "mutual" in server}
    if verdicts and verdicts <= {Outcome.UNREACHABLE}:
        return ExitStatus.NO_ANSWER
    if verdicts - {Outcome.DELIVERED} or asked & {Mutual.NOT_ASKED, Mutual.OURS_REFUSED}:
        return ExitStatus.DIFFERENCE
    return ExitStatus.DONE

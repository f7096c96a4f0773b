"""Learn unknown certificates from the partner's own servers: its MX hosts, and the server that connects.

Owns: which servers are probed for a query, and what goes into the certificate book.
Must not know: how a probe works (``probe``), how often one may run (``paced_tasks``), whether a certificate
is good.

Invariants: nothing is probed but servers of listed domains, and the client that claims to be one; asking
never waits; nothing counts before the handshake came to its end, for anybody can show a chain.  What is found
needs no trust: it only says what the certificate with this fingerprint contains, and the decision rests on
the certificate's own chain, dates and names.

The client's address is whoever connected to us, over TCP, so that nobody can make us probe a third party;
private networks are probed too, for the connection came from there.  Strangers have threads of their own to
wear out, so that they do not keep the partners' MX hosts from being probed.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address

from domain_secure.policy.book.certificate_book import PROBE, CertificateBook
from domain_secure.policy.book.certificate_source import CertificateQuery
from domain_secure.policy.book.client_requests import ClientRequests
from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.dns.mail_exchangers import MailExchangers, is_probeable, mail_domains
from domain_secure.postfix.work.paced_tasks import Pace, PacedTasks, Room
from domain_secure.postfix.work.task_group import TaskGroup

from . import events
from .probe import ProbeResult, ProbeTarget

# A probe waits for the network nearly all of its time.
PARTNERS = Room(threads=8, waiting=64)
CLIENTS = Room(threads=4, waiting=64)

_log = logging.getLogger(__name__)


class ProbeSource:
    """A CertificateSource that answers later; safe from many threads.

    *configuration* gives the one in force, *resolve* the mail servers of a domain, *probe* what a server
    shows; the last two may take their time and raise nothing.  What partners' servers ask for is noted in
    *requests*.
    """

    def __init__(
        self,
        book: CertificateBook,
        configuration: Callable[[], Configuration],
        resolve: Callable[[Domain], MailExchangers],
        probe: Callable[[ProbeTarget], ProbeResult],
        pace: Pace = Pace(),  # noqa: B008 - it is frozen
        requests: ClientRequests | None = None,
    ) -> None:
        probe = _logged(probe)
        self._book = book
        self._requests = requests
        self._configuration = configuration
        self._domains: PacedTasks[Domain, MailExchangers] = PacedTasks(
            resolve, lambda found: bool(found.hosts), pace, PARTNERS, keep=True
        )
        self._servers: PacedTasks[ProbeTarget, ProbeResult] = PacedTasks(
            probe, _showed_something, pace, PARTNERS
        )
        self._clients: PacedTasks[Client, ProbeResult] = PacedTasks(
            lambda client: probe(ProbeTarget(client.address)), _showed_something, pace, CLIENTS
        )

    def find(self, query: CertificateQuery) -> Future[Chain | None]:
        """Return a future of the chain that some server shows for the wanted fingerprint, or of None."""
        configuration = self._configuration()
        entries = tuple(entry for entry in query.entries if entry in configuration.receive)
        search = _Search(query.fingerprint)
        group = TaskGroup(search.give_up)
        if configuration.inbound.probe and entries:
            for entry in entries:
                self._probe_partner(entry, configuration, group, search.look_at)
            self._probe_back(query, entries, group, search)
        group.close()
        return search.future

    def shown_by(self, client_address: str, fingerprint: Pin) -> Future[Chain | None]:
        """Return a future of the chain with that certificate, if a client shows it on port 25; not kept."""
        search = _Search(fingerprint)
        group = TaskGroup(search.give_up)
        client = Client.parse(client_address)
        if client is not None and self._configuration().inbound.probe:
            group.follow(self._clients.ask(client), search.look_at)
        group.close()
        return search.future

    def probe_partner(self, entry: Entry) -> Future[tuple[ProbeResult, ...]]:
        """Probe the MX hosts of a list entry, those whose turn it is, and return a future of the results."""
        configuration = self._configuration()
        results: list[ProbeResult] = []
        future: Future[tuple[ProbeResult, ...]] = Future()
        group = TaskGroup(lambda: future.set_result(tuple(results)))
        if configuration.inbound.probe and (entry in configuration.receive or entry in configuration.send):
            self._probe_partner(entry, configuration, group, results.append)
        group.close()
        return future

    def _probe_partner(
        self,
        entry: Entry,
        configuration: Configuration,
        group: TaskGroup,
        look_at: Callable[[ProbeResult], None],
    ) -> None:
        def probed(result: ProbeResult) -> None:
            self._keep(result, (entry,))
            self._keep_request(result, entry)
            look_at(result)

        def resolved(exchangers: MailExchangers) -> None:
            for host in exchangers.hosts:
                for address in host.addresses:
                    group.follow(self._servers.ask(ProbeTarget(address, host.name)), probed)

        for domain in mail_domains(entry, configuration.partner(entry)):
            group.follow(self._domains.ask(domain), resolved)

    def _probe_back(
        self, query: CertificateQuery, entries: Iterable[Entry], group: TaskGroup, search: "_Search"
    ) -> None:
        client = Client.parse(query.client_address)
        if client is None:
            return

        def probed(result: ProbeResult) -> None:
            # What else a stranger shows is his own business, and would only fill the book.
            if search.is_wanted(result):
                self._keep(result, entries)
            search.look_at(result)

        group.follow(self._clients.ask(client), probed)

    def _keep(self, result: ProbeResult, entries: Iterable[Entry]) -> None:
        if not result.proved_chain:
            return
        try:
            for entry in entries:
                self._book.add(result.proved_chain, f"{PROBE} {result.target}", entry, datetime.now(UTC))
        except Problem as problem:
            event = events.probe_not_kept(str(result.target), str(problem))
            _log.log(event.level, event)

    def _keep_request(self, result: ProbeResult, entry: Entry) -> None:
        if self._requests is None or result.certificate_requested is None:
            return
        try:
            self._requests.note(
                entry,
                str(result.target),
                is_asked=result.certificate_requested,
                authorities=result.authorities,
                seen=datetime.now(UTC),
            )
        except Problem as problem:
            event = events.probe_not_kept(str(result.target), str(problem))
            _log.log(event.level, event)


class Client:
    """A connecting server as a target; an IPv6 network of 64 bits is one, for a host may use all of it."""

    __slots__ = ("address", "network")

    def __init__(self, address: str, network: int | str) -> None:
        self.address = address
        self.network = network

    @classmethod
    def parse(cls, text: str) -> "Client | None":
        """Return the client with the address that Postfix tells, or None where none is to be probed."""
        address = text.removeprefix("IPv6:")
        if not is_probeable(address):
            return None
        parsed = ip_address(address)
        plain = getattr(parsed, "ipv4_mapped", None) or parsed
        network = int(plain) >> 64 if isinstance(plain, IPv6Address) else str(plain)
        return cls(str(plain), network)

    def __eq__(self, other: object) -> bool:
        """Two clients are one target where they are in one network."""
        return isinstance(other, Client) and self.network == other.network

    def __hash__(self) -> int:
        """Hash by the network."""
        return hash(self.network)


class _Search:
    """Waits for the one certificate that is wanted."""

    def __init__(self, fingerprint: Pin) -> None:
        self._fingerprint = fingerprint
        self._lock = threading.Lock()
        self._is_over = False
        self.future: Future[Chain | None] = Future()

    def is_wanted(self, result: ProbeResult) -> bool:
        """Tell whether a server showed the wanted certificate."""
        return any(one.certificate_pin == self._fingerprint for one in result.proved_chain[:1])

    def look_at(self, result: ProbeResult) -> None:
        """Resolve at once where this is it."""
        if self.is_wanted(result):
            self._resolve(result.proved_chain)

    def give_up(self) -> None:
        """Resolve with nothing where it was not found."""
        self._resolve(None)

    def _resolve(self, chain: Chain | None) -> None:
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
        self.future.set_result(chain)


def _logged(probe: Callable[[ProbeTarget], ProbeResult]) -> Callable[[ProbeTarget], ProbeResult]:
    def logged(target: ProbeTarget) -> ProbeResult:
        result = probe(target)
        event = events.probed(
            target=str(target),
            certificate=str(result.chain[0].certificate_pin) if result.chain else None,
            tls=result.tls_version,
            detail=result.failure or result.remark,
        )
        _log.log(event.level, event)
        return result

    return logged


def _showed_something(result: ProbeResult) -> bool:
    return bool(result.proved_chain)

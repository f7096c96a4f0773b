"""Which servers are probed for a query, and what is kept of it."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
from configurations import make_configuration

from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.book.certificate_source import CertificateQuery
from domain_secure.policy.certificates.certificate import Certificate, Chain, parse
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.dns.mail_exchangers import MailExchangers, MailHost
from domain_secure.postfix.probe.probe import ProbeResult, ProbeTarget
from domain_secure.postfix.probe.probe_source import Client, ProbeSource
from domain_secure.postfix.work.paced_tasks import Pace

from lab.certificates import self_signed
from lab.waiting import DEADLINE, wait_for

WOODGROVE = Entry("woodgrovebank.test")
MX = "198.51.100.20"
CLIENT = "203.0.113.5"
OLD, NEW, OTHER = (parse(self_signed(f"{name}.woodgrovebank.test").der) for name in ("old", "new", "other"))
QUERY = CertificateQuery(NEW.certificate_pin, (WOODGROVE,), CLIENT)


class Network:
    """Servers by address, and who was asked."""

    def __init__(self, shown: Mapping[str, Certificate]) -> None:
        self.shown = dict(shown)
        self.breaking: set[str] = set()  #: whose handshake does not come to its end
        self.resolved: list[str] = []
        self.probed: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def resolve(self, domain: Domain) -> MailExchangers:
        """Give each domain one host."""
        self.resolved.append(domain)
        return MailExchangers((MailHost(Domain(f"mail.{domain}"), (MX,), authenticated=False),))

    def probe(self, target: ProbeTarget) -> ProbeResult:
        """Show what stands at the address."""
        self.gate.wait(DEADLINE)
        self.probed.append(str(target))
        certificate = self.shown.get(target.address)
        if certificate is None:
            return ProbeResult(target, failure="no connection")
        if target.address in self.breaking:
            return ProbeResult(target, (certificate,), failure="the TLS handshake failed")
        return ProbeResult(target, (certificate,), "TLSv1.3", "cipher")


Make = Callable[..., tuple[ProbeSource, Network]]


@pytest.fixture
def book(tmp_path: Path) -> CertificateBook:
    """Return an empty book."""
    return CertificateBook(tmp_path / FILE_NAME)


@pytest.fixture
def make(book: CertificateBook) -> Make:
    """Return a maker of sources."""

    def made(
        shown: Mapping[str, Certificate], configuration: Configuration | None = None
    ) -> tuple[ProbeSource, Network]:
        network = Network(shown)
        present = configuration or make_configuration(receive=DomainList.of(WOODGROVE))
        return ProbeSource(book, lambda: present, network.resolve, network.probe, Pace()), network

    return made


def answer(future: Future[Chain | None]) -> Chain | None:
    """Wait for it."""
    return future.result(DEADLINE)


def test_renewed_certificate_is_found_at_the_mx(make: Make, book: CertificateBook) -> None:
    """And is in the book with host and address when the answer comes."""
    source, network = make({MX: NEW})
    assert answer(source.find(QUERY)) == (NEW,)
    assert book.chain(NEW.certificate_pin) == (NEW,)
    (known,) = book.all()
    assert [(origin.source, origin.entry) for origin in known.origins] == [
        (f"probe mail.woodgrovebank.test[{MX}]", WOODGROVE)
    ]
    assert network.resolved == [WOODGROVE]


def test_connecting_server_is_probed_back(make: Make, book: CertificateBook) -> None:
    """Many partners send from other hosts than they receive at."""
    source, network = make({MX: OLD, CLIENT: NEW})
    assert answer(source.find(QUERY)) == (NEW,)
    assert f"[{CLIENT}]" in network.probed
    assert book.chain(NEW.certificate_pin) == (NEW,)


def test_a_chain_without_the_key_is_not_kept(make: Make, book: CertificateBook) -> None:
    """Anybody can show the certificates of others, up to the point where the key is needed."""
    source, network = make({MX: NEW, CLIENT: NEW})
    network.breaking = {MX, CLIENT}
    assert answer(source.find(QUERY)) is None
    assert len(network.probed) == 2
    assert book.all() == ()


def test_what_the_mx_shows_instead_is_kept_too(make: Make, book: CertificateBook) -> None:
    """Another certificate of the partner may be the next one's answer; a stranger's other one is not kept."""
    source, _ = make({MX: OLD, CLIENT: OTHER})
    assert answer(source.find(QUERY)) is None
    assert book.chain(OLD.certificate_pin) == (OLD,)
    assert book.chain(OTHER.certificate_pin) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, receive=DomainList(())),
        lambda one: replace(one, receive=DomainList.of("fabrikam.test")),
        lambda one: replace(one, inbound=replace(one.inbound, probe=False)),
    ],
)
def test_nobody_is_probed_for_a_domain_that_is_not_listed(
    make: Make, change: Callable[[Configuration], Configuration]
) -> None:
    """Nor where probing is switched off; the answer comes at once."""
    source, network = make({MX: NEW}, change(make_configuration(receive=DomainList.of(WOODGROVE))))
    future = source.find(QUERY)
    assert future.done()
    assert future.result() is None
    assert source.probe_partner(WOODGROVE).result(DEADLINE) == ()
    assert network.resolved == network.probed == []


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "IPv6:::1", "0.0.0.0", "", "unknown", "224.0.0.1"])  # noqa: S104 - no listener
def test_this_machine_is_not_probed_back(make: Make, address: str) -> None:
    """A local client leads nowhere else than to ourselves."""
    source, network = make({address: NEW})
    assert answer(source.find(replace(QUERY, client_address=address))) is None
    assert network.probed == [f"mail.woodgrovebank.test[{MX}]"]


def test_concurrent_messages_share_a_probe(make: Make) -> None:
    """Ten messages at once cause one probe of each server, and all get the answer."""
    source, network = make({MX: NEW, CLIENT: OLD})
    network.gate.clear()
    futures = [source.find(QUERY) for _ in range(10)]
    # Each goes on from the names of the MX hosts to a probe of them, which must be under way then.
    wait_for(lambda: source._domains._threads == 0, "all messages to ask for the probe")
    network.gate.set()
    assert all(answer(future) == (NEW,) for future in futures)
    assert sorted(network.probed) == [f"[{CLIENT}]", f"mail.woodgrovebank.test[{MX}]"]


def test_servers_are_left_alone_after_a_probe(make: Make) -> None:
    """The next unknown certificate causes no probe of a server that was just probed."""
    source, network = make({MX: OLD, CLIENT: OLD})
    assert answer(source.find(QUERY)) is None
    before = list(network.probed)
    again = source.find(replace(QUERY, fingerprint=OTHER.certificate_pin))
    assert again.done()
    assert again.result() is None
    assert network.probed == before


def test_slow_strangers_do_not_hold_up_the_partners_servers(book: CertificateBook) -> None:
    """Clients that keep all their threads busy leave those of the MX hosts free."""
    network = Network({MX: NEW})
    release = threading.Event()

    def probe(target: ProbeTarget) -> ProbeResult:
        if target.host is None:
            release.wait(DEADLINE)
        return network.probe(target)

    configuration = make_configuration(receive=DomainList.of(WOODGROVE, "fabrikam.test"))
    source = ProbeSource(book, lambda: configuration, network.resolve, probe)
    strangers = [
        source.find(CertificateQuery(OTHER.certificate_pin, (Entry("fabrikam.test"),), f"203.0.113.{number}"))
        for number in range(1, 200)
    ]
    assert answer(source.find(QUERY)) == (NEW,)
    assert not all(future.done() for future in strangers)
    release.set()


def test_networks_of_ipv6_are_one_target() -> None:
    """An attacker with a network of 2^64 addresses is one client; IPv4 in IPv6 is IPv4."""
    assert Client.parse("2001:db8::1") == Client.parse("IPv6:2001:db8::ffff:1")
    assert Client.parse("2001:db8::1") != Client.parse("2001:db8:0:1::1")
    assert Client.parse("::ffff:203.0.113.5") == Client.parse("203.0.113.5")
    assert Client.parse("203.0.113.5") != Client.parse("203.0.113.6")


def test_failing_book_does_not_take_the_answer_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What was found counts for this message, and the log says that it was not kept."""
    (tmp_path / FILE_NAME).write_text("this is no book" * 1000)
    network = Network({MX: NEW})
    source = ProbeSource(
        CertificateBook(tmp_path / FILE_NAME),
        lambda: make_configuration(receive=DomainList.of(WOODGROVE)),
        network.resolve,
        network.probe,
    )
    assert answer(source.find(QUERY)) == (NEW,)
    assert "probe-not-kept" in caplog.text


def test_fault_of_our_own_ends_the_wait(book: CertificateBook, caplog: pytest.LogCaptureFixture) -> None:
    """A message never waits for a probe that has died."""

    def broken(_: Domain) -> MailExchangers:
        raise RuntimeError("bug")

    source = ProbeSource(
        book,
        lambda: make_configuration(receive=DomainList.of(WOODGROVE)),
        broken,
        lambda target: ProbeResult(target, failure="no connection"),
    )
    assert answer(source.find(QUERY)) is None
    assert "internal-error" in caplog.text


def test_schedule_gets_all_results(make: Make) -> None:
    """Of every server of the partner, those that failed too."""
    source, _ = make({})
    (result,) = source.probe_partner(WOODGROVE).result(DEADLINE)
    assert result.failure == "no connection"

"""What is known of a peer certificate, revocation included, with a real book and a real watch."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain_secure.milter.fetching.issuer_fetcher import IssuerFetcher
from domain_secure.milter.knowledge.at_hand import NotAtHandError
from domain_secure.milter.knowledge.knowledge import CertificateKnowledge, Sources
from domain_secure.milter.knowledge.live_configuration import Live, read_live
from domain_secure.policy.book.certificate_book import IMPORT, CertificateBook
from domain_secure.policy.certificates.certificate import Certificate, read_certificates
from domain_secure.policy.certificates.certificate_structure import structure
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.decision.evidence import KnownCertificate, Session
from domain_secure.policy.revocation.revocation import Judgement, RevocationStatus, ValidatedPath
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.tls import TlsVersion

from lab.certificates import Authority, Issued, pem
from lab.revocations import Pointers, pem_list, revocation_list
from lab.waiting import wait_for
from lab.web_server import Page, WebServer

WOODGROVE = Entry("woodgrovebank.test")
GOOD = Judgement(RevocationStatus.GOOD, "fine")


class Silence(Future[Judgement]):
    """An answer that never comes; it notes how long it was to be waited for."""

    def __init__(self, waited: list[float | None]) -> None:
        super().__init__()
        self._waited = waited

    def result(self, timeout: float | None = None) -> Judgement:
        """Do not wait."""
        self._waited.append(timeout)
        raise TimeoutError


class Source:
    """A source of revocation that answers when it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[ValidatedPath] = []
        self.answer: Judgement | None = GOOD
        self.waited: list[float | None] = []  #: seconds

    def find(self, path: ValidatedPath) -> Future[Judgement]:
        """Return a future, done where there is an answer."""
        self.asked.append(path)
        if self.answer is None:
            return Silence(self.waited)
        future: Future[Judgement] = Future()
        future.set_result(self.answer)
        return future


class Edge:
    """A book, a configuration and a source."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = Authority.create("Lab Root")
        (folder / "ca.pem").write_bytes(self.root.certificate_pem)
        self.book = CertificateBook(folder / "certificates.sqlite")
        self.source = Source()
        self.logged: list[Event] = []
        self.issuers = IssuerFetcher(self.logged.append)
        self.knowledge = CertificateKnowledge(
            self.book, Sources(revocation=self.source, issuers=self.issuers)
        )

    def live(self, *trust: str, timeout: float = 5) -> Live:
        """Return a configuration that lists woodgrovebank.test, with these lines in its table *trust*."""
        path = self.folder / "domain-secure.toml"
        lines = "\n".join(trust)
        path.write_text(
            f'[receive]\ndomains = ["{WOODGROVE}"]\n[inbound]\nprobe_timeout = {timeout}\n'
            f'[trust]\nca_file = "{self.folder}/ca.pem"\n{lines}\n'
        )
        return read_live(load, path)

    def known(self, issued: Issued, live: Live, *, entry: Entry = WOODGROVE) -> KnownCertificate:
        """Import a certificate and return what is known of it for a message that claims *entry*."""
        chain = read_certificates(issued.pem())
        self.book.add(chain, IMPORT, entry, datetime.now(UTC))
        return self.known_again(chain[0], live, entry=entry)

    def known_again(self, leaf: Certificate, live: Live, *, entry: Entry = WOODGROVE) -> KnownCertificate:
        """Return what is known of a certificate for a message that claims *entry*."""
        session = Session(TlsVersion.TLS_1_3, "x", leaf.certificate_pin, None, None, None)
        found = self.knowledge.known_certificate(session, (entry,), "192.0.2.1", live, datetime.now(UTC))
        assert found is not None
        return found

    def woodgrove(self) -> Issued:
        """Return a certificate in the partner's name."""
        return self.root.issue(WOODGROVE, dns_names=(WOODGROVE,))


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    """Return an edge."""
    made = Edge(tmp_path)
    yield made
    made.book.close()


def test_revocation_of_a_partners_certificate(edge: Edge) -> None:
    """The source is asked about the whole path, each time, as it may have learned more."""
    issued, live = edge.woodgrove(), edge.live()
    for _ in range(2):
        found = edge.known(issued, live)
        assert (found.revocation, found.revocation_detail) == (RevocationStatus.GOOD, "fine")
    assert [[one.subject for one in path] for path in edge.source.asked] == [
        ["CN=woodgrovebank.test", "CN=Lab Root"]
    ] * 2


def test_nobody_is_asked_about_others(edge: Edge) -> None:
    """A stranger's certificate, an untrusted one, and a setting that is off cause no question."""
    live = edge.live()
    edge.known(edge.root.issue("evil.test", dns_names=("evil.test",)), live)
    edge.known(Authority.create("Other").issue(WOODGROVE, dns_names=(WOODGROVE,)), live)
    edge.known(edge.woodgrove(), edge.live('revocation = "off"'))
    assert edge.source.asked == []


def test_waiting_depends_on_how_much_must_be_known(edge: Edge) -> None:
    """With ``prefer`` a message waits a second at most, with ``require`` as long as ``probe_timeout``."""
    issued = edge.woodgrove()
    edge.source.answer = None
    for setting, timeout in (("prefer", 60), ("require", 60), ("prefer", 0)):
        found = edge.known(issued, edge.live(f'revocation = "{setting}"', timeout=timeout))
        assert found.revocation is RevocationStatus.UNKNOWN
    preferred, required, at_once = edge.source.waited
    assert (preferred, at_once) == (1.0, 0.0)
    assert required is not None
    assert 1.0 < required <= 60.0, "what the rest has taken is gone"


def test_what_is_at_hand_is_told_at_once_and_nothing_else(edge: Edge) -> None:
    """No certificate that is to be looked for, none with a great many names, and no pending revocation."""
    live, now = edge.live(), datetime.now(UTC)
    many = tuple(f"{number}.{WOODGROVE}" for number in range(200))
    for names, is_simple in (((WOODGROVE,), True), ((*many, WOODGROVE), False)):
        issued = edge.root.issue(WOODGROVE, dns_names=names)
        leaf = read_certificates(issued.pem())[0]
        session = Session(TlsVersion.TLS_1_3, "x", leaf.certificate_pin, None, None, None)
        edge.source.answer = GOOD
        with pytest.raises(NotAtHandError):
            edge.knowledge.certificate_at_hand(session, (WOODGROVE,), live, now)
        known = edge.known(issued, live)
        if is_simple:
            assert edge.knowledge.certificate_at_hand(session, (WOODGROVE,), live, now) == known
            edge.source.answer = None
        with pytest.raises(NotAtHandError):
            edge.knowledge.certificate_at_hand(session, (WOODGROVE,), live, now)
    assert not edge.source.waited
    nothing = Session(TlsVersion.TLS_1_3, "x", None, None, None, None)
    assert edge.knowledge.certificate_at_hand(nothing, (WOODGROVE,), live, now) is None


def test_partners_paths_are_those_of_the_book(edge: Edge) -> None:
    """Only trusted chains in the name of a listed partner are prepared."""
    live = edge.live()
    for issued in (edge.woodgrove(), edge.root.issue("evil.test", dns_names=("evil.test",))):
        edge.known(issued, live)
    edge.known(edge.root.issue("a.test", dns_names=("a.test",)), live, entry=Entry("a.test"))
    paths = list(edge.knowledge.partners_paths(live, datetime.now(UTC)))
    assert [path[0].subject for path in paths] == ["CN=woodgrovebank.test"]
    assert list(edge.knowledge.partners_paths(edge.live('revocation = "off"'), datetime.now(UTC))) == []


PRIVATE = "fetch_private = true"


class Below:
    """A certificate below an intermediate authority, which a web server has and nobody sends."""

    def __init__(self, edge: Edge, web: WebServer, name: str = WOODGROVE) -> None:
        self.sub = edge.root.authority("Lab Sub")
        pointers = Pointers(issuers=(web.url("/sub.cer"),))
        issued = self.sub.issue(name, dns_names=(name,), extensions=pointers)
        self.alone = Issued(issued.certificate, issued.key)


def test_missing_issuer_is_fetched_and_kept(edge: Edge) -> None:
    """A chain without its intermediate is trusted once that was got where the certificate names it."""
    with WebServer() as web:
        below = Below(edge, web)
        web.pages["/sub.cer"] = Page(below.sub.der)
        found = edge.known(below.alone, edge.live(PRIVATE))
        assert found.path.outcome is PathOutcome.TRUSTED
    assert [one.subject for one in edge.book.chain(found.certificate.certificate_pin) or ()] == [
        "CN=woodgrovebank.test",
        "CN=Lab Sub",
    ]
    after = CertificateKnowledge(edge.book)
    session = Session(TlsVersion.TLS_1_3, "x", found.certificate.certificate_pin, None, None, None)
    again = after.known_certificate(session, (WOODGROVE,), "192.0.2.1", edge.live(), datetime.now(UTC))
    assert again is not None
    assert again.path.outcome is PathOutcome.TRUSTED


def test_two_missing_issuers_are_fetched_one_after_the_other(edge: Edge) -> None:
    """Each names the next."""
    with WebServer() as web:
        upper = edge.root.authority("Upper")
        lower = upper.authority("Lower", extensions=Pointers(issuers=(web.url("/upper.cer"),)))
        issued = lower.issue(
            WOODGROVE, dns_names=(WOODGROVE,), extensions=Pointers(issuers=(web.url("/lower.cer"),))
        )
        web.pages["/upper.cer"], web.pages["/lower.cer"] = Page(upper.der), Page(lower.der)
        found = edge.known(Issued(issued.certificate, issued.key), edge.live(PRIVATE))
        assert found.path.outcome is PathOutcome.TRUSTED


def test_missing_issuer_that_cannot_be_had_yet(edge: Edge) -> None:
    """The certificate is still without its issuer, and the next message finds what came late."""
    gate = threading.Event()
    with WebServer() as web:
        below = Below(edge, web)
        web.pages["/sub.cer"] = Page(below.sub.der, gate=gate)
        live = edge.live(PRIVATE, timeout=0)
        found = edge.known(below.alone, live)
        assert (found.path.outcome, found.path.without_issuer) == (PathOutcome.UNTRUSTED, found.certificate)
        gate.set()
        wait_for(lambda: edge.logged, "the authority")
        wait_for(
            lambda: edge.known_again(found.certificate, live).path.outcome is PathOutcome.TRUSTED,
            "the next message to profit",
        )


def test_what_is_remembered_as_trusted_may_be_distrusted_later(edge: Edge) -> None:
    """With the next message, and with the same authorities in force; and the other way."""
    issued, live = edge.woodgrove(), edge.live()
    leaf = edge.known(issued, live).certificate
    (root,) = live.anchors.named(structure(leaf.der).issuer)
    trust = replace(live.configuration.trust, distrusted=frozenset({root.public_key_pin}))
    denying = replace(live, configuration=replace(live.configuration, trust=trust))
    outcomes = [edge.known_again(leaf, one).path.outcome for one in (live, denying, live)]
    assert outcomes == [PathOutcome.TRUSTED, PathOutcome.DISTRUSTED, PathOutcome.TRUSTED]
    assert list(edge.knowledge.partners_paths(denying, datetime.now(UTC))) == []


@pytest.mark.parametrize("is_complete", [True, False])
def test_only_issuers_of_use_are_kept(edge: Edge, *, is_complete: bool) -> None:
    """A place without TLS may offer any number with the issuer's name and key, made without that key."""
    with WebServer() as web:
        below = Below(edge, web)
        subject, anybody = below.sub.certificate.subject, Authority.create("Anybody")
        doubles = [anybody.authority("", subject=subject, key=below.sub.key) for _ in range(20)]
        offered = [*doubles, *([below.sub] if is_complete else [])]
        web.pages["/sub.cer"] = Page(b"".join(pem(one.certificate) for one in offered))
        found = edge.known(below.alone, edge.live(PRIVATE))
        assert (found.path.outcome is PathOutcome.TRUSTED) is is_complete
    kept = edge.book.chain(found.certificate.certificate_pin) or ()
    assert [one.der for one in kept[1:]] == ([below.sub.der] if is_complete else [])


@pytest.mark.parametrize("reason", ["forged", "private", "another's name"])
def test_missing_issuer_that_is_not_taken(edge: Edge, reason: str) -> None:
    """By the rules for revocation lists, of certificates in the partner's name, and if it chains."""
    with WebServer() as web:
        below = Below(edge, web, "evil.test" if reason == "another's name" else WOODGROVE)
        forged = Authority.create("Lab Sub")
        web.pages["/sub.cer"] = Page(forged.der if reason == "forged" else below.sub.der)
        found = edge.known(below.alone, edge.live(*((PRIVATE,) if reason != "private" else ())))
        assert found.path.outcome is PathOutcome.UNTRUSTED
        assert web.asked["/sub.cer"] == (reason == "forged")
    assert edge.book.chain(found.certificate.certificate_pin) == (found.certificate,)


def test_files_of_revocation_lists(edge: Edge) -> None:
    """They are read with the configuration, all or nothing, and not where revocation is off."""
    file = edge.folder / "root.crl"
    file.write_bytes(pem_list(revocation_list(edge.root, 1)) + pem_list(revocation_list(edge.root, 2)))
    assert len(edge.live(f'crl_files = ["{file}", "root.crl"]').revocation_lists) == 2
    file.write_bytes(b"half a li")
    with pytest.raises(Problem, match="cannot be used"):
        edge.live(f'crl_files = ["{file}"]')
    assert edge.live(f'crl_files = ["{file}"]', 'revocation = "off"').revocation_lists == ()

"""Missing authorities, from a real web server on loopback."""

import threading
from collections.abc import Iterator

import pytest

from domain_secure.milter.fetching.issuer_fetcher import IssuerFetcher
from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.terms.event import Event

from lab.certificates import Authority
from lab.revocations import Pointers
from lab.web_server import Page, WebServer

ROOT = Authority.create("Lab Root")
SUB = ROOT.authority("Lab Sub")


class Scene:
    """A web server and a fetcher with a clock."""

    def __init__(self) -> None:
        self.web = WebServer()
        self.logged: list[Event] = []
        self.clock = 1000.0
        self.fetcher = IssuerFetcher(self.logged.append, lambda: self.clock)

    def leaf(self, *paths: str) -> Certificate:
        """Return a certificate that names paths of the web server."""
        pointers = Pointers(issuers=tuple(map(self.web.url, paths)))
        return parse(SUB.issue("a.test", extensions=pointers).der)

    def found(self, leaf: Certificate, *, private: bool = True) -> list[str]:
        """Return the subjects of what is found."""
        return [one.subject for one in self.fetcher.find(leaf, private=private).result(20)]


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Return a scene."""
    made = Scene()
    with made.web:
        yield made
        made.fetcher.stop()


def test_issuer_is_found_once(scene: Scene) -> None:
    """It is asked for once, and again after an hour."""
    leaf = scene.leaf("/sub.cer")
    scene.web.pages["/sub.cer"] = Page(SUB.der)
    assert scene.found(leaf) == scene.found(leaf) == ["CN=Lab Sub"]
    assert scene.web.asked["/sub.cer"] == 1
    assert [str(one) for one in scene.logged] == [
        f'issuer-fetched url={scene.web.url("/sub.cer")} issuer="CN=Lab Sub"'
    ]
    scene.clock += 3601
    assert scene.found(leaf) == ["CN=Lab Sub"]
    assert scene.web.asked["/sub.cer"] == 2


def test_certificate_that_names_nobody(scene: Scene) -> None:
    """There is nothing to wait for."""
    assert scene.fetcher.find(scene.leaf(), private=True).done()


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Page(status=404), "status 404"),
        (Page(b"<html>"), "neither PEM nor DER"),
        (Page(Authority.create("Lab Sub").der), "has not issued"),
        (Page(b"0" * (256 * 1024 + 1)), "larger than 256 KiB"),
    ],
    ids=["nothing", "garbage", "an impostor", "too much"],
)
def test_what_is_of_no_use(scene: Scene, page: Page, reason: str) -> None:
    """It is told with its reason, and asked for again after a minute, not with each message."""
    leaf = scene.leaf("/sub.cer")
    scene.web.pages["/sub.cer"] = page
    assert scene.found(leaf) == scene.found(leaf) == []
    assert scene.web.asked["/sub.cer"] == 1
    assert reason in str(scene.logged[-1])
    scene.web.pages["/sub.cer"] = Page(SUB.der)
    scene.clock += 61
    assert scene.found(leaf) == ["CN=Lab Sub"]


def test_the_first_of_two_that_helps(scene: Scene) -> None:
    """A place that is of no use does not hide the other."""
    scene.web.pages["/sub.cer"] = Page(SUB.der)
    assert scene.found(scene.leaf("/gone.cer", "/sub.cer")) == ["CN=Lab Sub"]


def test_private_addresses_only_where_allowed(scene: Scene) -> None:
    """The rules are those for revocation lists."""
    scene.web.pages["/sub.cer"] = Page(SUB.der)
    assert scene.found(scene.leaf("/sub.cer"), private=False) == []
    assert not scene.web.asked
    assert "fetch_private" in str(scene.logged[-1])


def test_many_places_are_not_all_asked(scene: Scene) -> None:
    """Beyond a bound nobody is asked, and nobody waits."""
    gate = threading.Event()
    scene.web.pages["/slow.cer"] = Page(SUB.der, gate=gate)
    waiting = [scene.fetcher.find(scene.leaf("/slow.cer"), private=True) for _ in range(70)]
    assert [one.done() for one in waiting] == [False] * 64 + [True] * 6
    gate.set()

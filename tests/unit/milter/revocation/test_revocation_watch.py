"""Keeping revocation up to date, against a real web server on loopback."""

import os
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from domain_secure.milter.revocation.followed_locations import refresh_at, retry_at
from domain_secure.milter.revocation.revocation_table import RevocationTable
from domain_secure.milter.revocation.revocation_watch import RevocationWatch
from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.revocation.kept_revocation import KeptRevocation, judge_from_store
from domain_secure.policy.revocation.location_report import LocationReport, read_failures
from domain_secure.policy.revocation.revocation import Location, RevocationStatus
from domain_secure.policy.revocation.revocation_store import RevocationStore
from domain_secure.policy.revocation.statements import (
    MAXIMUM_LIST_OCTETS,
    parse_revocation_list,
    read_revocation_lists,
)
from domain_secure.policy.terms.event import Event

from lab.certificates import DAY, Authority, Extensions, Issued, new_key
from lab.revocations import (
    HOLD,
    LIFTED,
    Pointers,
    delta_list,
    ocsp_answer,
    pem_list,
    point,
    revocation_list,
    scope,
)
from lab.waiting import wait_for
from lab.web_server import Page, WebServer

GOOD, REVOKED, UNKNOWN = RevocationStatus.GOOD, RevocationStatus.REVOKED, RevocationStatus.UNKNOWN
Path_ = tuple[Certificate, ...]


class Scene:
    """An authority whose certificates point to a web server, and a watch on a store."""

    def __init__(self, folder: Path) -> None:
        self.web = WebServer()
        self.root = Authority.create("Lab Root")
        self.store = RevocationStore(folder / "revocation")
        self.logged: list[Event] = []
        self.next_updates: dict[str, datetime] = {}
        self.ahead = timedelta()
        self.watch = self.new_watch()

    def now(self) -> datetime:
        """Return the time of the scene."""
        return datetime.now(UTC) + self.ahead

    def new_watch(self, *paths: Path_, private: bool = True) -> RevocationWatch:
        """Return another watch on the same store, started."""
        made = RevocationWatch(self.store, self.logged.append, self._publish, self.now)
        made.configure((), private=private, paths=paths)
        made.start()
        return made

    def pass_time(self, span: timedelta) -> None:
        """Let time pass, and the watch notice it."""
        self.ahead += span
        self.watch.configure((), private=True)

    def refuse(self, content: bytes, path: str) -> None:
        """Serve a list that is to be refused, and wait until it has been."""
        self.web.pages[path] = Page(content)
        before = self.words().count("revocation-not-fetched")
        self.pass_time(timedelta(hours=13))
        wait_for(lambda: self.words().count("revocation-not-fetched") > before, "its refusal")

    def _publish(self, found: object) -> None:
        self.next_updates = dict(found)  # type: ignore[call-overload]

    def leaf(
        self, *, lists: tuple[str, ...] = (), deltas: tuple[str, ...] = (), responder: str = ""
    ) -> Issued:
        """Return a certificate that points to paths of the web server."""
        pointers = Pointers(
            tuple(map(self.web.url, lists)),
            tuple(map(self.web.url, deltas)),
            (self.web.url(responder),) if responder else (),
        )
        return self.root.issue("mail.woodgrovebank.test", extensions=pointers)

    def path(self, leaf: Issued) -> Path_:
        """Return a certificate's path."""
        return parse(leaf.der), parse(self.root.der)

    def status(self, leaf: Issued) -> RevocationStatus:
        """Return what the watch finds for a certificate, once there is nobody left to be asked."""
        return self.watch.find(self.path(leaf)).result(20).status

    def words(self) -> list[str]:
        """Return what was logged."""
        return [event.word for event in self.logged]

    def close(self) -> None:
        """End everything."""
        self.watch.stop()
        self.web.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Return a scene."""
    made = Scene(tmp_path)
    yield made
    made.close()


def test_list_of_a_distribution_point(scene: Scene) -> None:
    """It is fetched once, answers for every certificate of the authority, and is kept."""
    one, other = scene.leaf(lists=("/a.crl",)), scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, other))
    assert scene.status(one) is GOOD
    assert scene.status(other) is REVOKED
    assert scene.status(one) is GOOD
    assert scene.web.asked["/a.crl"] == 1
    assert scene.next_updates.keys() == {"CN=Lab Root"}
    assert scene.words() == ["revocation-fetched"]


def test_list_in_pem(scene: Scene) -> None:
    """What a private authority publishes in PEM is read as well."""
    leaf = scene.leaf(lists=("/a.pem",))
    scene.web.pages["/a.pem"] = Page(pem_list(revocation_list(scene.root, leaf)))
    assert scene.status(leaf) is REVOKED


def test_restart_needs_no_network(scene: Scene) -> None:
    """What was fetched before a restart answers after it, for ``explain`` too."""
    leaf = scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf))
    assert scene.status(leaf) is REVOKED
    scene.watch.stop()
    del scene.web.pages["/a.crl"]
    scene.watch = scene.new_watch()
    assert scene.status(leaf) is REVOKED
    assert scene.web.asked["/a.crl"] == 1
    assert judge_from_store(scene.path(leaf), scene.store, (), scene.now()).status is REVOKED


def test_what_another_node_got_serves_where_a_location_does_not_answer(scene: Scene, tmp_path: Path) -> None:
    """It is judged like the location's own answer: forged or for another authority it is of no use."""
    leaf = scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf))
    assert scene.status(leaf) is REVOKED
    ((name, fetched, content),) = scene.store.own_files()
    del scene.web.pages["/a.crl"]
    forged = revocation_list(Authority.create("Lab Root"))
    for number, (octets, expected) in enumerate(
        ((content.partition(b"\n")[0] + b"\n" + forged, UNKNOWN), (b"{}\nx", UNKNOWN), (content, REVOKED))
    ):
        scene.watch.stop()
        scene.store = RevocationStore(tmp_path / str(number) / "revocation")
        scene.store.folder.parent.mkdir()
        taken = scene.store.take_from_another(name, octets)
        assert taken == (None if octets.startswith(b"{}") else fetched)
        scene.watch = scene.new_watch()
        assert scene.status(leaf) is expected


def test_only_files_of_the_store_are_taken_from_others(tmp_path: Path) -> None:
    """A name that leads elsewhere, a header that is none and too many octets are refused."""
    store = RevocationStore(tmp_path / "revocation")
    header = b'{"url": "http://a.test/", "answers": false, "fetched": "2026-11-25T12:00:00+00:00"}\n'
    good = f"{'a' * 40}.statement"
    for name, content in (
        ("../../etc/passwd", header),
        (f"{'a' * 39}/.statement", header),
        (good, b"nothing"),
        (good, b'{"fetched": 3}\n'),
        (good, header + b"x" * 600_000),
    ):
        assert store.take_from_another(name, content) is None
    assert not list(tmp_path.rglob("*.statement"))
    assert store.take_from_another(good, header) is not None


def test_ocsp_responder(scene: Scene) -> None:
    """The responder is asked about this certificate, and its answer is kept."""
    leaf = scene.leaf(responder="/ocsp")
    questions: list[int] = []

    def answer(body: bytes) -> bytes:
        questions.append(ocsp.load_der_ocsp_request(body).serial_number)
        return ocsp_answer(leaf, scene.root, "revoked")

    scene.web.pages["/ocsp"] = Page(answer=answer)
    assert scene.status(leaf) is REVOKED
    assert scene.status(leaf) is REVOKED
    assert questions == [leaf.certificate.serial_number]


def test_delta_list_is_followed(scene: Scene) -> None:
    """A delta list that the complete list points to is fetched as well."""
    leaf = scene.leaf(lists=("/a.crl",))
    freshest = (x509.FreshestCRL([point(scene.web.url("/delta.crl"))]), False)
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, number=1, extensions=[freshest]))
    scene.web.pages["/delta.crl"] = Page(delta_list(scene.root, leaf, base=1, number=2))
    scene.status(leaf)
    wait_for(lambda: scene.status(leaf) is REVOKED, "the delta list to count")


def test_delta_list_that_only_the_certificate_names(scene: Scene) -> None:
    """It is fetched and used, and what it asks for beyond the complete list is fetched again."""
    leaf = scene.leaf(lists=("/a.crl",), deltas=("/delta.crl",))
    hold = {leaf.certificate.serial_number: HOLD}
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, number=1))
    scene.web.pages["/delta.crl"] = Page(delta_list(scene.root, leaf, base=1, number=2, reasons=hold))
    wait_for(lambda: scene.status(leaf) is REVOKED, "the delta list to count")
    lifted = {leaf.certificate.serial_number: LIFTED}
    scene.web.pages["/delta.crl"] = Page(delta_list(scene.root, leaf, base=1, number=3, reasons=lifted))
    scene.pass_time(timedelta(hours=13))
    wait_for(lambda: scene.status(leaf) is GOOD, "the hold to be lifted")


def test_delta_list_that_is_ahead_has_its_base_fetched(tmp_path: Path) -> None:
    """A complete list older than what a delta list builds upon is asked for again at once."""
    root = Authority.create("Lab Root")
    table = RevocationTable(
        RevocationStore(tmp_path), lambda _: None, lambda: datetime.now(UTC), lambda _: None
    )
    pointers = Pointers(lists=("http://crl.test/a",), deltas=("http://crl.test/delta",))
    table.watch((parse(root.issue("a.test", extensions=pointers).der), parse(root.der)))
    complete, delta = sorted(table.take_due(), key=lambda location: location.url)
    table.received(complete, revocation_list(root, number=1))
    table.received(delta, delta_list(root, base=1, number=2))
    assert table.take_due() == []
    table.received(delta, delta_list(root, base=5, number=6))
    assert table.take_due() == [complete]


@pytest.mark.parametrize("fault", ["nothing", "garbage", "forged", "late", "another's"])
def test_useless_answers(scene: Scene, fault: str) -> None:
    """What does not help is logged and asked for again later, not with each message."""
    leaf = scene.leaf(lists=("/a.crl",))
    past = {"this_update": scene.now() - 9 * DAY, "next_update": scene.now() - DAY}
    scene.web.pages["/a.crl"] = {
        "nothing": Page(status=503),
        "garbage": Page(b"<html>"),
        "forged": Page(revocation_list(scene.root, leaf, key=new_key())),
        "late": Page(revocation_list(scene.root, leaf, **past)),
        "another's": Page(revocation_list(Authority.create("Other"), leaf)),
    }[fault]
    assert [scene.status(leaf) for _ in range(3)] == [UNKNOWN] * 3
    assert scene.web.asked["/a.crl"] == 1
    assert scene.words() == ["revocation-not-fetched"]
    assert list(scene.store.all()) == []
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf))
    scene.pass_time(timedelta(hours=2))
    wait_for(lambda: scene.status(leaf) is REVOKED, "the next attempt")


def test_good_list_is_not_displaced(scene: Scene) -> None:
    """Neither a forged list with a higher number nor an older one that is still valid takes its place."""
    leaf = scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf, number=5))
    assert scene.status(leaf) is REVOKED
    for worse in (
        revocation_list(scene.root, number=4),
        revocation_list(scene.root, number=6, key=new_key()),
    ):
        scene.refuse(worse, "/a.crl")
        assert scene.status(leaf) is REVOKED


OTHER_SCOPES = {
    "authorities": [scope(only_contains_ca_certs=True)],
    "attribute certificates": [scope(only_contains_attribute_certs=True)],
    "another distribution point": [scope("http://crl.test/other.crl")],
    "some reasons": [scope(only_some_reasons=frozenset({HOLD}))],
    "another distribution point, indirect": [scope("http://crl.test/other.crl", indirect_crl=True)],
    "a delta list": [(x509.DeltaCRLIndicator(1), True)],
}


@pytest.mark.parametrize("extensions", OTHER_SCOPES.values(), ids=OTHER_SCOPES)
@pytest.mark.parametrize("former", [(), (scope(only_contains_user_certs=True),)], ids=["all", "hosts"])
def test_list_is_not_displaced_by_one_about_others(
    scene: Scene, extensions: Extensions, former: Extensions
) -> None:
    """A current list of the same authority that is about less does not take the place of the one we have."""
    leaf = scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf, number=5, extensions=former))
    assert scene.status(leaf) is REVOKED
    scene.refuse(revocation_list(scene.root, number=6, extensions=extensions), "/a.crl")
    assert scene.status(leaf) is REVOKED
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, number=7))
    scene.pass_time(timedelta(hours=13))
    wait_for(lambda: scene.status(leaf) is GOOD, "a list about the certificate")


def test_list_about_others_is_of_no_use(scene: Scene) -> None:
    """A list that never speaks about the certificate is told, and what it lacks is not made up."""
    leaf = scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(
        revocation_list(scene.root, extensions=[scope(only_contains_ca_certs=True)])
    )
    assert scene.status(leaf) is UNKNOWN
    assert "not about certificates like the one that names it" in str(scene.logged[-1])


def test_list_that_helps_one_path_does_not_displace_what_helps_another(scene: Scene) -> None:
    """A host and an authority point to one location: a list of authorities alone must not replace both."""
    pointers = Pointers((scene.web.url("/a.crl"),))
    host = scene.root.issue("mail.woodgrovebank.test", extensions=pointers)
    below = scene.root.authority("Lab Intermediate", extensions=pointers)
    path = (parse(below.issue("a.test").der), parse(below.der), parse(scene.root.der))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, host, number=5))
    assert scene.status(host) is REVOKED
    scene.watch.find(path).result(20)
    authorities = [scope(only_contains_ca_certs=True)]
    scene.refuse(revocation_list(scene.root, number=6, extensions=authorities), "/a.crl")
    assert scene.status(host) is REVOKED


def test_refresh_ahead_of_the_next_update(scene: Scene) -> None:
    """A list is fetched again before it ends, without any message, and a revocation in it counts."""
    leaf = scene.leaf(lists=("/a.crl",))
    soon = scene.now() + timedelta(minutes=30)
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, number=1, next_update=soon))
    assert scene.status(leaf) is GOOD
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf, number=2))
    scene.pass_time(timedelta(minutes=25))
    wait_for(lambda: scene.web.asked["/a.crl"] == 2, "the refresh")
    wait_for(lambda: scene.status(leaf) is REVOKED, "the new list to count")


def test_list_that_ends_counts_as_unknown(scene: Scene) -> None:
    """When nobody answers any more, the outcome ends with the list it rests on."""
    leaf = scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root))
    assert scene.status(leaf) is GOOD
    scene.web.pages["/a.crl"] = Page(status=503)
    scene.pass_time(8 * DAY)
    assert scene.status(leaf) is UNKNOWN
    assert scene.watch.find(scene.path(leaf)).result(20).detail.startswith("the newest CRL for it is out")


def test_known_revocation_outlives_its_list(scene: Scene) -> None:
    """Nobody answers any more: what was revoked stays revoked."""
    leaf = scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf))
    assert scene.status(leaf) is REVOKED
    scene.web.pages["/a.crl"] = Page(status=503)
    scene.pass_time(8 * DAY)
    assert scene.status(leaf) is REVOKED


def test_known_revocation_outlives_a_long_absence(scene: Scene) -> None:
    """The daemon is away for two months, and what is kept is tidied only where nobody wants it."""
    leaf = scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf))
    assert scene.status(leaf) is REVOKED
    scene.web.pages["/a.crl"] = Page(status=503)
    scene.watch.stop()
    scene.store.put(Location("http://crl.test/unused"), revocation_list(scene.root), scene.now())
    for path in scene.store.folder.iterdir():
        os.utime(path, (0, 0))
    scene.ahead += 60 * DAY
    scene.watch = scene.new_watch(scene.path(leaf))
    wait_for(lambda: len(list(scene.store.all())) == 1, "the unused list to be removed")
    assert scene.status(leaf) is REVOKED


def test_restart_asks_again_what_is_older_than_five_minutes(scene: Scene) -> None:
    """A revocation that was published meanwhile counts, though the list at hand holds for a week."""
    leaf = scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, number=1))
    assert scene.status(leaf) is GOOD
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf, number=2))
    scene.watch.stop()
    scene.ahead += timedelta(minutes=6)
    scene.watch = scene.new_watch()
    wait_for(lambda: scene.status(leaf) is REVOKED, "the new list")


def test_asking_again(scene: Scene) -> None:
    """On request what is older than five minutes is asked again, and nothing else."""
    old, new = scene.leaf(lists=("/old.crl",)), scene.leaf(lists=("/new.crl",))
    for path in ("/old.crl", "/new.crl"):
        scene.web.pages[path] = Page(revocation_list(scene.root, number=1))
    assert scene.status(old) is GOOD
    scene.pass_time(timedelta(minutes=6))
    assert scene.status(new) is GOOD
    scene.web.pages["/old.crl"] = Page(revocation_list(scene.root, old, number=2))
    scene.watch.ask_again()
    wait_for(lambda: scene.status(old) is REVOKED, "the new list")
    assert scene.web.asked == {"/old.crl": 2, "/new.crl": 1}


def test_refresh_bounds_the_age(scene: Scene) -> None:
    """A list that holds for a week is asked for again when it is as old as is configured, at once too."""
    leaf = scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, number=1))
    assert scene.status(leaf) is GOOD
    scene.pass_time(timedelta(minutes=20))
    assert scene.status(leaf) is GOOD
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf, number=2))
    scene.watch.configure((), private=True, refresh=timedelta(minutes=15))
    wait_for(lambda: scene.status(leaf) is REVOKED, "the new list")
    assert scene.web.asked["/a.crl"] == 2


def refreshed(scene: Scene) -> list[tuple[str, str, str]]:
    """Return what a refresh says of each location: its path, its kind and what failed."""
    told: Future[tuple[LocationReport, ...]] = Future()
    scene.watch.refresh(told.set_result)
    found = told.result(20)
    return sorted((one.url.rpartition("/")[2], one.kind, one.failure) for one in found)


def test_refresh_asks_everybody_and_tells(scene: Scene) -> None:
    """Each location is asked, however fresh it is, whatever failed before, and each result is told."""
    assert refreshed(scene) == []
    leaf = scene.leaf(lists=("/a.crl", "/gone.crl"), responder="/ocsp")
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root))
    scene.web.pages["/ocsp"] = Page(answer=lambda _: ocsp_answer(leaf, scene.root))
    scene.web.pages["/gone.crl"] = Page(status=404)
    assert scene.status(leaf) is GOOD
    wait_for(lambda: sum(scene.web.asked.values()) == 3, "the first round")
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf, number=2))
    assert refreshed(scene) == [
        ("a.crl", "CRL", ""),
        ("gone.crl", "CRL", "the server answers with status 404"),
        ("ocsp", "OCSP", ""),
    ]
    assert set(scene.web.asked.values()) == {2}
    assert scene.status(leaf) is REVOKED


def test_refresh_wants_what_is_said_from_now_on(scene: Scene) -> None:
    """An answer that is under way was made before somebody asked: the location is asked once more."""
    leaf = scene.leaf(lists=("/a.crl",))
    gate = threading.Event()
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root), gate=gate)
    waiting = scene.watch.find(scene.path(leaf))
    wait_for(lambda: scene.web.asked["/a.crl"] == 1, "the first question")
    told: Future[object] = Future()
    scene.watch.refresh(told.set_result)
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf, number=2))
    gate.set()
    waiting.result(20)
    told.result(20)
    assert scene.web.asked["/a.crl"] == 2
    assert scene.status(leaf) is REVOKED


def test_refresh_includes_paths_and_delta_lists_it_learns_of(scene: Scene) -> None:
    """Chains that are looked into at the same time are asked about, and so are lists that lists point to."""
    leaf = scene.leaf(lists=("/a.crl",))
    freshest = (x509.FreshestCRL([point(scene.web.url("/delta.crl"))]), False)
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, number=1, extensions=[freshest]))
    scene.web.pages["/delta.crl"] = Page(delta_list(scene.root, leaf, base=1, number=2))
    scene.watch.configure((), private=True, paths=[scene.path(leaf)])
    assert refreshed(scene) == [("a.crl", "CRL", ""), ("delta.crl", "CRL", "")]
    assert scene.status(leaf) is REVOKED


def test_locations_of_no_use_are_written_down(scene: Scene) -> None:
    """For the doctor: which, why, what to do, and whether anybody misses them; gone when they are mended."""
    state = scene.store.folder.parent
    leaf, other = scene.leaf(lists=("/a.crl",)), scene.leaf(lists=("/a.crl", "/b.crl"))
    ldap = scene.root.issue(
        "l.test", extensions=Pointers(("ldap://dir.test/cn=x?certificateRevocationList",))
    )
    scene.web.pages["/a.crl"] = Page(b"x" * (MAXIMUM_LIST_OCTETS + 1))
    scene.web.pages["/b.crl"] = Page(revocation_list(scene.root))
    assert [scene.status(one) for one in (leaf, other, ldap)] == [UNKNOWN, GOOD, UNKNOWN]
    wait_for(lambda: len(read_failures(state)) == 2, "the file")
    large, elsewhere = sorted(read_failures(state), key=lambda one: one.url)
    assert (large.failure, large.is_missed) == ("it is larger than 16 MiB", True)
    assert "in parts" in large.fix
    assert "in parts" in str(scene.logged[-1]) or "in parts" in str(scene.logged)
    assert elsewhere.url.startswith("ldap://")
    assert "only http and https" in elsewhere.failure
    told = KeptRevocation(scene.store, (), scene.now).find(scene.path(leaf)).result(0).detail
    assert (
        f"{scene.web.url('/a.crl')}: it is larger than 16 MiB; ask the authority for lists in parts" in told
    )
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root))
    refreshed(scene)
    wait_for(lambda: [one.url[:4] for one in read_failures(state)] == ["ldap"], "the mended one to go")


def test_https_server_that_nobody_vouches_for(scene: Scene, tmp_path: Path) -> None:
    """The list there is not used, and the log says why and what to do."""
    issued = Authority.create("Web").issue("localhost", dns_names=("localhost",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.write(tmp_path, "server"))
    with WebServer(tls=context) as web:
        url = f"https://localhost:{web.port}/a.crl"
        leaf = scene.root.issue("a.test", extensions=Pointers((url,)))
        web.pages["/a.crl"] = Page(revocation_list(scene.root))
        assert scene.status(leaf) is UNKNOWN
    assert "the certificate of its server is not believed" in str(scene.logged[-1])
    assert "over http" in str(scene.logged[-1])


def test_message_waits_only_as_long_as_somebody_is_asked(scene: Scene) -> None:
    """While a server is silent the future is open; other paths are answered meanwhile."""
    slow, quick = scene.leaf(lists=("/slow.crl",)), scene.leaf()
    gate = threading.Event()
    scene.web.pages["/slow.crl"] = Page(revocation_list(scene.root), gate=gate)
    waiting: Future[object] = scene.watch.find(scene.path(slow))
    assert scene.status(quick) is UNKNOWN
    assert not waiting.done()
    gate.set()
    assert scene.watch.find(scene.path(slow)).result(20).status is GOOD
    assert waiting.done()


def test_mail_that_was_put_off_presses_for_an_answer(scene: Scene) -> None:
    """A server that is back is heard with the next message, which does not wait; nothing is told twice."""
    leaf = scene.leaf(lists=("/a.crl",))
    assert scene.status(leaf) is UNKNOWN
    assert scene.words() == ["revocation-not-fetched"]
    scene.ahead += timedelta(seconds=2)
    assert scene.status(leaf) is UNKNOWN
    wait_for(lambda: scene.web.asked["/a.crl"] == 2, "the question before its time")
    gate = threading.Event()
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root), gate=gate)

    def is_asked() -> bool:
        scene.ahead += timedelta(seconds=2)
        return scene.status(leaf) is UNKNOWN and scene.web.asked["/a.crl"] > 2

    wait_for(is_asked, "another one, which hangs and keeps nobody")
    gate.set()
    wait_for(lambda: scene.status(leaf) is GOOD, "the list")
    assert scene.words() == ["revocation-not-fetched", "revocation-fetched"]


def test_private_addresses_only_where_allowed(scene: Scene) -> None:
    """Without ``fetch_private`` nothing is sent to loopback; allowing it takes effect at once."""
    scene.watch.stop()
    scene.watch = scene.new_watch(private=False)
    leaf = scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root))
    assert scene.status(leaf) is UNKNOWN
    assert not scene.web.asked
    assert "fetch_private" in str(scene.logged[0])
    scene.watch.configure((), private=True)
    wait_for(lambda: scene.status(leaf) is GOOD, "the list")


def test_lists_of_files(scene: Scene) -> None:
    """A list from a file answers without any pointer, and a changed file counts."""
    leaf = scene.leaf()
    content = pem_list(revocation_list(scene.root)) + pem_list(revocation_list(Authority.create("Other")))
    scene.watch.configure(read_revocation_lists(content), private=True)
    assert scene.status(leaf) is GOOD
    scene.watch.configure((parse_revocation_list(revocation_list(scene.root, leaf)),), private=True)
    wait_for(lambda: scene.status(leaf) is REVOKED, "the new file to count")
    wait_for(lambda: scene.next_updates.keys() == {"CN=Lab Root"}, "the issuers in use")
    held = {leaf.certificate.serial_number: HOLD}
    lists = (revocation_list(scene.root, leaf, reasons=held), revocation_list(scene.root, number=2))
    scene.watch.configure(tuple(map(parse_revocation_list, lists)), private=True)
    wait_for(lambda: scene.status(leaf) is GOOD, "the hold to be lifted")


def test_paths_are_prepared_ahead_of_their_first_message(scene: Scene) -> None:
    """Known chains are looked into at the start, so that the first message need not wait."""
    leaf = scene.leaf(lists=("/a.crl",))
    scene.web.pages["/a.crl"] = Page(revocation_list(scene.root, leaf))
    scene.watch.configure((), private=True, paths=[scene.path(leaf)])
    wait_for(lambda: scene.next_updates, "the list")
    wait_for(lambda: scene.watch.find(scene.path(leaf)).done(), "an outcome at hand")
    assert scene.watch.find(scene.path(leaf)).result(0).status is REVOKED


def test_a_fault_of_ours_does_not_end_the_watch(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, and the next question is answered."""
    leaf = scene.leaf()

    def broken(*_: object) -> None:
        raise RuntimeError("a bug of ours")

    with monkeypatch.context() as patch:
        patch.setattr(RevocationTable, "judge", broken)
        scene.watch.find(scene.path(leaf))
        wait_for(lambda: "internal-error" in scene.words(), "the log line")
    assert scene.status(leaf) is UNKNOWN


def test_table_is_bounded(tmp_path: Path) -> None:
    """The path asked for longest ago gives way, with the locations that only it needs."""
    dropped: list[object] = []
    root = Authority.create("Lab Root")
    table = RevocationTable(
        RevocationStore(tmp_path), lambda _event: None, lambda: datetime.now(UTC), dropped.append, paths=2
    )
    leaves = [
        root.issue("a.test", extensions=Pointers(lists=(f"http://crl.test/{number}", "http://crl.test/all")))
        for number in range(4)
    ]
    rows = [table.watch((parse(leaf.der), parse(root.der))) for leaf in leaves]
    assert dropped == [row.key for row in rows[:2]]
    assert {location.url[-3:] for location in table.take_due()} == {"t/2", "t/3", "all"}


def test_schedule() -> None:
    """Refresh lies ahead of the next update and within an hour; retries double up to an hour."""
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    root = Authority.create("Lab Root")

    def refresh(lasting: timedelta, chance: float, *longest: timedelta) -> timedelta:
        update = {"this_update": now - DAY, "next_update": now + lasting}
        statements = (parse_revocation_list(revocation_list(root, **update)),)
        return refresh_at(statements, now, chance, *longest) - now

    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    assert refresh(hour, 0) == 30 * minute
    assert refresh(hour, 1) == 42 * minute
    assert refresh(30 * DAY, 0) == 54 * minute
    assert refresh(30 * DAY, 1) == hour
    assert refresh(30 * DAY, 1, 12 * hour) == 12 * hour
    assert refresh(hour, 1, 10 * minute) == 10 * minute
    assert refresh(minute, 0.5) == refresh(-hour, 0.5) == 5 * minute
    assert [retry_at(failures, now, 0.5) - now for failures in (1, 2, 3, 7, 1000)] == [
        minute,
        2 * minute,
        4 * minute,
        hour,
        hour,
    ]

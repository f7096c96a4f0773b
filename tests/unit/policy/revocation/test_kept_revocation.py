"""What commands say of revocation by what the daemon has kept."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.revocation.kept_revocation import KeptRevocation, judge_from_store
from domain_secure.policy.revocation.location_report import LocationReport, write_failures
from domain_secure.policy.revocation.needs import needs
from domain_secure.policy.revocation.revocation import Judgement, RevocationStatus
from domain_secure.policy.revocation.revocation_store import RevocationStore
from domain_secure.policy.revocation.statements import parse_revocation_list

from lab.certificates import DAY, Authority, Issued
from lab.revocations import Pointers, delta_list, ocsp_answer, point, revocation_list

NOW = datetime.now(UTC)
GOOD, REVOKED, UNKNOWN = RevocationStatus.GOOD, RevocationStatus.REVOKED, RevocationStatus.UNKNOWN
ROOT = Authority.create("Lab Root")
NOTHING = "no CRL and no OCSP answer for it is at hand"


def path_of(leaf: Issued) -> tuple[Certificate, ...]:
    """Return the path of a certificate."""
    return parse(leaf.der), parse(ROOT.der)


@pytest.fixture
def store(tmp_path: Path) -> RevocationStore:
    """Return an empty store in a state folder."""
    return RevocationStore(tmp_path / "revocation")


def found(store: RevocationStore, leaf: Issued, *lists: bytes, at: datetime = NOW) -> Judgement:
    """Return what is found for a certificate, which is there at once."""
    source = KeptRevocation(store, map(parse_revocation_list, lists), lambda: at)
    first, second = source.find(path_of(leaf)), source.find(path_of(leaf))
    assert first.done()
    assert first.result() == second.result()
    return first.result()


def failure(number: int, **changes: str) -> LocationReport:
    """Return the report on a location that was of no use."""
    words = {"failure": f"failure {number}", "fix": f"fix {number}"} | changes
    return LocationReport(f"http://crl.test/{number}", "CRL", "CN=a.test", **words)


def test_by_a_list_of_a_file(store: RevocationStore) -> None:
    """Without anything kept the lists of files count."""
    leaf = ROOT.issue("a.test", extensions=Pointers(lists=("http://crl.test/0",)))
    assert found(store, leaf, revocation_list(ROOT)).status is GOOD
    assert found(store, leaf, revocation_list(ROOT, leaf)).status is REVOKED
    assert found(store, leaf, revocation_list(ROOT), at=NOW + 30 * DAY).status is UNKNOWN
    assert found(store, leaf).detail == NOTHING


def test_by_what_is_kept(store: RevocationStore) -> None:
    """Of each location that the certificate names, lists and answers, and of no other."""
    pointers = Pointers(lists=("http://crl.test/0",), responders=("http://ocsp.test/",))
    leaf = ROOT.issue("a.test", extensions=pointers)
    listed, answered = needs(path_of(leaf))
    store.put(listed.location, revocation_list(ROOT), NOW)
    assert found(store, leaf).status is GOOD
    store.put(answered.location, ocsp_answer(leaf, ROOT, "revoked"), NOW)
    assert found(store, leaf).status is REVOKED
    store.put(answered.location, ocsp_answer(leaf, ROOT), NOW)
    assert found(store, leaf).status is GOOD
    assert found(store, leaf, revocation_list(ROOT, leaf, number=2)).status is REVOKED
    store.put(listed.location, revocation_list(ROOT, leaf), NOW)
    assert found(store, leaf).status is REVOKED
    assert found(store, ROOT.issue("b.test")).status is UNKNOWN
    assert judge_from_store(path_of(leaf), store, (), NOW).status is REVOKED


def test_by_delta_lists_that_a_list_points_to(store: RevocationStore) -> None:
    """They are looked for as well, each once, though they point to each other's place in circles."""
    leaf = ROOT.issue("a.test", extensions=Pointers(lists=("http://crl.test/0",)))
    there = [point("http://crl.test/delta"), point("http://crl.test/0")]
    freshest = [(x509.FreshestCRL(there), False)]
    (need,) = needs(path_of(leaf))
    store.put(need.location, revocation_list(ROOT, extensions=freshest), NOW)
    assert found(store, leaf).status is GOOD
    delta = type(need.location)("http://crl.test/delta")
    store.put(delta, delta_list(ROOT, leaf, base=1, number=2, extensions=freshest), NOW)
    assert found(store, leaf).status is REVOKED


def test_what_is_told_where_nobody_knows(tmp_path: Path, store: RevocationStore) -> None:
    """Which of its locations were of no use, three of them, and what to do; nothing of other certificates."""
    urls = tuple(f"http://crl.test/{number}" for number in range(4))
    leaf = ROOT.issue("a.test", extensions=Pointers(lists=urls))
    write_failures(tmp_path, [failure(9), failure(0), failure(1)])
    told = "http://crl.test/0: failure 0; http://crl.test/1: failure 1; fix 0; fix 1"
    assert found(store, leaf).detail == f"{NOTHING}; {told}"
    assert found(store, leaf).status is UNKNOWN
    assert found(store, leaf, revocation_list(ROOT)).detail.startswith("not revoked as of ")
    write_failures(tmp_path, [failure(number) for number in range(4)])
    told = "; ".join(f"http://crl.test/{number}: failure {number}" for number in range(3))
    assert found(store, leaf).detail == f"{NOTHING}; {told}; fix 0; fix 1; fix 2"
    write_failures(tmp_path, [failure(number, fix="the same" if number else "") for number in range(3)])
    assert found(store, leaf).detail == f"{NOTHING}; {told}; the same"


def test_locations_that_nobody_asks_are_told(store: RevocationStore) -> None:
    """They are the reason why nobody knows."""
    leaf = ROOT.issue("a.test", extensions=Pointers(lists=("ldap://crl.test/",)))
    assert found(store, leaf).detail == (
        f"{NOTHING}; ldap://crl.test/: only http and https locations are asked; "
        "ask the authority for an http location, or name the list in [trust] crl_files"
    )

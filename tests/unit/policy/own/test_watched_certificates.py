"""Certificates that an ACME client renews: taken in and put to use, or refused."""

import os
from pathlib import Path

import pytest

from domain_secure.policy.own.enabled_certificates import EnabledCertificates, Role
from domain_secure.policy.own.own_certificate import OwnCertificate
from domain_secure.policy.own.own_certificates import OwnCertificates
from domain_secure.policy.own.renewal_check import Change
from domain_secure.policy.own.watch_list import Watched, WatchList
from domain_secure.policy.own.watched_certificates import (
    ACCEPTED,
    Look,
    Outcome,
    Refreshed,
    Standing,
    look_at_watched,
    refresh_watched,
)

from lab.certificates import SERVER, Issued, pem
from unit.policy.own_files import HOST, NAME, SUB, now, take_in

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="left out: needs root")


def lay_out(folder: Path, issued: Issued) -> None:
    """Write the files of an ACME client."""
    folder.mkdir(exist_ok=True)
    (folder / "privkey.pem").write_bytes(issued.key_pem)
    (folder / "cert.pem").write_bytes(issued.certificate_pem)
    (folder / "chain.pem").write_bytes(pem(*issued.chain))
    (folder / "fullchain.pem").write_bytes(issued.pem())
    (folder / "README").write_text("of the client")


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A folder with a certificate that is watched, in use in both roles."""
    folder = tmp_path / "live"
    lay_out(folder, HOST)
    own = take_in(tmp_path, HOST.pem(key=True))
    watch(tmp_path, own)
    EnabledCertificates(tmp_path).enable(own, Role)
    return folder


def watching(state: Path) -> WatchList:
    """Return the list of what is watched, beside the configuration."""
    return WatchList(state / "domain-secure.watched.json", state)


def watch(state: Path, own: OwnCertificate, accepted: frozenset[Change] = ACCEPTED) -> None:
    """Watch the folder, as *own* was taken in from it."""
    watched = Watched(state / "live", None, None, "Contoso mail", exportable=False, accepted=accepted,
                      certificate=own.sha256)  # fmt: skip
    watching(state).watch(watched)


def refreshed(state: Path) -> Refreshed:
    """Look at the one watched folder."""
    (result,) = refresh_watched(watching(state), state, now())
    return result


def in_use(state: Path) -> set[str]:
    """Return the certificates in use."""
    return {chain[0].certificate_pin.digest for chain in EnabledCertificates(state).chains().values()}


def test_nothing_changed(tmp_path: Path, live: Path) -> None:
    """The same certificate is left alone."""
    assert live.is_dir()
    assert refreshed(tmp_path).outcome is Outcome.UNCHANGED


def test_renewed(tmp_path: Path, live: Path) -> None:
    """A renewed certificate, with another key as is usual, takes the place of its predecessor; once."""
    renewed = SUB.issue(NAME, dns_names=[NAME])
    lay_out(live, renewed)
    result = refreshed(tmp_path)
    assert (result.outcome, result.detail) == (Outcome.ENABLED, "in use as server and client")
    assert in_use(tmp_path) == {renewed.fingerprint}
    assert refreshed(tmp_path).outcome is Outcome.UNCHANGED


def test_vetoed(tmp_path: Path, live: Path) -> None:
    """A renewal that lost the client purpose is refused, again and again, until a person decides."""
    renewed = SUB.issue(NAME, dns_names=[NAME], purposes=[SERVER])
    lay_out(live, renewed)
    for _ in range(2):
        result = refreshed(tmp_path)
        assert result.outcome is Outcome.REFUSED
        assert [one.change for one in result.objections] == [Change.PURPOSE]
        assert in_use(tmp_path) == {HOST.fingerprint}
    own = next(
        one for one in OwnCertificates(tmp_path).inventory().certificates if one.sha256 == renewed.fingerprint
    )
    EnabledCertificates(tmp_path).enable(own, Role)
    assert refreshed(tmp_path).outcome is Outcome.IMPORTED
    assert refreshed(tmp_path).outcome is Outcome.UNCHANGED


def test_accepted_once_for_all(tmp_path: Path, live: Path) -> None:
    """What was accepted when the watch began is accepted at each renewal."""
    (own,) = OwnCertificates(tmp_path).inventory().certificates
    watch(tmp_path, own, ACCEPTED | {Change.PURPOSE})
    lay_out(live, SUB.issue(NAME, dns_names=[NAME], purposes=[SERVER]))
    assert refreshed(tmp_path).outcome is Outcome.ENABLED


def test_only_what_is_in_use_is_replaced(tmp_path: Path, live: Path) -> None:
    """A role that shows another certificate goes on to do so."""
    other = take_in(tmp_path, SUB.issue("other.contoso.test").pem(key=True))
    EnabledCertificates(tmp_path).enable(other, [Role.SERVER])
    renewed = SUB.issue(NAME, dns_names=[NAME])
    lay_out(live, renewed)
    assert refreshed(tmp_path).detail == "in use as client"
    chains = EnabledCertificates(tmp_path).chains()
    assert chains[Role.SERVER] == other.chain
    assert chains[Role.CLIENT][0].der == renewed.der


@pytest.mark.parametrize("half", ["privkey.pem", "fullchain.pem"])
def test_in_the_middle_of_a_renewal(tmp_path: Path, live: Path, half: str) -> None:
    """While only one of key and certificate is new, the former pair stays in use."""
    renewed = SUB.issue(NAME, dns_names=[NAME])
    content = renewed.key_pem if half == "privkey.pem" else renewed.pem()
    (live / half).write_bytes(content)
    assert refreshed(tmp_path).outcome in {Outcome.FAILED, Outcome.UNCHANGED}
    assert in_use(tmp_path) == {HOST.fingerprint}
    lay_out(live, renewed)
    assert refreshed(tmp_path).outcome is Outcome.ENABLED


def test_what_is_gone(tmp_path: Path, live: Path) -> None:
    """A folder that is not there any more is told, and changes nothing."""
    live.rename(tmp_path / "elsewhere")
    result = refreshed(tmp_path)
    assert result.outcome is Outcome.FAILED
    assert "No such file" in result.detail
    assert in_use(tmp_path) == {HOST.fingerprint}
    assert watching(tmp_path).forget(live)
    assert not watching(tmp_path).forget(live)
    assert refresh_watched(watching(tmp_path), tmp_path, now()) == ()


def looked(state: Path) -> Look:
    """Look at the one watched folder without taking anything in."""
    (look,) = look_at_watched(watching(state), state, now())
    return look


def test_what_waits_is_told(tmp_path: Path, live: Path) -> None:
    """A renewed certificate that nobody took in is told, and why one would be refused; nothing changes."""
    assert looked(tmp_path).standing is Standing.CURRENT
    lay_out(live, SUB.issue(NAME, dns_names=[NAME]))
    look = looked(tmp_path)
    assert look.standing is Standing.WAITS
    assert look.detail.endswith("in place of the one in use as server and client")
    lay_out(live, SUB.issue("x.test", dns_names=["x.test"]))
    assert looked(tmp_path).standing is Standing.REFUSED
    assert looked(tmp_path).detail.startswith("names: ")
    assert in_use(tmp_path) == {HOST.fingerprint}
    (live / "privkey.pem").write_text("rubbish")
    assert looked(tmp_path).standing is Standing.UNUSABLE


def test_a_refused_one_that_was_enabled_by_hand(tmp_path: Path, live: Path) -> None:
    """It waits no more once a person has put it to use."""
    other = SUB.issue("x.test", dns_names=["x.test"])
    lay_out(live, other)
    assert refreshed(tmp_path).outcome is Outcome.REFUSED
    EnabledCertificates(tmp_path).enable(take_in(tmp_path, other.pem(key=True)), Role)
    assert looked(tmp_path).standing is Standing.CURRENT


@needs_root
@pytest.mark.parametrize("kind", ["link", "folder", "hard link", "fifo"])
def test_nobody_leads_root_to_another_file(tmp_path: Path, live: Path, kind: str) -> None:
    """A key of root's is not taken in where the owner of the watched folder has led us to it."""
    renewed = SUB.issue(NAME, dns_names=[NAME])
    lay_out(live, renewed)
    secret = tmp_path / "secret"
    lay_out(secret, renewed)
    for path in (live, *live.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    key = live / "privkey.pem"
    key.unlink()
    if kind == "link":
        key.symlink_to(secret / "privkey.pem")
        os.chown(key, NOBODY, NOBODY, follow_symlinks=False)
    elif kind == "hard link":
        os.link(secret / "privkey.pem", key)
    elif kind == "fifo":
        os.mkfifo(key)
    else:
        key.symlink_to(tmp_path / "way" / "privkey.pem")
        (tmp_path / "way").symlink_to(secret)
        for one in (key, tmp_path / "way"):
            os.chown(one, NOBODY, NOBODY, follow_symlinks=False)
    result = refreshed(tmp_path)
    assert result.outcome is Outcome.FAILED
    assert ("it is no file" if kind == "fifo" else "another user than its owner") in result.detail
    assert in_use(tmp_path) == {HOST.fingerprint}


@needs_root
def test_a_client_that_is_not_root(tmp_path: Path, live: Path) -> None:
    """The files of an ACME client with a user of its own are taken in, links among them."""
    archive = tmp_path / "archive"
    renewed = SUB.issue(NAME, dns_names=[NAME])
    lay_out(archive, renewed)
    for name in ("privkey.pem", "fullchain.pem"):
        (live / name).unlink()
        (live / name).symlink_to(f"../archive/{name}")
    for path in (live, *live.iterdir(), archive, *archive.iterdir()):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    assert refreshed(tmp_path).outcome is Outcome.ENABLED

"""The folder of our keys, where the daemon's user has put what may lead root elsewhere."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path, PurePath

import pytest

from domain_secure.policy.authority.authority_folder import AuthorityFolder
from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.own.enabled_certificates import EnabledCertificates, Role
from domain_secure.policy.own.key_folder import KeyFolder
from domain_secure.policy.own.own_certificate import OwnCertificate
from domain_secure.policy.own.own_certificates import OwnCertificates
from domain_secure.policy.own.private_key import KeyType, generate
from domain_secure.policy.own.watch_list import WatchList
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.problems import Problem

from unit.policy.own_files import HOST, NAME, SUB, now, requested, take_in

NOBODY = 65534
OTHER = SUB.issue(NAME, dns_names=[NAME])
PARTNER_KEY = generate(KeyType.EC_P256).public_key()


def filled(state: Path) -> OwnCertificate:
    """Fill the folder below *state*, which is nobody's where we are root; return the certificate in it."""
    state.mkdir()
    if os.geteuid() == 0:
        os.chown(state, NOBODY, NOBODY)
    own = take_in(state, HOST.pem(key=True), exportable=True)
    requested(state)
    EnabledCertificates(state).enable(own, Role)
    with KeyFolder(state).writing() as folder:
        folder.replace("watched.json", b'[{"path": "/live"}, {"path": "/other"}]')
    with KeyFolder(state).writing() as folder:
        AuthorityFolder(folder.path / "ca", folder).init(
            "Pair", [Domain("contoso.test")], now(), days=9, list_url=None, list_days=9, password=None
        )
    return own


def everything(folder: Path) -> dict[str, tuple[int, int, bytes | str]]:
    """Return mode, owner and content of all that is in a folder."""
    found: dict[str, tuple[int, int, bytes | str]] = {}
    for path in (folder, *folder.rglob("*")):
        state = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path)] = (state.st_mode, state.st_uid, content)
    return found


def authority(state: Path, action: Callable[[AuthorityFolder], object]) -> None:
    """Have the authority below *state* do something."""
    with KeyFolder(state).writing() as folder:
        action(AuthorityFolder(folder.path / "ca", folder))


def attempts(state: Path, own: OwnCertificate) -> dict[str, Callable[[], object]]:
    """Return everything that is done with the folder, by name."""
    store, enabled = OwnCertificates(state), EnabledCertificates(state)
    watching = WatchList(state.parent / "edge.watched.json", state)
    return {
        "inventory": store.inventory,
        "key": own.key,
        "is_encrypted": lambda: own.is_encrypted,
        "request": lambda: requested(state),
        "import": lambda: take_in(state, OTHER.pem(key=True)),
        "again": lambda: take_in(state, HOST.pem(key=True)),
        "chains": enabled.chains,
        "enable": lambda: enabled.enable(own, [Role.SERVER]),
        "disable": lambda: enabled.disable(own),
        "watched": watching.unconfirmed,
        "forget": lambda: watching.forget(Path("/live")),
        "ca-list": lambda: authority(state, AuthorityFolder.read),
        "ca-crl": lambda: authority(state, AuthorityFolder.revocation_list),
        "ca-issue": lambda: authority(
            state, lambda ca: ca.issue(PARTNER_KEY, [Entry("contoso.test")], now(), days=9, password=None)
        ),
        "ca-revoke": lambda: authority(state, lambda ca: ca.revoke([], now(), password=None)),
        "remove": lambda: store.remove(own),
    }


#: Where a link is planted, and what is refused then.  ``ENTRY`` stands for that of the certificate.
PLACES = {
    "": "inventory key is_encrypted request import again chains enable disable watched forget remove "
    "ca-list ca-crl ca-issue ca-revoke",
    "certificates": "inventory key is_encrypted import again enable remove",
    "certificates/ENTRY": "key is_encrypted again enable",
    "certificates/ENTRY/key.pem": "key is_encrypted again enable",
    "certificates/ENTRY/about.json": "again",
    "requests": "inventory request import again",
    "generations": "chains enable disable",
    "generations/1": "chains enable disable",
    "generations/1/server.pem": "chains enable disable",
    "enabled": "chains enable disable",
    "watched.json": "watched forget",
    "ca": "ca-list ca-crl ca-issue ca-revoke",
    "ca/root.key": "ca-issue ca-revoke",
    "ca/root.crl": "ca-crl ca-issue ca-revoke",
    "ca/authority.json": "ca-list ca-issue ca-revoke",
}


@pytest.mark.parametrize("place", list(PLACES))
def test_a_link_is_refused_and_what_it_leads_to_is_left_alone(tmp_path: Path, place: str) -> None:
    """Another folder of the same form, with files that a sweep would take, is neither read nor changed."""
    state, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    own = filled(state)
    shutil.copytree(state, elsewhere, symlinks=True)
    for name in (".unfinished-x", ".key.pem.abc", "certificates/.chain.pem.abc", "ca/.root.key.abc"):
        (elsewhere / "keys" / name).write_bytes(b"theirs")
    path = Path("keys", place.replace("ENTRY", own.sha256))
    (state / path).rename(tmp_path / "former")
    (state / path).symlink_to(elsewhere / path)
    before = everything(elsewhere)
    refused = {}
    for name, attempt in attempts(state, own).items():
        try:
            attempt()
        except (Problem, OSError) as error:
            refused[name] = str(error)
    assert set(refused) == set(PLACES[place].split())
    assert all("Permission denied: it is a symbolic link" in words for words in refused.values()), refused
    assert all(str(state / path) in words for words in refused.values()), refused
    assert everything(elsewhere) == before


@pytest.mark.parametrize(
    "target", ["generations/../../../elsewhere", "certificates", "/etc", "generations/1/x"]
)
def test_only_a_generation_is_in_use(tmp_path: Path, target: str) -> None:
    """The one link of ours leads to a generation of ours, or is refused."""
    state = tmp_path / "state"
    own = filled(state)
    (state / "keys" / "enabled").unlink()
    (state / "keys" / "enabled").symlink_to(target)
    enabled = EnabledCertificates(state)
    for attempt in (enabled.chains, lambda: enabled.enable(own, Role), lambda: enabled.disable(own)):
        with pytest.raises(Problem, match="it is a symbolic link to elsewhere"):
            attempt()
    assert (state / "keys" / "enabled").readlink() == Path(target)


def test_a_generation_that_is_missing(tmp_path: Path) -> None:
    """Where the files in use were removed by hand, none is in use, and the next enable mends it."""
    state = tmp_path / "state"
    own = filled(state)
    shutil.rmtree(state / "keys" / "generations")
    assert EnabledCertificates(state).chains() == {}
    assert EnabledCertificates(state).enable(own, Role)
    assert set(EnabledCertificates(state).chains()) == set(Role)


def test_another_generation_while_we_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader who comes upon a change sees the files before it or after it, and never none."""
    state = tmp_path / "state"
    own = filled(state)
    read, changed = HeldFolder.read, []

    def after_a_change(folder: HeldFolder, place: PurePath) -> bytes:
        if not changed:
            changed.append(place)
            EnabledCertificates(state).disable(own)
            EnabledCertificates(state).enable(own, Role)
        return read(folder, place)

    monkeypatch.setattr(HeldFolder, "read", after_a_change)
    assert EnabledCertificates(state).chains() == dict.fromkeys(Role, own.chain)


def test_a_folder_that_is_a_file_is_not_taken_for_none(tmp_path: Path) -> None:
    """Only where nothing is there, nothing is there."""
    (tmp_path / "keys").touch()
    with pytest.raises(Problem, match=r"cannot be used .Not a directory.: .*/keys:"):
        OwnCertificates(tmp_path).inventory()


def test_only_our_own_temporary_names_are_swept(tmp_path: Path) -> None:
    """What a killed writer of this or of an earlier version left goes; all else stays."""
    state = tmp_path / "state"
    filled(state)
    ours = (".unfinished-1", ".watched.json.x1_", "certificates/.chain.pem.abcd1234", "ca/.root.key.abcd1234")
    others = (".hidden", ".gitignore", ".key.pem", "certificates/.note", "ca/.authority.json", "a.pem.b")
    for name in (*ours, *others):
        (state / "keys" / name).touch()
    requested(state)
    assert not [name for name in ours if (state / "keys" / name).exists()]
    assert [name for name in others if (state / "keys" / name).exists()] == list(others)


@pytest.mark.skipif(os.geteuid() != 0, reason="left out: needs root")
def test_all_that_root_makes_is_the_owners(tmp_path: Path) -> None:
    """Folders, files and the link belong to the daemon's user, and are closed to everybody else."""
    filled(tmp_path / "state")
    found = everything(tmp_path / "state" / "keys")
    assert {owner for _, owner, _ in found.values()} == {NOBODY}
    public = {"root.pem", "root.crl"}
    for path, (mode, _, _) in found.items():
        if not stat.S_ISLNK(mode) and Path(path).name not in public:
            assert not mode & 0o077, path


@pytest.mark.skipif(os.geteuid() != 0, reason="left out: needs root")
def test_a_key_that_root_has_written_is_used(tmp_path: Path) -> None:
    """Whoever opens an encrypted key as we say puts a file of root's in its place."""
    state = tmp_path / "state"
    own = filled(state)
    content = own.key_file.read_bytes()
    own.key_file.unlink()
    own.key_file.touch(0o600)
    own.key_file.write_bytes(content)
    (found,) = OwnCertificates(state).inventory().certificates
    assert found.holds_key_of(own.certificate)


@pytest.mark.skipif(os.geteuid() != 0, reason="left out: needs root")
def test_another_users_key_is_not_read_by_a_hard_link(tmp_path: Path) -> None:
    """A second name of root's own key gives nobody its content."""
    state = tmp_path / "state"
    own = filled(state)
    (tmp_path / "secret.pem").write_bytes(OTHER.key_pem)
    own.key_file.unlink()
    os.link(tmp_path / "secret.pem", own.key_file)
    with pytest.raises(Problem, match="it is a hard link to another user's file"):
        own.key()
    with pytest.raises(Problem, match="it is a hard link to another user's file"):
        EnabledCertificates(state).enable(own, Role)

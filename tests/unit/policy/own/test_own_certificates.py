"""The store of our own certificates: requests, imports, modes of the files, damage."""

import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.own.key_bundle import Bundle
from domain_secure.policy.own.own_certificates import OwnCertificates
from domain_secure.policy.own.own_import import RefusedImportError
from domain_secure.policy.own.own_inventory import expiries, inventory_of
from domain_secure.policy.own.private_key import encrypted_pem, parse_pem
from domain_secure.policy.terms.problems import Problem

from lab.certificates import DAY, Authority, new_key, pem, self_signed
from unit.policy.own_files import HOST, NAME, ROOT, SUB, now, requested, take_in, wish


def everything(state: Path) -> list[Path]:
    """Return each file and folder of the store."""
    return [state / "keys", *(state / "keys").rglob("*")]


def test_nothing_yet(tmp_path: Path) -> None:
    """Without a folder there is nothing, and looking makes none."""
    inventory = OwnCertificates(tmp_path).inventory()
    assert (inventory.certificates, inventory.requests, inventory.set_aside) == ((), (), ())
    assert list(tmp_path.iterdir()) == []


def test_answer_finds_its_request(tmp_path: Path) -> None:
    """The issued certificate takes the key and the friendly name of the request, which is gone then."""
    request, answered = requested(tmp_path)
    other, _ = OwnCertificates(tmp_path).request(wish(), now())
    assert {one.identifier for one in OwnCertificates(tmp_path).inventory().requests} == {
        request.identifier,
        other.identifier,
    }
    own = take_in(tmp_path, answered)
    inventory = OwnCertificates(tmp_path).inventory()
    assert inventory.certificates == (own,)
    assert inventory.requests == (other,)
    assert own.friendly_name == "Contoso mail"
    assert own.holds_key_of(own.certificate)
    assert [one.subject for one in own.chain] == [f"CN={NAME}", "CN=Sub"]
    assert not own.exportable


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)], ids=["right", "reverse", "sub-first", "sub-root"]
)
def test_chain_is_brought_into_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    """Whatever the order of the file, peers get each certificate before its issuer."""
    certificates = (HOST.certificate, SUB.certificate, ROOT.certificate)
    own = take_in(tmp_path, HOST.key_pem + pem(*(certificates[index] for index in order)))
    assert [one.subject for one in own.chain] == [f"CN={NAME}", "CN=Sub", "CN=Root"]


def test_strangers_of_the_file_are_left_out(tmp_path: Path) -> None:
    """An authority of the same name with another key is not the issuer, and is told."""
    twin = ROOT.authority("Sub")
    bundle = Bundle.read(HOST.key_pem + pem(HOST.certificate, twin.certificate, SUB.certificate))
    imported = OwnCertificates(tmp_path).take_in(bundle, now(), friendly_name=None, exportable=False)
    assert [one.der for one in imported.own.chain] == [HOST.der, SUB.der]
    assert [one.subject for one in imported.unrelated] == ["CN=Sub"]


def test_renewal_alone_gets_the_chain_of_its_predecessor(tmp_path: Path) -> None:
    """Authorities of earlier imports complete a certificate that comes alone."""
    take_in(tmp_path, HOST.pem(key=True))
    renewed = SUB.issue(NAME, dns_names=[NAME])
    own = take_in(tmp_path, renewed.key_pem + renewed.certificate_pem)
    assert [one.subject for one in own.chain] == [f"CN={NAME}", "CN=Sub"]


def test_same_certificate_again(tmp_path: Path) -> None:
    """Imported again without chain and key, a certificate keeps both."""
    first = take_in(tmp_path, HOST.pem(key=True), exportable=True)
    again = take_in(tmp_path, HOST.certificate_pem)
    assert again == first
    assert len(OwnCertificates(tmp_path).inventory().certificates) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (HOST.pem(), "its key is not on this box"),
        (SUB.issue(NAME).key_pem + HOST.pem(), "belongs to none of its certificates"),
        (HOST.key_pem, "holds a private key and no certificate"),
        (ROOT.pem(key=True), "certificate of an authority"),
        (pem(SUB.certificate, ROOT.certificate), "certificate of an authority"),
        (SUB.issue(NAME, not_before=now() - 9 * DAY, not_after=now() - DAY).pem(key=True), "expired on"),
    ],
    ids=["no-key", "other-key", "only-key", "root", "authorities", "expired"],
)
def test_what_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    """Nothing is kept of it, and it is said why and what to do."""
    with pytest.raises(RefusedImportError, match=says) as caught:
        take_in(tmp_path, content)
    assert caught.value.fix
    assert OwnCertificates(tmp_path).inventory().certificates == ()


def test_odd_certificates(tmp_path: Path) -> None:
    """Two thousand names, no subject, the year 9999: taken in or refused, without a traceback."""
    many = SUB.issue(None, dns_names=[f"host{n}.contoso.test" for n in range(2000)])
    late = SUB.issue(NAME, dns_names=[NAME], not_after=now().replace(year=9999))
    assert len(take_in(tmp_path, many.pem(key=True)).names) == 2000
    assert take_in(tmp_path, late.pem(key=True)).certificate.not_after.year == 9999
    with pytest.raises(MalformedCertificateError):
        take_in(tmp_path, HOST.key_pem + HOST.certificate_pem.replace(b"MII", b"MIJ"))


def test_nobody_else_may_read(tmp_path: Path) -> None:
    """Every folder is 0700, every file 0600, whatever the mask."""
    former = os.umask(0)
    try:
        requested(tmp_path)
        take_in(tmp_path, HOST.pem(key=True))
    finally:
        os.umask(former)
    for path in everything(tmp_path):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_loose_modes_are_mended(tmp_path: Path) -> None:
    """A folder that somebody opened is closed by the next write."""
    take_in(tmp_path, HOST.pem(key=True))
    (tmp_path / "keys").chmod(0o755)
    requested(tmp_path)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_broken_entry_is_set_aside(tmp_path: Path) -> None:
    """What cannot be read is named with the reason, and the others are there."""
    own = take_in(tmp_path, HOST.pem(key=True))
    requested(tmp_path)
    certificates = tmp_path / "keys" / "certificates"
    for name, damage in (
        ("no-key", lambda place: (place / "key.pem").unlink()),
        ("no-chain", lambda place: (place / "chain.pem").write_bytes(b"")),
        ("about", lambda place: (place / "about.json").write_text("[]")),
        ("json", lambda place: (place / "about.json").write_text("{")),
        ("moved", lambda _: None),
    ):
        shutil.copytree(own.key_file.parent, certificates / name)
        damage(certificates / name)
    (certificates / "file").write_text("")
    inventory = OwnCertificates(tmp_path).inventory()
    assert inventory.certificates == (own,)
    assert len(inventory.requests) == 1
    found = {place.name: why for place, why in inventory.set_aside}
    assert set(found) == {"no-key", "no-chain", "about", "json", "moved", "file"}
    assert found["moved"] == "it holds another certificate"
    assert all(found.values())


def test_exportable_is_decided_where_the_key_comes_from(tmp_path: Path) -> None:
    """A key of this box leaves it only if its request said so; one that was imported, if the import did."""
    _, answered = requested(tmp_path)
    with pytest.raises(Problem, match="made on this box as not exportable"):
        take_in(tmp_path, answered, exportable=True)
    assert not take_in(tmp_path, answered).exportable
    _, answered = requested(tmp_path, exportable=True)
    assert take_in(tmp_path, answered).exportable
    assert take_in(tmp_path, HOST.pem(key=True), exportable=True).exportable
    assert not take_in(tmp_path, HOST.pem(key=True)).exportable


def test_encrypted_key_is_told_with_the_command(tmp_path: Path) -> None:
    """A key that was encrypted in place is refused with the command that opens it; an import mends it."""
    own = take_in(tmp_path, HOST.pem(key=True))
    own.key_file.write_bytes(encrypted_pem(parse_pem(HOST.key_pem), b"sesame"))
    (found,) = OwnCertificates(tmp_path).inventory().certificates
    assert found.is_encrypted
    with pytest.raises(Problem, match=f"openssl pkey -in {own.key_file} -out"):
        found.key()
    assert not take_in(tmp_path, HOST.pem(key=True)).is_encrypted


def test_remove(tmp_path: Path) -> None:
    """What is removed leaves no file behind."""
    request, _ = requested(tmp_path)
    own = take_in(tmp_path, HOST.pem(key=True))
    OwnCertificates(tmp_path).remove(own)
    OwnCertificates(tmp_path).remove(request)
    assert [path for path in everything(tmp_path) if path.is_file()] == []


def test_left_by_a_killed_writer(tmp_path: Path) -> None:
    """What a writer left that was killed is nobody's entry, and is swept out by the next one."""
    own = take_in(tmp_path, HOST.pem(key=True))
    unfinished = tmp_path / "keys" / ".unfinished-x"
    unfinished.mkdir()
    (unfinished / "key.pem").write_bytes(HOST.key_pem)
    (own.key_file.parent / ".chain.pem.abc").write_bytes(b"half")
    assert OwnCertificates(tmp_path).inventory().certificates == (own,)
    requested(tmp_path)
    assert not [path for path in everything(tmp_path) if path.name.startswith(".")]


_WRITER = """
import sys
from pathlib import Path
from unit.policy.own_files import requested, take_in
print("ready", flush=True)
while True:
    request, answered = requested(Path(sys.argv[1]))
    take_in(Path(sys.argv[1]), answered)
"""


def test_killed_at_any_time(tmp_path: Path) -> None:
    """Killed in the middle of writing, again and again, the store is never damaged."""
    for milliseconds in (0, 3, 7, 13, 21, 34, 55, 89):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            try:
                writer.wait(milliseconds / 1000)
            except subprocess.TimeoutExpired:
                writer.send_signal(signal.SIGKILL)
        assert writer.returncode == -signal.SIGKILL
        inventory = OwnCertificates(tmp_path).inventory()
        assert inventory.set_aside == ()
        assert all(own.holds_key_of(own.certificate) for own in inventory.certificates)
    requested(tmp_path)


def test_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """A file in the folder's place is a Problem, and no traceback."""
    (tmp_path / "keys").write_text("")
    with pytest.raises(Problem, match="the folder of our certificates cannot be used"):
        requested(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="left out: needs root")
def test_root_writes_as_the_owner_of_the_state_folder(tmp_path: Path) -> None:
    """What root makes belongs to the daemon's user; a link to a place of root's leads nowhere."""
    state, secret = tmp_path / "state", tmp_path / "secret"
    state.mkdir()
    secret.mkdir(mode=0o700)
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    os.chown(state, 65534, 65534)
    own = take_in(state, HOST.pem(key=True))
    assert {path.lstat().st_uid for path in everything(state)} == {65534}
    assert os.geteuid() == 0
    place = own.key_file.parent
    shutil.rmtree(place)
    place.parent.rmdir()
    place.parent.symlink_to(secret)
    with pytest.raises(Problem, match="Permission denied"):
        take_in(state, HOST.pem(key=True))
    assert list(secret.iterdir()) == []


def test_expiries(tmp_path: Path) -> None:
    """Role, name and what ends first of each certificate, for metrics."""
    own = take_in(tmp_path, HOST.pem(key=True))
    nameless = self_signed(None, key=new_key("p384"))
    other = take_in(tmp_path, nameless.pem(key=True))
    inventory = inventory_of(tmp_path)
    assert set(expiries(inventory, {own.sha256: "server,client"})) == {
        ("server,client", NAME, own.certificate),
        ("unused", other.sha256, other.certificate),
    }


def test_authority_that_does_not_call_itself_one(tmp_path: Path) -> None:
    """A host's certificate that signed another is not part of its chain."""
    fake = Authority(HOST.certificate, HOST.key, HOST.chain)
    issued = fake.issue("evil.test", dns_names=["evil.test"], not_after=now() + timedelta(days=1))
    own = take_in(tmp_path, issued.pem(key=True))
    assert len(own.chain) == 1

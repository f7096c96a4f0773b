"""The private authority: what it may vouch for, and that its record, list and key hold together."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from domain_secure.policy.authority.authority_folder import KEY, LIST, RECORD, ROOT, AuthorityFolder
from domain_secure.policy.authority.private_authority import issue
from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.purposes import Purpose, purposes_of
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.own.private_key import KeyType, PrivateKey, generate, parse_pem
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.problems import Problem

from unit.policy.own_files import now

DOMAINS = (Domain("contoso.test"), Domain("woodgrovebank.test"))
HOST_KEY = generate(KeyType.EC_P256)


def made(path: Path, password: bytes | None = None) -> AuthorityFolder:
    """Return a new authority."""
    path.mkdir(exist_ok=True)
    folder = AuthorityFolder(path / "ca")
    folder.init("Pair", DOMAINS, now(), days=3650, list_url="http://crl.contoso.test/pair.crl", list_days=7,
                password=password)  # fmt: skip
    return folder


def issued(folder: AuthorityFolder, *names: str, password: bytes | None = None) -> Certificate:
    """Return a certificate for the host's key."""
    key = HOST_KEY.public_key()
    return folder.issue(key, [Entry(name) for name in names], now(), days=30, password=password)[0]


def outcome(folder: AuthorityFolder, leaf: Certificate) -> PathOutcome:
    """Return what path validation says with the root as only trust anchor."""
    anchors = TrustAnchors.load((folder.path / ROOT).read_bytes())
    return validate(leaf, (), anchors, ClientPurpose.REQUIRE, now()).outcome


def test_certificate_is_good_for_both_partners(tmp_path: Path) -> None:
    """A host of either domain gets a short-lived certificate for both purposes that validates."""
    folder = made(tmp_path)
    for name in ("mail.contoso.test", "woodgrovebank.test", "*.eu.contoso.test"):
        leaf = issued(folder, name)
        assert outcome(folder, leaf) is PathOutcome.TRUSTED
        assert purposes_of(leaf) == frozenset(Purpose)
        assert leaf.dns_names == (name,)
        assert leaf.not_after - now() < timedelta(days=31)
    loaded = x509.load_der_x509_certificate(leaf.der)
    assert "http://crl.contoso.test/pair.crl" in str(
        loaded.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    )


@pytest.mark.parametrize("name", ["evil.test", "xcontoso.test", "contoso.test.evil.test"])
def test_others_are_not_vouched_for(tmp_path: Path, name: str) -> None:
    """It refuses other names, and where its key is misused, nobody believes the result."""
    folder = made(tmp_path)
    with pytest.raises(Problem, match=f"may not vouch for {name}"):
        issued(folder, "mail.contoso.test", name)
    assert folder.read()[0].issued == ()
    root = x509.load_pem_x509_certificate((folder.path / ROOT).read_bytes())
    key: PrivateKey = parse_pem((folder.path / KEY).read_bytes())
    forged = issue(root, key, HOST_KEY.public_key(), [Entry(name)], now(), days=30)
    assert outcome(folder, parse(forged.public_bytes(Encoding.DER))) is PathOutcome.UNTRUSTED


def test_root_is_bound_by_critical_constraints(tmp_path: Path) -> None:
    """The root says itself that it is for these names, and for no authority below it."""
    folder = made(tmp_path)
    extensions = x509.load_pem_x509_certificate((folder.path / ROOT).read_bytes()).extensions
    constraints = extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.permitted_subtrees == [x509.DNSName(domain) for domain in DOMAINS]
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_revocation_list(tmp_path: Path) -> None:
    """A revoked certificate is on the next list, signed by the root, under a number that grows."""
    folder = made(tmp_path)
    leaf = issued(folder, "mail.contoso.test")
    other = issued(folder, "woodgrovebank.test")
    (first, second) = folder.read()[0].issued
    assert (first.sha256, second.sha256) == (leaf.certificate_pin.digest, other.certificate_pin.digest)
    folder.revoke([first], now(), password=None)
    again = folder.revoke([first], now(), password=None)
    assert again.list_number == 5
    revocations = x509.load_der_x509_crl((folder.path / LIST).read_bytes())
    assert [one.serial_number for one in revocations] == [first.serial_number]
    assert revocations.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 5
    root = x509.load_pem_x509_certificate((folder.path / ROOT).read_bytes())
    assert revocations.is_signature_valid(root.public_key())  # type: ignore[arg-type]
    assert revocations.next_update_utc is not None
    assert timedelta(days=6) < revocations.next_update_utc - now() < timedelta(days=8)


def test_password(tmp_path: Path) -> None:
    """A key on a medium that may be lost needs its password."""
    folder = made(tmp_path, b"sesame")
    assert folder.is_locked
    assert b"ENCRYPTED" in (folder.path / KEY).read_bytes()
    for password in (None, b"wrong"):
        with pytest.raises(Problem, match="the authority's key"):
            issued(folder, "mail.contoso.test", password=password)
    assert issued(folder, "mail.contoso.test", password=b"sesame").dns_names == ("mail.contoso.test",)


def test_files_are_closed(tmp_path: Path) -> None:
    """Nobody else reads the key; root and list may be given away."""
    folder = made(tmp_path)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder.path, *folder.path.iterdir())}
    assert modes == {"ca": 0o700, KEY: 0o600, RECORD: 0o600, ROOT: 0o644, LIST: 0o644}


def test_what_is_missing_or_damaged(tmp_path: Path) -> None:
    """Each is a Problem that names the file."""
    with pytest.raises(Problem, match="there is no authority here"):
        AuthorityFolder(tmp_path / "nothing").read()
    folder = made(tmp_path)
    with pytest.raises(Problem, match="there is an authority already"):
        made(tmp_path)
    record = (folder.path / RECORD).read_bytes()
    for content in (b"", b"[]", b"{}", json.dumps({"domains": 1}).encode()):
        (folder.path / RECORD).write_bytes(content)
        with pytest.raises(Problem, match=f"damaged: .*{RECORD}"):
            folder.read()
    (folder.path / RECORD).write_bytes(record)
    (folder.path / KEY).write_bytes((made(tmp_path / "x").path / KEY).read_bytes())
    with pytest.raises(Problem, match="the key is not that of the root"):
        issued(folder, "mail.contoso.test")
    (folder.path / ROOT).write_bytes(b"rubbish")
    with pytest.raises(Problem, match=f"damaged: .*{ROOT}"):
        folder.read()

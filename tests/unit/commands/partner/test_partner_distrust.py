"""``partner cert distrust`` and ``undistrust``: what is named in which way, and where it is shown."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain_secure.commands.main import main
from domain_secure.policy.book.certificate_book import FILE_NAME, IMPORT, CertificateBook
from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.thumbprint import sha1_of

from lab.certificates import Authority

WOODGROVE = Entry("woodgrovebank.test")
ROOT = Authority.create("Root")
SUB = ROOT.authority("Sub")
HOST = SUB.issue(f"mx.{WOODGROVE}", dns_names=[f"mx.{WOODGROVE}"])
LEAF = parse(HOST.der)
SHA256 = LEAF.certificate_pin.digest
SHA1 = sha1_of(HOST.der)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration with a partner whose certificate is known."""
    file = tmp_path / "domain-secure.toml"
    (tmp_path / "ca.pem").write_bytes(ROOT.certificate_pem)
    (tmp_path / "mx.pem").write_bytes(HOST.certificate_pem)
    file.write_text(
        f'[receive]\ndomains = ["{WOODGROVE}"]\n[trust]\nca_file = "ca.pem"\n[paths]\nstate = "{tmp_path}"\n'
    )
    with closing(CertificateBook(tmp_path / FILE_NAME)) as book:
        book.add((LEAF, parse(SUB.der)), IMPORT, WOODGROVE, datetime(2026, 11, 1, tzinfo=UTC))
    return file


def partner_cert(file: Path, *arguments: str) -> int:
    """Run ``partner cert``."""
    return main(["--config", str(file), "partner", "cert", *arguments])


def distrusted(file: Path) -> frozenset[Pin]:
    """Return what is distrusted by the configuration."""
    return load(file).trust.distrusted


def pairs(text: str, separator: str) -> str:
    """Return digits in pairs."""
    return separator.join(text[start : start + 2] for start in range(0, len(text), 2))


@pytest.mark.parametrize(
    "spelling",
    [
        SHA256,
        f"sha256:{SHA256}",
        f"SHA256:{SHA256.upper()}",
        pairs(SHA256.upper(), ":"),
        f"sha256 Fingerprint={pairs(SHA256.upper(), ':')}",
        pairs(SHA256, " "),
        SHA256[:12].upper(),
        SHA1.upper(),
        pairs(SHA1, ":"),
    ],
    # The certificate is another one in every process that collects these.
    ids=["bare", "labelled", "capitals", "colons", "as openssl", "spaces", "prefix", "SHA-1", "SHA-1 colons"],
)
def test_a_certificate_in_any_spelling(file: Path, spelling: str) -> None:
    """It goes onto the list once, by SHA-256, and off it by the same words."""
    assert partner_cert(file, "distrust", spelling) == 0
    assert partner_cert(file, "distrust", WOODGROVE.upper(), spelling) == 0
    assert distrusted(file) == {LEAF.certificate_pin}
    assert partner_cert(file, "undistrust", spelling) == 0
    assert distrusted(file) == frozenset()
    assert partner_cert(file, "undistrust", spelling) == 2


@pytest.mark.parametrize("authority", [SUB, ROOT], ids=["of a chain", "trusted"])
def test_an_authority(file: Path, authority: Authority) -> None:
    """One that a partner's chain has, and one that is trusted here; a file may name it."""
    assert partner_cert(file, "distrust", authority.fingerprint[:16]) == 0
    assert distrusted(file) == {parse(authority.der).certificate_pin}


def test_a_file_and_its_key(file: Path) -> None:
    """``--key`` takes the key as well, and both go together."""
    assert partner_cert(file, "distrust", "--key", str(file.with_name("mx.pem"))) == 0
    assert distrusted(file) == LEAF.pins
    assert partner_cert(file, "undistrust", SHA1) == 0
    assert distrusted(file) == frozenset()
    assert partner_cert(file, "distrust", "--key", SHA1) == 0
    assert partner_cert(file, "undistrust", f"spki-sha256:{LEAF.public_key_pin.digest}") == 0
    assert distrusted(file) == {LEAF.certificate_pin}
    assert partner_cert(file, "distrust", "--key", SHA1) == 0
    assert partner_cert(file, "undistrust", SHA256) == 0
    assert distrusted(file) == frozenset()


def test_digests_that_nobody_knows(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A whole SHA-256 will do; of a key it says so, unless a known certificate has that key."""
    assert partner_cert(file, "distrust", "AB" * 32) == 0
    assert "no certificate with this digest is known here" in capsys.readouterr().err
    assert partner_cert(file, "distrust", f"SPKI-SHA256:{pairs('CD' * 32, ':')}") == 0
    assert partner_cert(file, "distrust", LEAF.public_key_pin.digest) == 0
    assert distrusted(file) == {
        Pin.certificate("ab" * 32),
        Pin.public_key("cd" * 32),
        LEAF.public_key_pin,
    }


@pytest.mark.parametrize("text", ["ab" * 20, "zz", "spki-sha256:abcd", WOODGROVE])
def test_what_names_nothing(file: Path, text: str) -> None:
    """A prefix, or SHA-1, of something unknown is an error, and nothing is written."""
    before = file.read_bytes()
    assert partner_cert(file, "distrust", text) == 2
    assert file.read_bytes() == before


def test_where_it_is_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the partner's certificates, in its rule, and in what is explained; chains count as a whole."""
    assert partner_cert(file, "distrust", SUB.fingerprint) == 0
    listed = [f"sha256:{SUB.fingerprint}"]
    capsys.readouterr()
    assert partner_cert(file, "list", WOODGROVE, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["distrusted"], document["certificates"][0]["distrusted"]) == (listed, listed)
    assert partner_cert(file, "list", WOODGROVE) == 0
    shown = capsys.readouterr().out
    assert "imported, DISTRUSTED" in shown
    assert f"distrusted, for every partner: {listed[0]}" in shown
    assert main(["--config", str(file), "partner", "show", WOODGROVE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["distrusted"] == listed
    arguments = ["--from", f"a@{WOODGROVE}", "--client", "192.0.2.1", "--fingerprint", SHA256, "--json"]
    assert main(["--config", str(file), "explain", *arguments]) == 1
    explained = json.loads(capsys.readouterr().out)
    assert (explained["verdict"], explained["certificate"]["path"]) == ("distrusted", "distrusted")
    assert "(distrusted)" in explained["reply"]

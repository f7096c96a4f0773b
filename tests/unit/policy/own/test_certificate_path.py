"""Where a certificate is read from: files, folders of ACME clients, password files."""

from pathlib import Path

import pytest

from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.own.certificate_path import read_bundle, read_password
from domain_secure.policy.own.key_bundle import Bundle
from domain_secure.policy.own.own_certificates import OwnCertificates
from domain_secure.policy.own.pfx import make_pfx
from domain_secure.policy.own.private_key import to_pem
from domain_secure.policy.terms.problems import Problem

from unit.policy.own_files import HOST, now, take_in


@pytest.mark.parametrize(
    "files",
    [
        {"privkey.pem": HOST.key_pem, "fullchain.pem": HOST.pem(), "privkey-1.pem": b"old", "x.pem": b"junk"},
        {"mail.key": HOST.key_pem, "mail.cer": HOST.certificate_pem, "ca.cer": HOST.pem(), "mail.csr": b"x"},
        {"only.pem": HOST.pem(key=True)},
    ],
    ids=["certbot", "acme.sh", "one"],
)
def test_folders(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Certificate, chain and key are found as ACME clients lay them out."""
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    bundle = read_bundle(tmp_path, None, None)
    assert bundle.certificates[0].der == HOST.der
    assert len(bundle.certificates) == 2
    assert len(bundle.keys) == 1


def test_key_in_a_file_apart(tmp_path: Path) -> None:
    """The key may lie anywhere."""
    (tmp_path / "a.crt").write_bytes(HOST.pem())
    (tmp_path / "b.key").write_bytes(HOST.key_pem)
    assert len(read_bundle(tmp_path / "a.crt", tmp_path / "b.key", None).keys) == 1


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """Missing, empty and crowded places are told apart."""
    with pytest.raises(Problem, match="No such file"):
        read_bundle(tmp_path / "missing.pem", None, None)
    with pytest.raises(Problem, match="holds 0 files"):
        read_bundle(tmp_path, None, None)
    (tmp_path / "a.pem").write_bytes(b"rubbish")
    with pytest.raises(MalformedCertificateError, match=r"a\.pem: it is neither"):
        read_bundle(tmp_path, None, None)
    for number in range(21):
        (tmp_path / f"{number}.pem").write_bytes(HOST.pem())
    with pytest.raises(Problem, match="holds 22 files"):
        read_bundle(tmp_path, None, None)


@pytest.mark.parametrize(
    "content",
    [
        b"sesame",
        b"sesame\n",
        b"sesame\r\nmore\n",
        b"\n\r\nsesame\n",
        b"\xef\xbb\xbfsesame\r\n",
        b"\xef\xbb\xbf\nsesame",
        "\ufeffsesame\r\n".encode("utf-16-le"),
        "\ufeff\nsesame\n".encode("utf-16-be"),
    ],
)
def test_password_file(tmp_path: Path, content: bytes) -> None:
    """The first line that is not empty counts, whatever Windows writes in front of it."""
    (tmp_path / "password").write_bytes(content)
    assert read_password(tmp_path / "password") == b"sesame"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b"\r\n\n", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"\0" * 5000, "longer than 4096 octets"),
        (b"\xff\xfea", "damaged UTF-16"),
    ],
)
def test_no_password(tmp_path: Path, content: bytes, told: str) -> None:
    """An empty file, and one that is no password file, are told apart."""
    (tmp_path / "password").write_bytes(content)
    with pytest.raises(Problem, match=told):
        read_password(tmp_path / "password")


def test_pfx_goes_round(tmp_path: Path) -> None:
    """What is exported on one edge is imported on another, with name, chain and key."""
    own = take_in(tmp_path, HOST.pem(key=True))
    bundle = Bundle.read(make_pfx(own, b"long enough"), b"long enough")
    (tmp_path / "other").mkdir()
    other = (
        OwnCertificates(tmp_path / "other").take_in(bundle, now(), friendly_name=None, exportable=False).own
    )
    assert other.chain == own.chain
    assert to_pem(other.key()) == to_pem(own.key())
    assert other.friendly_name == "mail.contoso.test"

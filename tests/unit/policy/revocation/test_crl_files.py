"""Files of ``trust.crl_files``."""

import os
from pathlib import Path

import pytest

from domain_secure.policy.configuration.reading import load
from domain_secure.policy.revocation.statements import read_crl_files
from domain_secure.policy.terms.problems import Problem

from lab.certificates import Authority
from lab.revocations import pem_list, revocation_list

LIST = revocation_list(Authority.create("Lab Root"))


def test_files_are_read_whole_and_each_list_once(tmp_path: Path) -> None:
    """The same list in two files is one."""
    (tmp_path / "a.crl").write_bytes(LIST)
    (tmp_path / "b.pem").write_bytes(pem_list(LIST))
    (found,) = read_crl_files([tmp_path / "a.crl", tmp_path / "b.pem"], tmp_path / "c.toml")
    assert found.der == LIST


def test_every_file_counts(tmp_path: Path) -> None:
    """The lists of the first file are there as those of the last one."""
    lists = [revocation_list(Authority.create(f"Root {number}")) for number in range(3)]
    files = [tmp_path / f"{number}.crl" for number in range(3)]
    for file, content in zip(files, lists, strict=True):
        file.write_bytes(content)
    assert [one.der for one in read_crl_files(files, tmp_path / "c.toml")] == lists


@pytest.mark.parametrize("content", [b"", b"\0" * 2000, b"-----BEGIN X509 CRL-----\nAAAA\n"])
def test_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes) -> None:
    """With the key it stands under, and what to do."""
    file = tmp_path / "x.crl"
    file.write_bytes(content)
    with pytest.raises(Problem) as raised:
        read_crl_files([file], tmp_path / "c.toml")
    assert raised.value.where == f"{tmp_path}/c.toml: trust.crl_files has {file}"
    assert raised.value.fix == "fetch it again from the authority, or remove it from the list"


def test_endless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    """A sparse file of a terabyte is refused by its first octets beyond the limit."""
    file = tmp_path / "x.crl"
    file.touch()
    os.truncate(file, 1 << 40)
    with pytest.raises(Problem, match="larger than 64 MiB"):
        read_crl_files([file], tmp_path / "c.toml")


def test_missing_file_is_named(tmp_path: Path) -> None:
    """As any file that cannot be read."""
    with pytest.raises(Problem, match="No such file") as raised:
        read_crl_files([tmp_path / "none"], tmp_path / "c.toml")
    assert raised.value.where == f"{tmp_path}/c.toml: trust.crl_files has {tmp_path}/none"
    assert raised.value.fix == "name a file that the user of the daemon may read"


@pytest.mark.parametrize("key", ["ca_file", "crl_files"])
def test_pipe_is_refused_at_once(tmp_path: Path, key: str) -> None:
    """Opening it would wait for whoever writes into it, and the daemon with it."""
    os.mkfifo(tmp_path / "pipe")
    value = '"pipe"' if key == "ca_file" else '["pipe"]'
    (tmp_path / "c.toml").write_text(f"[trust]\n{key} = {value}\n")
    with pytest.raises(Problem, match="pipe is not a file"):
        load(tmp_path / "c.toml")

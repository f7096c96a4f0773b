"""The administrator's key."""

import subprocess
from pathlib import Path

import pytest

from domain_secure.fleet.store.signing import make_key, read_key
from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.problems import Problem


def test_made_key_is_read_again(tmp_path: Path) -> None:
    """The file is for its owner alone, is never overwritten, and holds the key whose public half was told."""
    path = tmp_path / "key.pem"
    public = make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert PublicKey.of(read_key(path)) == public
    with pytest.raises(Problem, match="there is a file"):
        make_key(path)


def test_keys_that_cannot_sign(tmp_path: Path) -> None:
    """Another algorithm, no key at all and no file are told apart; OpenSSL's own Ed25519 key is fine."""
    for algorithm, fault in (("RSA", "not an Ed25519"), ("ED25519", None)):
        path = tmp_path / algorithm
        subprocess.run(
            ["openssl", "genpkey", "-algorithm", algorithm, "-out", path], check=True, capture_output=True
        )
        if fault is None:
            assert read_key(path)
            continue
        with pytest.raises(Problem, match=fault):
            read_key(path)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(Problem, match="no private key"):
        read_key(tmp_path / "text")
    with pytest.raises(Problem, match="cannot read"):
        read_key(tmp_path / "none")

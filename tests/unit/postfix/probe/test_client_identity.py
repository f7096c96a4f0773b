"""Who we are to a server that is probed, read from a real configuration of Postfix."""

import os
from pathlib import Path

import pytest
from scratch_postfix import MAIN, MASTER

from domain_secure.policy.terms.domain import parse_domain
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.probe.client_identity import CurrentIdentity, client_identity
from domain_secure.postfix.probe.probe import ClientIdentity

from lab.certificates import Authority


def instance(folder: Path, main: str = "", master: str = "") -> PostfixInstance:
    """Write a configuration."""
    (folder / "main.cf").write_text(MAIN.format(folder=folder) + main)
    (folder / "master.cf").write_text(MASTER + master)
    # Postfix's programs wait until main.cf is more than a second old.
    os.utime(folder / "main.cf", (0, 0))
    return PostfixInstance(folder)


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Return a file with key and certificate."""
    return Authority.create("Authority").issue("mail.contoso.test").write(tmp_path, "chain")


def test_name_and_addresses(tmp_path: Path) -> None:
    """Those Postfix delivers with."""
    main = "smtp_bind_address = 192.0.2.10\nsmtp_bind_address6 = 2001:db8::10\n"
    identity = client_identity(instance(tmp_path, main))
    assert identity == ClientIdentity("mail.contoso.test", None, None, "192.0.2.10", "2001:db8::10")
    assert identity.source("203.0.113.1") == "192.0.2.10"
    assert identity.source("2001:db8::1") == "2001:db8::10"


def test_dedicated_transport_counts(tmp_path: Path, chain: Path) -> None:
    """What attach has made is what partners see."""
    transport = (
        "domain-secure unix - - n - - smtp\n"
        f"  -o smtp_tls_chain_files={chain}\n  -o smtp_helo_name=out.contoso.test\n"
    )
    identity = client_identity(instance(tmp_path, "smtp_tls_chain_files = /nowhere\n", transport))
    assert (identity.helo, identity.certificate_file, identity.key_file) == ("out.contoso.test", chain, chain)


@pytest.mark.parametrize("kind", ["", "ec"])
def test_older_parameters(tmp_path: Path, chain: Path, kind: str) -> None:
    """A certificate without a key file of its own holds the key (postconf(5), smtp_tls_key_file)."""
    identity = client_identity(instance(tmp_path, f"smtp_tls_{kind}cert_file = {chain}\n"))
    assert (identity.certificate_file, identity.key_file) == (chain, chain)


def test_key_that_is_out_of_reach_is_left_out(tmp_path: Path, chain: Path) -> None:
    """The probe then shows no certificate."""
    main = f"smtp_tls_cert_file = {chain}\nsmtp_tls_key_file = {tmp_path}/missing.pem\n"
    assert client_identity(instance(tmp_path, main)).certificate_file is None


def test_postfix_that_cannot_be_asked(tmp_path: Path) -> None:
    """The machine's name must do."""
    identity = CurrentIdentity(lambda: PostfixInstance(tmp_path / "missing"))()
    assert parse_domain(identity.helo)
    assert identity.certificate_file is None

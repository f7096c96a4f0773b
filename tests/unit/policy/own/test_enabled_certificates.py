"""The files in use: what is in them, and that they change as one."""

import ssl
from pathlib import Path

import pytest

from domain_secure.policy.certificates.purposes import Purpose, purposes_of
from domain_secure.policy.own.enabled_certificates import EnabledCertificates, Role
from domain_secure.policy.own.private_key import encrypted_pem, generate, parse_pem, to_pem
from domain_secure.policy.terms.problems import Problem

from lab.certificates import ANY, CLIENT, SERVER, Issued
from unit.policy.own_files import HOST, NAME, SUB, take_in

OTHER = SUB.issue(NAME, dns_names=[NAME])


def test_file_can_be_loaded(tmp_path: Path) -> None:
    """OpenSSL takes key and chain from each file; the roles and chains are known."""
    own = take_in(tmp_path, HOST.pem(key=True))
    enabled = EnabledCertificates(tmp_path)
    assert enabled.chains() == {}
    assert enabled.enable(own, Role)
    assert enabled.chains() == dict.fromkeys(Role, own.chain)
    assert enabled.roles() == {own.sha256: "server,client"}
    for role in Role:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(enabled.file(role))
        assert enabled.file(role).stat().st_mode & 0o777 == 0o600
    assert not enabled.enable(own, Role)


def test_one_role_at_a_time(tmp_path: Path) -> None:
    """The other role keeps what it has; only the last generation stays on disk."""
    first, second = (take_in(tmp_path, issued.pem(key=True)) for issued in (HOST, OTHER))
    enabled = EnabledCertificates(tmp_path)
    enabled.enable(first, Role)
    enabled.enable(second, [Role.CLIENT])
    assert enabled.chains() == {Role.SERVER: first.chain, Role.CLIENT: second.chain}
    assert enabled.roles() == {first.sha256: "server", second.sha256: "client"}
    assert len(list((tmp_path / "keys" / "generations").iterdir())) == 1
    enabled.disable(second)
    assert enabled.chains() == {Role.SERVER: first.chain}


def test_keys_that_are_not_put_to_use(tmp_path: Path) -> None:
    """Neither an encrypted key nor another certificate's is put to use."""
    own = take_in(tmp_path, HOST.pem(key=True))
    enabled = EnabledCertificates(tmp_path)
    own.key_file.write_bytes(encrypted_pem(parse_pem(HOST.key_pem), b"sesame"))
    with pytest.raises(Problem, match="the private key is encrypted"):
        enabled.enable(own, Role)
    own.key_file.write_bytes(to_pem(generate("ec-p256")))  # type: ignore[arg-type]
    with pytest.raises(Problem, match="does not belong to the certificate"):
        enabled.enable(own, Role)
    assert enabled.chains() == {}


@pytest.mark.parametrize(
    ("issued", "purposes"),
    [
        (SUB.issue(NAME, purposes=[]), {Purpose.SERVER, Purpose.CLIENT}),
        (SUB.issue(NAME, purposes=[ANY]), {Purpose.SERVER, Purpose.CLIENT}),
        (SUB.issue(NAME, purposes=[SERVER]), {Purpose.SERVER}),
        (SUB.issue(NAME, purposes=[CLIENT]), {Purpose.CLIENT}),
    ],
)
def test_purposes(tmp_path: Path, issued: Issued, purposes: set[Purpose]) -> None:
    """A certificate that names no purpose, or any, is good for both."""
    assert purposes_of(take_in(tmp_path, issued.pem(key=True)).certificate) == purposes

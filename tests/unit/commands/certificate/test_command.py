"""``cert``: from the request to the renewal, as a person types it."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from documents import body
from scratch_postfix import Scratch, make_scratch

from domain_secure.policy.own.private_key import encrypted_pem, parse_pem

from lab.certificates import CLIENT, SERVER, Authority, Issued, pem

ROOT = Authority.create("Root")
SUB = ROOT.authority("Sub")
NAME = "mail.contoso.test"
HOST = SUB.issue(NAME, dns_names=[NAME, "contoso.test"])
LOCKED = encrypted_pem(parse_pem(HOST.key_pem), b"sesame")


@dataclass(frozen=True)
class Shell:
    """Runs ``cert`` in a folder of its own."""

    scratch: Scratch
    capture: pytest.CaptureFixture[str]

    @property
    def folder(self) -> Path:
        """Return the folder."""
        return self.scratch.folder

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Return status and both outputs."""
        status = self.scratch.run("cert", *map(str, arguments))
        printed = self.capture.readouterr()
        return status, printed.out, printed.err

    def file(self, name: str, content: bytes) -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    def imported(self, issued: Issued, *options: str) -> str:
        """Import a certificate with its key; return its thumbprint."""
        status, _, error = self("import", self.file("import.pem", issued.pem(key=True)), *options)
        assert status == 0, error
        return issued.fingerprint

    def listed(self) -> dict[str, list[dict[str, object]]]:
        """Return ``cert list``."""
        return body(self("list", "--json")[1])

    @property
    def main(self) -> Path:
        """Return main.cf."""
        return self.folder / "postfix" / "main.cf"


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell with a Postfix, both lists with Woodgrove, and a trusted root."""
    scratch = make_scratch(tmp_path)
    (tmp_path / "ca.pem").write_bytes(ROOT.certificate_pem)
    scratch.configure(
        '[receive]\ndomains = ["woodgrovebank.test"]\n[send]\ndomains = ["woodgrovebank.test"]\n'
        f'[trust]\nca_file = "{tmp_path}/ca.pem"\n'
    )
    return Shell(scratch, capsys)


def answered(request: Path) -> bytes:
    """Return what the authority sends back for a request, root first."""

    class PublicOnly:
        def public_key(self) -> object:
            return x509.load_pem_x509_csr(request.read_bytes()).public_key()

    issued = SUB.issue(NAME, dns_names=[NAME], key=PublicOnly())  # type: ignore[arg-type]
    return pem(ROOT.certificate, SUB.certificate, issued.certificate)


def test_request_import_enable_renew(shell: Shell) -> None:
    """The way of an administrator of Exchange, with the names of Contoso."""
    csr = shell.folder / "mail1.csr"
    status, printed, error = shell(
        "request", "--friendly-name", "Contoso mail", "--subject", f"DC=test,DC=Contoso,CN={NAME}",
        "--domain", "contoso.test", "--out", csr,
    )  # fmt: skip
    assert (status, error) == (
        0,
        "domain-secure: have it signed, then run `domain-secure cert import FILE --enable`\n",
    )
    assert printed.splitlines() == [
        f"request    {csr}",
        f"subject    CN={NAME},DC=Contoso,DC=test",
        f"names      {NAME}, contoso.test",
        "key        ec-p256, not exportable",
    ]
    assert x509.load_pem_x509_csr(csr.read_bytes()).is_signature_valid
    (request,) = shell.listed()["requests"]
    assert request["friendly_name"] == "Contoso mail"
    status, printed, _ = shell("import", shell.file("issued.p7b", answered(csr)), "--enable")
    assert status == 0
    (own,) = shell.listed()["certificates"]
    assert f"imported   {own['thumbprint']}" in printed
    assert f"enabled: {own['thumbprint']}, CN={NAME}" in printed
    assert own["services"] == ["smtp/inet (server)", "smtp/unix (client)", "relay/unix (client)"]
    assert own["friendly_name"] == "Contoso mail"
    assert shell.listed()["requests"] == []

    renewal = shell.folder / "renewal.csr"
    assert shell("request", "--renew", str(own["thumbprint"]), "--out", renewal)[0] == 0
    status, _, error = shell("import", shell.file("renewed.pem", answered(renewal)), "--enable")
    assert status == 1
    assert "against it: key: the key is another" in error
    assert "it concerns woodgrovebank.test" in error
    renewed, former = shell.listed()["certificates"]
    assert (renewed["services"], bool(former["services"])) == ([], True)
    before = shell.main.read_bytes()
    assert shell("enable", str(renewed["thumbprint"]), "--accept", "key")[0] == 0
    assert shell.main.read_bytes() == before
    renewed, former = shell.listed()["certificates"]
    assert (bool(renewed["services"]), former["services"]) == (True, [])


def test_detach_undoes_enable(shell: Shell) -> None:
    """The former bytes are back, and then the certificate may be removed."""
    shell.scratch.set("smtpd_tls_cert_file = /etc/a.pem")
    before = shell.main.read_bytes()
    thumbprint = shell.imported(HOST, "--enable")
    assert shell.main.read_bytes() != before
    status, _, error = shell("remove", thumbprint)
    assert (status, "it is in use" in error) == (2, True)
    assert shell.scratch.run("detach") == 0
    assert shell.main.read_bytes() == before
    assert shell("remove", thumbprint)[0] == 0
    keys = shell.scratch.state / "keys"
    assert [path for path in keys.rglob("*") if path.is_file() and not path.is_symlink()] == []


@pytest.mark.parametrize("first", ["attach", "enable"])
def test_detach_after_both(shell: Shell, first: str) -> None:
    """In whatever order the two were done, and done again, detach gives the former bytes back."""
    chain = shell.file("chain.pem", HOST.pem(key=True))
    shell.scratch.set(f"smtpd_tls_chain_files = {chain}", "smtpd_tls_security_level = may")
    thumbprint = shell.imported(HOST)
    files = [shell.main, shell.main.with_name("master.cf")]
    before = [file.read_bytes() for file in files]
    steps: dict[str, Callable[[], int]] = {
        "attach": lambda: shell.scratch.run("attach"),
        "enable": lambda: shell("enable", thumbprint)[0],
    }
    for name in (first, *steps, first):
        assert steps[name]() == 0
    assert f"{shell.scratch.state}/keys/enabled/client.pem" in shell.main.read_text()
    assert "domain_secure" in files[1].read_text() or "domain-secure" in files[1].read_text()
    assert shell.scratch.run("detach") == 0
    assert [file.read_bytes() for file in files] == before
    assert shell.scratch.run("detach") == 0


def test_one_side(shell: Shell) -> None:
    """Each side can have a certificate of its own."""
    server = shell.imported(SUB.issue(NAME, dns_names=[NAME], purposes=[SERVER]))
    client = shell.imported(SUB.issue(NAME, dns_names=[NAME], purposes=[CLIENT]))
    assert shell("enable", server, "--server-only")[0] == 0
    assert shell("enable", client, "--client-only")[0] == 0
    services = {one["sha256"]: one["services"] for one in shell.listed()["certificates"]}
    assert services == {server: ["smtp/inet (server)"], client: ["smtp/unix (client)", "relay/unix (client)"]}


@pytest.mark.parametrize(
    ("issued", "settings", "word"),
    [
        (SUB.issue(NAME, dns_names=[NAME], purposes=[SERVER]), (), "purpose"),
        (SUB.issue("other.contoso.test", dns_names=["other.contoso.test"]), (), "hostname"),
        (HOST, ("smtp_helo_name = other.contoso.test",), "hostname"),
    ],
    ids=["purpose", "name", "helo"],
)
def test_what_speaks_against_a_first_certificate(
    shell: Shell, issued: Issued, settings: tuple[str, ...], word: str
) -> None:
    """Nothing is changed and the status is 1; with the word, or with --force, it is done."""
    shell.scratch.set(*settings)
    before = shell.main.read_bytes()
    thumbprint = shell.imported(issued)
    status, _, error = shell("enable", thumbprint)
    assert status == 1
    assert f"against it: {word}: " in error
    assert f"--accept {word}`" in error
    assert shell.main.read_bytes() == before
    assert not (shell.scratch.state / "keys" / "enabled").exists()
    assert shell("enable", thumbprint, "--accept", word)[0] == 0
    assert shell("enable", thumbprint, "--force")[1].startswith("already so: enabled: ")


def test_what_was_so_before_is_no_loss(shell: Shell) -> None:
    """A renewal with the shortcomings of its predecessor goes through: it loses nothing."""
    first, second = (
        SUB.issue("a.contoso.test", dns_names=["a.contoso.test"], purposes=[SERVER], key=HOST.key)
        for _ in "12"
    )
    assert shell("enable", shell.imported(first), "--force")[0] == 0
    assert shell("enable", shell.imported(second))[0] == 0


def test_service_with_its_own_certificate(shell: Shell) -> None:
    """A service that would go on to show another certificate is named."""
    shell.scratch.set_service("smtp      inet", "smtpd_tls_chain_files=/etc/a.pem")
    status, _, error = shell("enable", shell.imported(HOST))
    assert status == 1
    assert "override: smtp/inet has a certificate of its own (-o smtpd_tls_chain_files=/etc/a.pem)" in error


def test_encrypted_key_in_the_store(shell: Shell) -> None:
    """It is refused with the command that opens it."""
    thumbprint = shell.imported(HOST)
    key = shell.scratch.state / "keys" / "certificates" / thumbprint / "key.pem"
    key.write_bytes(LOCKED)
    status, _, error = shell("enable", thumbprint)
    assert status == 2
    assert f"remove the password: openssl pkey -in {key}" in error


def test_export_and_import_elsewhere(shell: Shell) -> None:
    """An exportable certificate goes to another edge in a PFX that only its owner may read."""
    thumbprint = shell.imported(HOST, "--exportable", "--friendly-name", "Contoso mail")
    password, out = shell.file("password", b"long enough\n"), shell.folder / "x.pfx"
    former = os.umask(0)
    try:
        status, _, _ = shell("export", thumbprint, "--out", out, "--password-file", password)
    finally:
        os.umask(former)
    assert status == 0
    assert out.stat().st_mode & 0o777 == 0o600
    status, _, error = shell("export", thumbprint, "--out", out, "--password-file", password)
    assert (status, "File exists" in error) == (2, True)
    assert shell("remove", thumbprint)[0] == 0
    assert shell("import", out, "--password-file", password)[0] == 0
    (own,) = shell.listed()["certificates"]
    assert (own["sha256"], own["friendly_name"], own["exportable"]) == (thumbprint, "Contoso mail", False)
    status, _, error = shell("export", thumbprint, "--out", shell.folder / "y", "--password-file", password)
    assert (status, "its key is not exportable" in error) == (2, True)


def test_show(shell: Shell) -> None:
    """Everything about one certificate, with the record to publish."""
    thumbprint = shell.imported(HOST)
    printed = shell("show", thumbprint[:6].upper())[1]
    pin = json.loads(shell("show", thumbprint, "--json")[1])["spki_sha256"]
    assert f"TLSA        _25._tcp.{NAME}. IN TLSA 3 1 1 {pin}" in printed
    assert "days left   89" in printed
    assert "purposes    client, server" in printed
    assert "services    none" in printed
    table = shell("list")[1].splitlines()
    assert len(table) == 2
    assert "no certificate yet" not in table[0]


def test_nothing_yet(shell: Shell) -> None:
    """An empty list says what to do."""
    assert shell("list")[1].startswith("no certificate yet: make a request")
    assert shell.listed() == {"certificates": [], "requests": [], "watched": [], "unconfirmed": []}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["request"], "the certificate would be for no host"),
        (["request", "--domain", "co.uk"], "public suffix"),
        (["request", "--domain", "a b"], "not a domain name"),
        (["request", "--domain", NAME, "--key-type", "ed25519"], "many mail servers do not know Ed25519"),
        (["request", "--domain", NAME, "--subject", "rubbish"], "is not TYPE=value"),
        (["request", "--domain", NAME, "--friendly-name", "a\nb"], "control character"),
        (["request", "--domain", NAME, "--out", "/nonexistent/x"], "cannot be written"),
        (["request", "--renew", "ab"], "no certificate there has this thumbprint"),
        (["import", "/nonexistent"], "No such file"),
        (["enable", "xyz"], "this is not a thumbprint"),
        (["show", "ab"], "no certificate there has this thumbprint"),
        (["refresh", "--forget", "/nowhere"], "it is not watched"),
        (["ca", "issue", "/nonexistent"], "cannot be read"),
        (["ca", "revoke"], "there is no authority here"),
        (["ca", "init", "--domain", "com"], "public suffix"),
        (["ca", "init", "--domain", "*.contoso.test"], "leave out the *."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_is_refused(shell: Shell, arguments: list[str], says: str) -> None:
    """One line that says what is wrong; no key is left behind."""
    status, _, error = shell(*arguments)
    assert status == 2
    assert says in error
    assert error.count("\n") == 1
    assert shell.listed()["requests"] == []


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (HOST.pem(), (), "its key is not on this box"),
        (ROOT.pem(key=True), (), "certificate of an authority"),
        (b"rubbish", (), "import.pem: it is neither PEM nor DER nor PKCS#7"),
        (LOCKED + HOST.pem(), (), "give its password with --password-file"),
        (HOST.pem(key=True), ("--password-file", "/nonexistent"), "No such file"),
    ],
    ids=["no-key", "authority", "rubbish", "locked", "no-password-file"],
)  # fmt: skip
def test_imports_that_are_refused(shell: Shell, content: bytes, options: tuple[str, ...], says: str) -> None:
    """One line that says what is wrong, and nothing is kept."""
    status, printed, error = shell("import", shell.file("import.pem", content), *options)
    assert (status, printed) == (2, "")
    assert says in error
    assert error.count("\n") == 1
    assert shell.listed()["certificates"] == []


def test_out_does_not_overwrite_other_things(shell: Shell) -> None:
    """A request replaces a request, and nothing else."""
    key = shell.file("precious.key", HOST.key_pem)
    status, _, error = shell("request", "--domain", NAME, "--out", key)
    assert (status, "it holds something else already" in error) == (2, True)
    assert key.read_bytes() == HOST.key_pem
    for _ in range(2):
        assert shell("request", "--domain", NAME, "--out", shell.folder / "a.csr")[0] == 0


def test_watched_folder(shell: Shell) -> None:
    """An ACME client's renewal is put to use by its hook; one that lost a purpose is vetoed."""
    live = shell.folder / "live"
    live.mkdir()

    def lay_out(issued: Issued) -> None:
        (live / "privkey.pem").write_bytes(issued.key_pem)
        (live / "fullchain.pem").write_bytes(issued.pem())

    in_use: Callable[[], list[object]] = lambda: [  # noqa: E731
        one["sha256"] for one in shell.listed()["certificates"] if one["services"]
    ]
    lay_out(HOST)
    assert shell("import", live, "--watch", "--enable")[0] == 0
    (watched,) = shell.listed()["watched"]
    assert (watched["path"], watched["sha256"]) == (str(live), HOST.fingerprint)
    assert watched["standing"] == "current"
    renewed = SUB.issue(NAME, dns_names=[NAME, "contoso.test"])
    lay_out(renewed)
    why_not = "not proved by a handshake as server: Postfix does not run\n"
    assert shell("refresh")[:2] == (0, f"enabled: {live}: in use as server and client\n{why_not}")
    assert in_use() == [renewed.fingerprint]
    lay_out(SUB.issue(NAME, dns_names=[NAME, "contoso.test"], purposes=[SERVER]))
    status, printed, _ = shell("refresh")
    assert status == 1
    assert printed.startswith(f"refused: {live}: purpose: it is no longer made for TLS clients")
    assert in_use() == [renewed.fingerprint]
    assert shell("refresh", "--forget", live)[0] == 0
    assert shell("refresh")[1].startswith("nothing is watched")


def test_old_certificates_are_forgotten(shell: Shell) -> None:
    """Renewal after renewal leaves the one in use and its predecessor, and what may be needed; it is said."""
    live = shell.folder / "live.pem"

    def renew(**options: object) -> Issued:
        issued = SUB.issue(NAME, dns_names=[NAME], **options)  # type: ignore[arg-type]
        live.write_bytes(issued.pem(key=True))
        return issued

    def held() -> set[str]:
        return {one["sha256"] for one in shell.listed()["certificates"]}

    renew()
    assert shell("import", live, "--watch", "--enable", "--exportable")[0] == 0
    exported = renew()
    assert shell("refresh")[0] == 0
    password = shell.file("password", b"long enough a word")
    target = shell.folder / "out.pfx"
    assert shell("export", exported.fingerprint, "--out", target, "--password-file", password)[0] == 0
    for _ in range(3):
        former, present = renew(), renew()
        told = ""
        for one in (former, present):
            live.write_bytes(one.pem(key=True))
            status, printed, _ = shell("refresh")
            assert status == 0
            told += printed
        assert "forgotten: " in told
    assert held() == {exported.fingerprint, former.fingerprint, present.fingerprint}
    refused = renew(purposes=[SERVER])
    assert shell("refresh")[0] == 1
    assert held() == {one.fingerprint for one in (exported, former, present, refused)}


@pytest.mark.parametrize("offline", [True, False])
def test_private_authority(shell: Shell, offline: bool) -> None:
    """Both partners get certificates from it; a revoked one is on the list that is written out."""
    place = ("--offline", str(shell.folder / "safe")) if offline else ()
    root, csr, leaf, crl = (shell.folder / name for name in ("root.pem", "a.csr", "a.pem", "a.crl"))
    domains = ("--domain", "contoso.test", "--domain", "woodgrovebank.test")
    assert shell("ca", "init", *domains, "--out", root, *place)[0] == 0
    assert shell("request", "--domain", NAME, "--out", csr)[0] == 0
    assert shell("ca", "issue", csr, "--out", leaf, "--crl-out", crl, *place)[0] == 0
    (shell.folder / "ca.pem").write_bytes(root.read_bytes())
    status, _, error = shell("import", leaf, "--enable")
    assert (status, error) == (0, "")
    issued = json.loads(shell("ca", "list", "--json", *place)[1])["issued"]
    assert [one["names"] for one in issued] == [[NAME]]
    assert shell("ca", "revoke", issued[0]["thumbprint"], "--crl-out", crl, *place)[0] == 0
    assert len(x509.load_der_x509_crl(crl.read_bytes())) == 1
    assert json.loads(shell("ca", "list", "--json", *place)[1])["issued"][0]["revoked"]
    assert "revoked" in shell("ca", "list", *place)[1].lower()
    assert (shell.scratch.state / "keys" / "ca").exists() is not offline
    shell("request", "--domain", "mail.evil.test", "--out", csr)
    status, _, error = shell("ca", "issue", csr, *place)
    assert (status, "may not vouch for mail.evil.test" in error) == (2, True)


def test_keys_are_never_printed(shell: Shell) -> None:
    """Whatever is asked, no private key is in what is printed."""
    thumbprint = shell.imported(HOST, "--exportable")
    printed = "".join(
        "".join(map(str, shell(*arguments)))
        for arguments in (
            ("request", "--domain", NAME),
            ("list",),
            ("list", "--json"),
            ("show", thumbprint),
            ("show", thumbprint, "--json"),
            ("enable", thumbprint),
            ("ca", "init", "--domain", "contoso.test"),
        )
    )
    assert "PRIVATE KEY" not in printed
    assert "BEGIN CERTIFICATE REQUEST" in printed

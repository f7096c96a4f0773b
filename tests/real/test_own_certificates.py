"""Our own certificate with real Postfix and OpenSSL: what peers see of it, and what OpenSSL makes of it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from domain_secure.policy.book.certificate_book import FILE_NAME

from lab.certificates import SERVER, Authority, Issued, pem, self_signed
from lab.forgery import with_sha1
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE, Lab
from lab.messages import compose
from lab.postfix_host import PostfixHost
from lab.product import COMMAND, CONFIGURATION, STATE, USER, Product
from lab.smtp_client import client_context
from lab.waiting import wait_for

pytestmark = pytest.mark.real

HOST = f"mail.{CONTOSO}"
WORK = Path("/run/lab/work")
SECOND = Path("/run/lab/second.toml")
# The book as it is inside, where the path of its file means the same to SQLite.
_ASKED = """\
import sys
from pathlib import Path
from domain_secure.policy.book.client_requests import ClientRequests
print(ClientRequests(Path(sys.argv[1])).of(sys.argv[2]))
"""


class Edge:
    """Contoso's edge with the product, as an administrator uses it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.product = Product(lab)
        self.put("password", b"sesame and more\n")

    def put(self, name: str, content: bytes) -> Path:
        """Write a file that the commands may read."""
        folder = self.lab.namespaces.outside(WORK)
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        return WORK / name

    def read(self, name: str) -> bytes:
        """Return what a command wrote."""
        return self.lab.namespaces.outside(WORK / name).read_bytes()

    def cert(self, *arguments: str | Path, check: bool = True) -> str:
        """Run ``cert``; return all it says."""
        done = self.product.command("cert", *arguments, check=check)
        return done.stdout + done.stderr

    def enable(self, *arguments: str | Path) -> str:
        """Run ``cert``, and wait until Contoso's Postfix shows the other certificate; return all it says."""
        with self.lab.contoso.reloaded():
            return self.cert(*arguments)

    def openssl(self, *arguments: str | Path) -> str:
        """Run OpenSSL's own program; return all it says."""
        done = self.lab.namespaces.run("openssl", *arguments)
        return done.stdout + done.stderr

    def signed(self, request: bytes, *purposes: x509.ObjectIdentifier) -> bytes:
        """Return the certificate that the laboratory's authority issues for a request."""
        key = x509.load_pem_x509_csr(request).public_key()

        class PublicOnly:
            def public_key(self) -> object:
                return key

        names = (HOST, CONTOSO)
        options = {"purposes": purposes} if purposes else {}
        issued = self.lab.authority.issue(HOST, dns_names=names, key=PublicOnly(), **options)  # type: ignore[arg-type]
        return issued.certificate_pem

    def requested(self, *purposes: x509.ObjectIdentifier) -> Path:
        """Make a request and have it signed; return the file with the certificate."""
        self.cert("request", "--domain", HOST, "--domain", CONTOSO, "--out", WORK / "a.csr")
        return self.put("a.pem", self.signed(self.read("a.csr"), *purposes))

    def shown_as_server(self, host: PostfixHost) -> bytes:
        """Return the certificate that a host shows to those who connect."""
        with self.lab.connect(host, ADDRESSES[EVIL]) as dialogue:
            dialogue.starttls(client_context(None))
            shown = dialogue.connection.getpeercert(binary_form=True)  # type: ignore[attr-defined]
            dialogue.quit()
        return bytes(shown)


@pytest.fixture
def edge(own_lab: Lab) -> Edge:
    """An edge with nothing of ours in Postfix."""
    return Edge(own_lab)


def der_of(certificate: bytes) -> bytes:
    """Return the first certificate of a PEM text in DER."""
    return x509.load_pem_x509_certificate(certificate).public_bytes(serialization.Encoding.DER)


def test_openssl_understands_the_request(edge: Edge) -> None:
    """OpenSSL verifies a request of each kind of key, and reads what Exchange's spelling means."""
    for kind in ("ec-p256", "ec-p384", "rsa-2048"):
        edge.cert(
            "request", "--friendly-name", "Contoso mail", "--subject", f"DC=com,DC=Contoso,CN={HOST}",
            "--domain", CONTOSO, "--key-type", kind, "--out", WORK / "mail1.csr",
        )  # fmt: skip
        said = edge.openssl("req", "-verify", "-text", "-noout", "-in", WORK / "mail1.csr")
        assert "verify OK" in said
        assert f"Subject: DC=com, DC=Contoso, CN={HOST}" in said.replace(
            " = ", "="
        )  # from 3.2 on without blanks
        assert f"DNS:{HOST}, DNS:{CONTOSO}" in said
        assert "TLS Web Server Authentication, TLS Web Client Authentication" in said


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-legacy",),
        ("-legacy", "-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-RC2-40", "-macalg", "sha1"),
        ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
    ],
    ids=["modern", "legacy", "rc2-40", "3des"],
)
def test_pfx_of_openssl(edge: Edge, options: tuple[str, ...]) -> None:
    """A PFX made by OpenSSL 3 imports, with modern and with legacy algorithms, with chain and name."""
    issued = edge.lab.identities[CONTOSO]
    edge.put("all.pem", issued.key_pem + pem(issued.certificate, edge.lab.authority.certificate))
    edge.openssl(
        "pkcs12", "-export", "-in", WORK / "all.pem", "-name", "Contoso mail", "-out", WORK / "x.pfx",
        "-passout", f"file:{WORK / 'password'}", *options,
    )  # fmt: skip
    edge.cert("import", WORK / "x.pfx", "--password-file", WORK / "password", "--exportable")
    (own,) = json.loads(edge.cert("list", "--json"))["certificates"]
    assert (own["sha256"], own["friendly_name"]) == (issued.fingerprint, "Contoso mail")
    assert [one["subject"] for one in own["chain"]] == ["CN=Laboratory Authority"]


def test_openssl_reads_what_is_exported(edge: Edge) -> None:
    """OpenSSL opens the PFX without its legacy provider, and finds AES-256 in it."""
    issued = edge.lab.identities[CONTOSO]
    edge.cert("import", edge.put("all.pem", issued.pem(key=True)), "--exportable")
    edge.cert("export", issued.fingerprint, "--out", WORK / "x.pfx", "--password-file", WORK / "password")
    said = edge.openssl(
        "pkcs12", "-in", WORK / "x.pfx", "-passin", f"file:{WORK / 'password'}", "-noenc", "-info"
    )
    assert "AES-256-CBC" in said
    assert "BEGIN PRIVATE KEY" in said


def test_peers_see_what_is_enabled(edge: Edge) -> None:
    """Both sides show the certificate at once, and a renewed one after `enable`; detach undoes it."""
    lab, contoso = edge.lab, edge.lab.contoso
    files = [lab.namespaces.outside(contoso.layout.configuration / name) for name in ("main.cf", "master.cf")]
    before = [file.read_bytes() for file in files]
    former = edge.shown_as_server(contoso)
    first = edge.requested()
    edge.enable("import", first, "--enable")
    assert edge.shown_as_server(contoso) == der_of(edge.read("a.pem")) != former
    assert _shown_as_client(edge) == edge.read("a.pem")

    edge.product.install(WOODGROVE)
    renewed = edge.requested()
    said = edge.cert("import", renewed, "--enable", check=False)
    assert "against it: key" in said
    assert edge.shown_as_server(contoso) != der_of(edge.read("a.pem"))
    edge.enable("import", renewed, "--enable", "--accept", "key")
    assert edge.shown_as_server(contoso) == der_of(edge.read("a.pem"))
    assert _shown_as_client(edge) == edge.read("a.pem")

    # Woodgrove's server names the laboratory's authority when it asks for a certificate, as a probe has seen.
    asked = (sys.executable, "-P", "-c", _ASKED, STATE / FILE_NAME, WOODGROVE)
    wait_for(
        lambda: "Laboratory Authority" in lab.namespaces.run(*asked).stdout,
        "a probe",
        context=edge.product.log,
    )
    elsewhere = Authority.create("Elsewhere").issue(HOST, dns_names=(HOST, CONTOSO))
    other = edge.put("other.pem", elsewhere.pem(key=True))
    said = edge.cert("import", other, "--enable", "--accept", "key", check=False)
    assert "asked for other authorities when they were last probed; it concerns woodgrovebank.test" in said
    assert edge.shown_as_server(contoso) == der_of(edge.read("a.pem"))

    edge.product.detach()
    assert [file.read_bytes() for file in files] == before
    assert edge.shown_as_server(contoso) == former


def _shown_as_client(edge: Edge) -> bytes:
    """Return the enabled client certificate, once Woodgrove's log has named its fingerprint."""
    woodgrove = edge.lab.woodgrove
    woodgrove.configure(smtpd_tls_loglevel="2")  # names the fingerprint
    woodgrove.reload()
    after = len(woodgrove.log())
    message = compose(f"a@{CONTOSO}", f"b@{WOODGROVE}")
    edge.lab.submit(edge.lab.contoso, message, sender=f"a@{CONTOSO}", recipient=f"b@{WOODGROVE}")
    shown = edge.read("a.pem")
    fingerprint = x509.load_pem_x509_certificate(shown).fingerprint(hashes.SHA256()).hex(":").upper()
    # In the session of a message: a probe shows our certificate, too.
    woodgrove.wait_for_log(
        rf"smtpd\[(\d+)\]: .*fingerprint=.*{fingerprint}(?s:.*)smtpd\[\1\]: \w+: client=", after=after
    )
    return shown


def test_two_edges_show_the_same(edge: Edge) -> None:
    """Exported on one edge and imported on another, both show the same certificate to servers and clients."""
    lab, second = edge.lab, edge.lab.woodgrove
    edge.cert(
        "request",
        "--domain",
        f"*.{CONTOSO}",
        "--domain",
        f"*.{WOODGROVE}",
        "--exportable",
        "--out",
        WORK / "b",
    )
    edge.put("b.pem", edge.signed(edge.read("b")))
    edge.enable("import", WORK / "b.pem", "--enable", "--accept", "hostname")
    thumbprint = json.loads(edge.cert("list", "--json"))["certificates"][0]["thumbprint"]
    edge.cert("export", thumbprint, "--out", WORK / "b.pfx", "--password-file", WORK / "password")
    lab.namespaces.outside(SECOND).write_text(
        f'[paths]\nstate = "/run/lab/second"\n[postfix]\nconfig_directory = "{second.layout.configuration}"\n'
    )
    lab.namespaces.outside("/run/lab/second").mkdir()
    with second.reloaded():
        lab.namespaces.run(
            COMMAND, "--config", SECOND, "cert", "import", WORK / "b.pfx",
            "--password-file", WORK / "password", "--enable", "--force",
        )  # fmt: skip
    assert edge.shown_as_server(second) == edge.shown_as_server(lab.contoso) == der_of(edge.read("b.pem"))


def test_keys_belong_to_the_daemon_and_nobody_else(edge: Edge) -> None:
    """What root wrote is the daemon's user's, closed to others; no key is in Postfix's log or in ours."""
    edge.enable("import", edge.requested(), "--enable")
    found = edge.lab.namespaces.run("find", STATE / "keys", "-printf", "%u %y %m\n").stdout.splitlines()
    assert set(found) == {f"{USER} d 700", f"{USER} f 600", f"{USER} l 777"}
    assert "PRIVATE KEY" not in edge.lab.contoso.log()


def test_hook_of_an_acme_client(edge: Edge) -> None:
    """A renewal is shown after the hook; one that lost the client purpose is vetoed, and the former stays."""
    lab = edge.lab
    live = WORK / "live"
    edge.put("password", b"x")
    lab.namespaces.outside(live).mkdir()

    def lay_out(issued: Issued) -> bytes:
        edge.put("live/privkey.pem", issued.key_pem)
        edge.put("live/fullchain.pem", issued.pem())
        return issued.der

    lay_out(lab.certificate_for(CONTOSO))
    edge.enable("import", live, "--watch", "--enable")
    renewed = lay_out(lab.certificate_for(CONTOSO))
    assert edge.enable("refresh").startswith("enabled: ")
    assert edge.shown_as_server(lab.contoso) == renewed
    names = (CONTOSO, HOST)
    lay_out(lab.authority.issue(CONTOSO, dns_names=names, purposes=[SERVER]))
    assert edge.product.command("cert", "refresh", check=False).returncode == 1
    lab.contoso.reload()
    assert edge.shown_as_server(lab.contoso) == renewed


def test_what_fails_at_the_door_is_taken_back(edge: Edge) -> None:
    """Where no handshake succeeds the former certificate is shown again, and status 1 says why."""
    contoso, authority = edge.lab.contoso, edge.lab.authority
    contoso.configure(smtpd_tls_protocols="!TLSv1.3", smtpd_tls_exclude_ciphers="aECDSA")
    contoso.reload()
    former = authority.issue(HOST, dns_names=(HOST, CONTOSO), key="rsa2048")
    said = edge.enable("import", edge.put("rsa.pem", former.pem(key=True)), "--enable")
    assert "not proved" not in said
    main_cf = edge.lab.namespaces.outside(contoso.layout.configuration / "main.cf")
    before = main_cf.read_bytes()
    other = authority.issue(HOST, dns_names=(HOST, CONTOSO))
    command = ("cert", "import", edge.put("ec.pem", other.pem(key=True)), "--enable", "--accept", "key")
    done = edge.product.command(*command, check=False)
    assert done.returncode == 1
    assert "a handshake with port 25 of this machine failed" in done.stderr
    contoso.reload()
    assert (edge.shown_as_server(contoso), main_cf.read_bytes()) == (former.der, before)
    in_use = [
        one["sha256"] for one in json.loads(edge.cert("list", "--json"))["certificates"] if one["services"]
    ]
    assert in_use == [former.fingerprint]


def test_what_no_server_is_shown_is_taken_back(edge: Edge) -> None:
    """As client too, by Postfix's own client, with the settings that it has; a renewal likewise."""
    contoso, authority, names = edge.lab.contoso, edge.lab.authority, (HOST, CONTOSO)
    live = WORK / "live"
    edge.put("password", b"x")
    edge.lab.namespaces.outside(live).mkdir()

    def lay_out(issued: Issued) -> Path:
        edge.put("live/privkey.pem", issued.key_pem)
        edge.put("live/fullchain.pem", issued.pem())
        return live

    def in_use() -> list[str]:
        certificates = json.loads(edge.cert("list", "--json"))["certificates"]
        return [one["sha256"] for one in certificates if one["services"]]

    former = authority.issue(HOST, dns_names=names)
    said = edge.cert("import", lay_out(former), "--watch")
    said += edge.enable("enable", former.fingerprint, "--client-only")
    assert "not proved" not in said
    # From this level on OpenSSL shows no key that is weaker than 128 bits (SSL_CTX_set_security_level(3)).
    strict = "DEFAULT:@SECLEVEL=3"
    contoso.configure(tls_medium_cipherlist=strict, tls_high_cipherlist=strict)
    contoso.reload()
    lay_out(authority.issue(HOST, dns_names=names, key="rsa2048"))
    done = edge.product.command("cert", "refresh", check=False)
    assert (done.returncode, "enabled:" in done.stdout) == (1, False)
    assert "as client, with a server on this machine failed" in done.stderr
    assert in_use() == [former.fingerprint]
    lay_out(renewed := authority.issue(HOST, dns_names=names))
    assert "not proved" not in edge.enable("refresh")
    assert in_use() == [renewed.fingerprint]


def test_a_door_behind_a_proxy_is_proved(edge: Edge) -> None:
    """Where port 25 waits for a proxy the handshake is made all the same, and what was enabled stays."""
    contoso = edge.lab.contoso
    contoso.configure(smtpd_upstream_proxy_protocol="haproxy")
    contoso.reload()
    issued = edge.lab.authority.issue(HOST, dns_names=(HOST, CONTOSO))
    said = edge.enable("import", edge.put("a.pem", issued.pem(key=True)), "--enable")
    assert "not proved" not in said
    contoso.configure(smtpd_upstream_proxy_protocol="")
    contoso.reload()
    assert edge.shown_as_server(contoso) == issued.der


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (("-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"), "RSA-PSS alone"),
        (
            ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"),
            "parameters of its curve",
        ),
        (("-newkey", "rsa:5120"), "5120 bits"),
    ],
    ids=["rsa-pss", "explicit parameters", "rsa-5120"],
)
def test_keys_that_others_cannot_deal_with(edge: Edge, make: tuple[str, ...], told: str) -> None:
    """They are refused at the import, with the reason and what to do, before anything is lost."""
    edge.openssl(
        "req", "-x509", *make, "-nodes", "-keyout", WORK / "k.pem", "-out", WORK / "c.pem",
        "-subj", f"/CN={HOST}", "-addext", "basicConstraints=critical,CA:FALSE",
    )  # fmt: skip
    done = edge.product.command(
        "cert", "import", WORK / "c.pem", "--key-file", WORK / "k.pem", "--enable", "--force", check=False
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "cert request" in done.stderr


@pytest.mark.parametrize("fault", ["self-signed", "chain", "signature"])
def test_the_first_enable_asks_for_what_partners_refuse(edge: Edge, fault: str) -> None:
    """It goes live only where a person takes it into account, as a certificate for servers only does."""
    authority, names = edge.lab.authority, (HOST, CONTOSO)
    plain = authority.issue(HOST, dns_names=names)
    issued = {
        "self-signed": lambda: self_signed(HOST, dns_names=names),
        "chain": lambda: replace(authority.authority("Sub").issue(HOST, dns_names=names), chain=()),
        "signature": lambda: replace(plain, certificate=with_sha1(plain, authority)),
    }[fault]()
    file = edge.put("a.pem", issued.pem(key=True))
    done = edge.product.command("cert", "import", file, "--enable", check=False)
    assert done.returncode == 1
    assert f"against it: {fault}: " in done.stderr
    assert edge.shown_as_server(edge.lab.contoso) != issued.der
    edge.enable("import", file, "--enable", "--accept", fault)
    assert edge.shown_as_server(edge.lab.contoso) == issued.der


def test_import_tells_what_it_did_as_json(edge: Edge) -> None:
    """One document, also where it is not put to use."""
    issued = edge.lab.certificate_for(CONTOSO)
    file = edge.put("a.pem", issued.pem(key=True))
    document = json.loads(edge.product.command("cert", "import", file, "--json").stdout)
    assert (document["sha256"], document["is_new"], document["services"]) == (issued.fingerprint, True, [])
    with edge.lab.contoso.reloaded():
        done = edge.product.command("cert", "import", file, "--enable", "--json")
    document = json.loads(done.stdout)
    assert (document["is_new"], "smtp/inet (server)" in document["services"]) == (False, True)


def _exchange_mail_by_private_authority(edge: Edge) -> None:
    """Woodgrove's certificate of that authority is believed until it is revoked in the published list."""
    key, request, issued = (WORK / f"woodgrove.{kind}" for kind in ("key", "csr", "pem"))
    edge.openssl(
        "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request,
        "-subj", f"/CN=mail.{WOODGROVE}",
    )  # fmt: skip
    edge.cert("ca", "issue", request, "--out", issued, "--crl-out", WORK / "c.crl")
    edge.put("woodgrove.chain", edge.read(key.name) + edge.read(issued.name))
    trust = f'[trust]\nca_file = "{WORK}/root.pem"\ncrl_files = ["{WORK}/c.crl"]\nrevocation = "require"\n'
    product, lab = edge.product, edge.lab
    configuration = (
        f'[receive]\ndomains = ["{WOODGROVE}"]\n[inbound]\nprobe = false\n[paths]\nstate = "{STATE}"\n'
    )
    lab.namespaces.outside(CONFIGURATION).write_text(configuration + trust)
    product.command("partner", "cert", "add", WOODGROVE, issued)
    product.attach()
    product.serve()
    tls = client_context(lab.namespaces.outside(WORK / "woodgrove.chain"))

    def reply() -> str:
        sender, recipient = f"a@{WOODGROVE}", f"b@{CONTOSO}"
        return str(
            lab.send(lab.contoso, compose(sender, recipient), source=ADDRESSES[WOODGROVE],
                     sender=sender, recipient=recipient, tls=tls)
        )  # fmt: skip

    assert reply().startswith("250")
    sha1 = x509.load_pem_x509_certificate(edge.read(issued.name)).fingerprint(hashes.SHA1())  # noqa: S303 - as other tools name it
    edge.cert("ca", "revoke", sha1.hex(), "--crl-out", WORK / "c.crl")
    wait_for(lambda: "(revoked)" in reply(), "the new list to count")


def test_private_authority_for_both(edge: Edge) -> None:
    """OpenSSL agrees with what the private authority issues and revokes, and Postfix shows it."""
    edge.cert("ca", "init", "--domain", CONTOSO, "--domain", WOODGROVE, "--out", WORK / "root.pem")
    edge.cert("request", "--domain", HOST, "--out", WORK / "c.csr")
    edge.cert("ca", "issue", WORK / "c.csr", "--out", WORK / "c.pem", "--crl-out", WORK / "c.crl")
    for purpose in ("sslclient", "sslserver"):
        said = edge.openssl(
            "verify", "-x509_strict", "-purpose", purpose, "-CAfile", WORK / "root.pem", WORK / "c.pem"
        )
        assert said.endswith("OK\n")
    edge.enable("import", WORK / "c.pem", "--enable")
    assert edge.shown_as_server(edge.lab.contoso) == der_of(edge.read("c.pem"))
    _exchange_mail_by_private_authority(edge)
    thumbprint = json.loads(edge.cert("ca", "list", "--json"))["issued"][0]["thumbprint"]
    edge.cert("ca", "revoke", thumbprint, "--crl-out", WORK / "c.crl")
    edge.openssl("crl", "-inform", "DER", "-in", WORK / "c.crl", "-out", WORK / "crl.pem")
    checked = edge.lab.namespaces.run(
        "openssl", "verify", "-crl_check", "-CRLfile", WORK / "crl.pem",
        "-CAfile", WORK / "root.pem", WORK / "c.pem",
        check=False,
    )  # fmt: skip
    assert "certificate revoked" in checked.stdout + checked.stderr

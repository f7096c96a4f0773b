"""``explain`` against real files, without a daemon."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from domain_secure.commands.main import main
from domain_secure.policy.certificates.certificate import parse

from lab.certificates import Authority, Issued


class Edge:
    """A configuration that lists woodgrovebank.test, with an authority it trusts."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.authority = Authority.create("Laboratory Authority")
        (folder / "ca.pem").write_bytes(self.authority.certificate_pem)
        (folder / "c.toml").write_text(
            f'[receive]\ndomains = ["woodgrovebank.test"]\n[trust]\nca_file = "{folder}/ca.pem"\n'
            f'[inbound]\nexempt_clients = ["192.0.2.9"]\nprobe = false\n[paths]\nstate = "{folder}/state"\n'
            '[partner."woodgrovebank.test"]\nmethods = ["pin", "pkix"]\n'
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Return exit status and output of one command."""
        status = main(["--config", str(self.folder / "c.toml"), *arguments])
        return status, self.capsys.readouterr().out

    def explain(self, *arguments: str, client: str = "192.0.2.1") -> tuple[int, dict[str, Any]]:
        """Return exit status and document of an explanation."""
        status, output = self.run("explain", "--json", "--client", client, *arguments)
        return status, json.loads(output)

    def know(self, *names: str) -> Issued:
        """Import a certificate with these names."""
        issued = self.authority.issue(names[0], dns_names=names)
        path = self.folder / "peer.pem"
        path.write_bytes(issued.certificate_pem)
        assert self.run("partner", "cert", "add", "woodgrovebank.test", str(path))[0] == 0
        return issued


@pytest.fixture
def edge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Edge:
    """Return an edge."""
    return Edge(tmp_path, capsys)


SENDER = ("--from", "admin@woodgrovebank.test")


def test_every_spelling_of_a_fingerprint(edge: Edge) -> None:
    """What any command of ours, Postfix, openssl or a browser shows of a certificate names it."""
    own = edge.know("mail.woodgrovebank.test")
    certificate = parse(own.der)
    digest, key = certificate.certificate_pin.digest, certificate.public_key_pin
    colons = ":".join(digest.upper()[index : index + 2] for index in range(0, 64, 2))
    sha1 = hashlib.sha1(own.der, usedforsecurity=False).hexdigest()
    base64_of_key = base64.b64encode(bytes.fromhex(key.digest)).decode()
    for text in (
        digest,
        digest.upper(),
        colons,
        f"sha256:{digest}",
        f"SHA256 Fingerprint={colons}",
        base64.b64encode(bytes.fromhex(digest)).decode(),
        sha1,
        sha1.upper()[:12],
        str(key),
        f"sha256//{base64_of_key}",
        f'pin-sha256="{base64_of_key}"',
    ):
        document = edge.explain(*SENDER, "--fingerprint", text)[1]
        assert document["verdict"] == "pass", text
        assert document["certificate"]["certificate"] == str(certificate.certificate_pin)


def test_key_of_a_known_certificate_is_known(edge: Edge) -> None:
    """A pin of the public key counts for a certificate that is named by its own digest, as in the daemon."""
    own = edge.know("mail.woodgrovebank.test")
    key = parse(own.der).public_key_pin
    assert edge.run("partner", "pin", "woodgrovebank.test", str(key))[0] == 0
    (finding,) = edge.explain(*SENDER, "--fingerprint", own.fingerprint)[1]["findings"]
    assert finding["method"] == "pin"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fingerprint", "zz"), "this is not a thumbprint"),
        (("--fingerprint", "spki-sha256:" + "ab" * 32), "no known certificate has this public key"),
        (("--public-key", "ab"), "is not a SHA-256 digest"),
        (("--public-key", "sha256:" + "ab" * 32), "give it as --fingerprint"),
    ],
)
def test_what_names_no_certificate(edge: Edge, options: tuple[str, ...], said: str) -> None:
    """What is cut short, unknown or of something else is told, and not taken for another certificate."""
    command = ["--config", str(edge.folder / "c.toml"), "explain", "--client", "192.0.2.1", *SENDER, *options]
    assert main(command) == 2
    assert said in edge.capsys.readouterr().err


def test_name_that_matched_is_told(edge: Edge) -> None:
    """Of a certificate with many names the one that counts is named first, wherever it stands."""
    own = edge.know(*(f"host{number}.other.test" for number in range(30)), "mail.woodgrovebank.test")
    arguments = ("--client", "192.0.2.1", *SENDER, "--fingerprint", own.fingerprint)
    output = edge.run("explain", *arguments)[1]
    assert "  pkix     pass: certificate for mail.woodgrovebank.test, valid until" in output
    counts = output.index("mail.woodgrovebank.test: counts for")
    assert counts < output.index("host0.other.test: counts for none")


@pytest.mark.parametrize(
    ("arguments", "verdict", "status"),
    [
        ((*SENDER, "--tls", "none"), "no-tls", 1),
        ((*SENDER, "--tls", "TLSv1.1"), "weak-tls", 1),
        (SENDER, "no-certificate", 1),
        ((*SENDER, "--fingerprint", "ab" * 32), "unknown-certificate", 1),
        (("--from", "x@other.test"), "none", 0),
        (("--from", "<>"), "none", 0),
    ],
)
def test_verdict(edge: Edge, arguments: tuple[str, ...], verdict: str, status: int) -> None:
    """The verdict is the daemon's, and the exit status says whether it lets in."""
    found, document = edge.explain(*arguments)
    assert (document["verdict"], found) == (verdict, status)


def test_known_certificates(edge: Edge) -> None:
    """The partner's own certificate passes, another's is named, and the reasoning is printed."""
    own = edge.know("mail.woodgrovebank.test")
    assert edge.explain(*SENDER, "--fingerprint", own.fingerprint)[1]["verdict"] == "pass"
    other = edge.know("evil.test")
    status, output = edge.run("explain", *SENDER, "--client", "192.0.2.1", "--fingerprint", other.fingerprint)
    assert status == 1
    assert "certificate is for evil.test; mail from this domain needs one for woodgrovebank.test" in output
    assert "550 5.7.5" in output


def test_author_of_a_message(edge: Edge) -> None:
    """The author headers of a given message are claims."""
    message = edge.folder / "message"
    message.write_bytes(b"From: Admin <admin@woodgrovebank.test>\r\nSubject: x\r\n\r\nHello.\r\n")
    status, document = edge.explain("--from", "x@other.test", "--tls", "none", str(message))
    assert (document["verdict"], status) == ("no-tls", 1)


def test_exempt_client(edge: Edge) -> None:
    """An exempt client is told to be one."""
    assert edge.explain(*SENDER, "--tls", "none", client="192.0.2.9")[1]["verdict"] == "exempt"


@pytest.mark.parametrize(
    "arguments",
    [("--client", "nonsense"), ("--client", "192.0.2.1", "--tls", "SSLv2"), ("--client", "::1", "/none")],
)
def test_wrong_use_is_explained(
    edge: Edge, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad values end with one line and status 2."""
    assert main(["--config", str(edge.folder / "c.toml"), "explain", *SENDER, *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_nothing_is_noted(edge: Edge) -> None:
    """An explanation leaves no trace under pending."""
    edge.explain(*SENDER, "--fingerprint", "ab" * 32)
    assert "ab" * 32 not in edge.run("pending")[1]


def test_whole_reasoning(edge: Edge) -> None:
    """Each name, each method, the chain with its dates, revocation: all that the verdict rests on."""
    own = edge.know("mail.woodgrovebank.test", "other.test")
    arguments = (*SENDER, "--fingerprint", own.fingerprint)
    status, output = edge.run("explain", "--client", "192.0.2.1", *arguments)
    assert status == 0
    for line in (
        "  pin      not asked: no pins were agreed on",
        "  pkix     pass: certificate for mail.woodgrovebank.test, valid until",
        "  name     mail.woodgrovebank.test: counts for woodgrovebank.test",
        "  name     other.test: counts for none of them",
        "  name     common name mail.woodgrovebank.test: does not count",
        "  chain    CN=mail.woodgrovebank.test, 20",
        "  chain    CN=Laboratory Authority, 20",
        "  path     trusted: ",
        "  revoked  unknown",
    ):
        assert line in output, output
    document = edge.explain(*arguments)[1]
    assert [name["matches"] for name in document["certificate"]["names"]] == ["woodgrovebank.test", None]
    assert [link["subject"] for link in document["certificate"]["chain"]] == [
        "CN=mail.woodgrovebank.test",
        "CN=Laboratory Authority",
    ]


def test_certificate_of_a_pinned_partner_is_shown(edge: Edge) -> None:
    """The pin decides alone; what the certificate says is told all the same."""
    own = edge.know("evil.test")
    assert edge.run("partner", "pin", "woodgrovebank.test", f"sha256:{own.fingerprint}")[0] == 0
    arguments = ("--client", "192.0.2.1", *SENDER, "--fingerprint", own.fingerprint)
    output = edge.run("explain", *arguments)[1]
    assert "  pkix     not asked: pin has passed" in output
    assert "  name     evil.test: counts for none of them" in output


def test_signature_that_is_required(edge: Edge) -> None:
    """Without the message nobody knows; the message itself tells that it is not signed."""
    edge.run("partner", "set", "woodgrovebank.test", "require=dkim")
    own = edge.know("mail.woodgrovebank.test")
    arguments = (*SENDER, "--fingerprint", own.fingerprint)
    assert edge.explain(*arguments)[1]["verdict"] == "no-evidence"
    message = edge.folder / "message"
    message.write_bytes(b"Subject: x\n\nHello.\n")
    assert edge.explain(*arguments, str(message))[1]["verdict"] == "no-signature"
    document = edge.explain(*SENDER, "--tls", "none")[1]
    assert document["findings"][0]["not_asked"] == {
        "pin": "no-tls, whatever the certificate",
        "pkix": "no-tls, whatever the certificate",
        "dkim": "the session did not prove to be the partner",
    }

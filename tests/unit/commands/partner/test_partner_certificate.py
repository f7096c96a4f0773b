"""``partner cert add``: what is imported, and what is said about it."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from documents import body

from domain_secure.commands.main import main
from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.certificates.certificate import parse

from lab.certificates import SERVER, Authority, self_signed

DAY = timedelta(days=1)
ROOT = Authority.create("Lab Root")
OTHER_ROOT = Authority.create("Other Root")
SUB = ROOT.authority("Lab Sub")
HOST_NAME = "mail.woodgrovebank.test"
HOST = SUB.issue(HOST_NAME, dns_names=[HOST_NAME])
ENDED = SUB.issue(
    dns_names=["woodgrovebank.test"],
    not_before=datetime.now(UTC) - 9 * DAY,
    not_after=datetime.now(UTC) - DAY,
)
Import = Callable[..., tuple[int, str, str]]


@pytest.fixture
def imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Import:
    """Return a way to import a file; returns the exit status and both outputs."""

    def run(domain: str, content: bytes, *options: str, trust: str = "") -> tuple[int, str, str]:
        (tmp_path / "ca.pem").write_bytes(ROOT.certificate_pem)
        (tmp_path / "file").write_bytes(content)
        (tmp_path / "domain-secure.toml").write_text(
            '[receive]\ndomains = ["woodgrovebank.test", "*.fabrikam.test"]\n'
            f'[trust]\nca_file = "{tmp_path}/ca.pem"\n{trust}\n[paths]\nstate = "{tmp_path}"\n'
        )
        command = ["--config", str(tmp_path / "domain-secure.toml"), "partner", "cert", "add", domain]
        status = main([*command, str(tmp_path / "file"), *options])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_what_was_imported_is_shown(imported: Import, tmp_path: Path) -> None:
    """Subject, names, dates, both digests, the chain, and that the partner passes with it."""
    status, printed, error = imported("woodgrovebank.test", HOST.pem(key=True))
    certificate = parse(HOST.der)
    assert (status, error) == (0, "")
    assert printed.splitlines() == [
        "imported   for woodgrovebank.test",
        "subject    CN=mail.woodgrovebank.test",
        "names      mail.woodgrovebank.test",
        "issuer     CN=Lab Sub",
        f"valid      {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}",
        f"pins       {certificate.certificate_pin}",
        f"           {certificate.public_key_pin}",
        "chain      CN=Lab Sub",
        f"would pass now, by pkix: certificate for {HOST_NAME}, valid until {certificate.not_after:%Y-%m-%d}",
    ]
    chain = CertificateBook(tmp_path / FILE_NAME).chain(certificate.certificate_pin)
    assert chain is not None
    assert [one.subject for one in chain] == ["CN=mail.woodgrovebank.test", "CN=Lab Sub"]


@pytest.mark.parametrize(
    ("content", "trust", "verdict", "detail", "step"),
    [
        (
            HOST.certificate_pem,
            "",
            "unknown-certificate",
            "trusted authority (issuer: CN=Lab Sub)",
            "the certificate of its issuer, CN=Lab Sub, put it behind this one",
        ),
        (
            SUB.issue(dns_names=["evil.test"]).pem(),
            "",
            "name-mismatch",
            "certificate is for evil.test",
            "ask the partner for a certificate for woodgrovebank.test",
        ),
        (
            SUB.issue(dns_names=["smtp.gmail.com"]).pem(),
            "",
            "name-mismatch",
            "certificate is for smtp.gmail.com",
            "domain-secure partner set woodgrovebank.test gateway=google-workspace",
        ),
        (
            SUB.issue(dns_names=["woodgrovebank.test"], purposes=[SERVER]).pem(),
            'client_purpose = "require"',
            "untrusted",
            "may be used for TLS servers only",
            "ask the partner for a certificate that is made for TLS clients",
        ),
        (
            self_signed(dns_names=["woodgrovebank.test"]).pem(),
            "",
            "untrusted",
            "self-signed",
            "domain-secure partner pin woodgrovebank.test spki-sha256:",
        ),
        (
            ENDED.pem(),
            "",
            "expired",
            "out of date",
            "ask the partner for a new certificate",
        ),
        (
            OTHER_ROOT.issue(dns_names=["woodgrovebank.test"]).pem() + OTHER_ROOT.certificate_pem,
            "",
            "untrusted",
            "chain ends in an authority that is not trusted",
            "add the certificate of CN=Other Root to [trust] ca_file",
        ),
        (
            SUB.issue(dns_names=["woodgrovebank.test"], key="rsa1024").pem(),
            "",
            "untrusted",
            "1024 bits",
            "ask the partner for a new certificate: the RSA key has 1024 bits",
        ),
    ],
    ids=["no-chain", "other-name", "gateway", "purpose", "self-signed", "expired", "other-root", "weak"],
)
def test_why_it_would_not_pass(
    imported: Import, content: bytes, trust: str, verdict: str, detail: str, step: str
) -> None:
    """The import is done all the same, with the verdict a message would get and the step that fits."""
    status, printed, _ = imported("woodgrovebank.test", content, trust=trust)
    assert status == 0
    told = printed[printed.index("WOULD NOT PASS now, ") :]
    assert told.startswith(f"WOULD NOT PASS now, {verdict}: ")
    assert detail in told.splitlines()[0]
    assert step in told
    assert " sha256:" not in told


@pytest.mark.parametrize(
    ("content", "trust"),
    [
        (ENDED.pem(), ""),
        (SUB.issue(dns_names=["woodgrovebank.test"], key="rsa1024").pem(), ""),
        (HOST.certificate_pem, ""),
        (SUB.issue(dns_names=["evil.test"]).pem(), ""),
    ],
    ids=["expired", "weak", "no-chain", "other-name"],
)
def test_no_pin_for_what_another_certificate_mends(imported: Import, content: bytes, trust: str) -> None:
    """A pin would go on believing what is out of date, weak or for somebody else."""
    assert "partner pin" not in imported("woodgrovebank.test", content, trust=trust)[1]


def test_steps_where_pins_alone_count(imported: Import) -> None:
    """A good certificate of a partner that is proved by pins wants a pin of its key, or another method."""
    rule = '[partner."woodgrovebank.test"]\nmethods = ["pin"]'
    printed = imported("woodgrovebank.test", HOST.pem(), trust=rule)[1]
    assert "domain-secure partner pin woodgrovebank.test spki-sha256:" in printed
    assert "domain-secure partner set woodgrovebank.test methods=pin,pkix" in printed


def test_earlier_import_lends_its_chain(imported: Import) -> None:
    """A renewed certificate alone passes with the intermediates that came with the former one."""
    imported("woodgrovebank.test", HOST.pem())
    renewed = SUB.issue(dns_names=["mail.woodgrovebank.test"])
    assert "would pass now, by pkix" in imported("woodgrovebank.test", renewed.certificate_pem)[1]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (ROOT.certificate_pem, "certificate of an authority and not of a mail server (CN=Lab Root)"),
        (SUB.certificate_pem + ROOT.certificate_pem, "not of a mail server (CN=Lab Sub)"),
        (HOST.key_pem, "it holds a private key and no certificate"),
        (b"rubbish", "neither PEM nor DER nor PKCS#7"),
    ],
    ids=["root", "chain-of-authorities", "key", "rubbish"],
)
def test_what_is_refused(imported: Import, tmp_path: Path, content: bytes, what: str) -> None:
    """Nothing is kept, and the one line says what the file is and what to do."""
    status, printed, error = imported("woodgrovebank.test", content)
    assert (status, printed) == (2, "")
    assert what in error
    assert str(tmp_path / "file") in error
    assert not (tmp_path / FILE_NAME).exists()


def test_missing_file(imported: Import, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is told with its name."""
    imported("woodgrovebank.test", HOST.pem())
    command = ["partner", "cert", "add", "woodgrovebank.test", str(tmp_path / "missing")]
    assert main(["--config", str(tmp_path / "domain-secure.toml"), *command]) == 2
    assert f"No such file or directory): {tmp_path}/missing: name a readable file" in capsys.readouterr().err


def test_standard_input(
    imported: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``-`` reads the certificate from a pipe."""
    imported("woodgrovebank.test", HOST.pem())
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(HOST.pem())))
    command = ["partner", "cert", "add", "woodgrovebank.test", "-"]
    assert main(["--config", str(tmp_path / "domain-secure.toml"), *command]) == 0
    assert capsys.readouterr().out.startswith("imported   for woodgrovebank.test\n")


def test_json_and_unlisted_domain(imported: Import) -> None:
    """The document has stable keys; a domain on no list is imported for with --force alone."""
    assert imported("contoso.test", HOST.pem())[0] == 1
    status, printed, error = imported("contoso.test", HOST.pem(), "--json", "--force")
    certificate = parse(HOST.der)
    assert status == 0
    assert "contoso.test is not on the receive list" in error
    assert body(printed) == {
        "domain": "contoso.test",
        "subject": "CN=mail.woodgrovebank.test",
        "names": ["mail.woodgrovebank.test"],
        "issuer": "CN=Lab Sub",
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "sha256": str(certificate.certificate_pin),
        "spki_sha256": str(certificate.public_key_pin),
        "chain": ["CN=Lab Sub"],
        "would_pass": False,
        "method": None,
        "verdict": "name-mismatch",
        "detail": f"certificate is for {HOST_NAME}; mail from this domain needs one for contoso.test",
        "steps": [
            {
                "what": "ask the partner for a certificate for contoso.test",
                "command": "domain-secure partner cert add contoso.test FILE",
            },
            {
                "what": f"or, if {HOST_NAME} is the partner's alone, accept that name as well",
                "command": f"domain-secure partner set contoso.test receive_names=contoso.test,{HOST_NAME}",
            },
        ],
    }


def test_wildcard_entry(imported: Import) -> None:
    """A wildcard of the list is judged by its own rule."""
    issued = SUB.issue(dns_names=["mail.eu.fabrikam.test"])
    _, printed, error = imported("*.fabrikam.test", issued.pem())
    assert "would pass now, by pkix: certificate for mail.eu.fabrikam.test" in printed
    assert not error

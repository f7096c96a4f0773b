"""``probe`` against real Postfix: one partner whose server behaves in every way."""

import json
import ssl
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.certificates import Issued, self_signed
from lab.laboratory import ADDRESSES, AUTHORITY_FILE, CONTOSO, EVIL, FABRIKAM, WOODGROVE, Lab
from lab.namespaces import LabError
from lab.product import Product
from lab.web_server import Page, WebServer
from unit.postfix.mail_servers import serve, starts_tls

pytestmark = pytest.mark.real

MAIL = f"mail.{WOODGROVE}"
OLD_TLS = {
    "smtpd_tls_protocols": "TLSv1.1",
    "smtpd_tls_ciphers": "low",
    # OpenSSL 3 has nothing for TLS 1.1 above this level.
    "tls_high_cipherlist": "ALL:@SECLEVEL=0",
    "tls_low_cipherlist": "ALL:@SECLEVEL=0",
}
EXPIRED = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture(scope="module")
def product(lab: Lab) -> Product:
    """The command beside an attached Postfix; the daemon does not run."""
    made = Product(lab)
    made.configure(
        f'[receive]\ndomains = ["{WOODGROVE}"]\n[send]\ndomains = ["{WOODGROVE}"]\n',
        trust="fetch_private = true",
    )
    made.attach()
    return made


def probed(product: Product, *options: str, domain: str = WOODGROVE) -> tuple[int, dict[str, Any]]:
    """Return exit status and document."""
    done = product.command("probe", "--json", *options, domain, check=False)
    try:
        (document,) = json.loads(done.stdout)["domains"]
    except ValueError as error:
        raise LabError(done.stderr) from error
    return done.returncode, document


def only_server(document: dict[str, Any]) -> dict[str, Any]:
    """Return the one server of a document."""
    (server,) = document["servers"]
    found: dict[str, Any] = server
    return found


def shows(product: Product, issued: Issued, **parameters: str) -> None:
    """Let Woodgrove show a certificate, and behave as these settings say."""
    lab = product.lab
    defaults = {
        "smtpd_tls_security_level": "may",
        "smtpd_tls_ask_ccert": "yes",
        "smtpd_tls_mandatory_protocols": ">=TLSv1.2",
        "smtpd_tls_protocols": ">=TLSv1.2",
        "smtpd_recipient_restrictions": "",
        "smtpd_tls_ciphers": "medium",
        "smtpd_tls_req_ccert": "no",
        "smtpd_tls_CAfile": str(AUTHORITY_FILE),
    }
    lab.woodgrove.configure(**(defaults | parameters))
    lab.present(lab.woodgrove, issued)


def test_good_partner(product: Product) -> None:
    """Chain, name, our certificate asked for and not refused; it would prove the partner inbound too."""
    shows(product, product.lab.identities[WOODGROVE])
    status, document = probed(product)
    server = only_server(document)
    assert (status, document["verdict"], server["verdict"]) == (0, "delivered", "good")
    assert (server["preference"], server["host"], server["address"]) == (10, MAIL, ADDRESSES[WOODGROVE])
    assert server["path"]["outcome"] == "trusted"
    assert server["certificate_requested"] is True
    assert server["remark"] is None
    assert (document["receiving"]["verdict"], document["receiving"]["method"]) == ("pass", "pkix")
    assert document["suggestion"] is None
    book = product.command("partner", "show", WOODGROVE, "--json").stdout
    assert product.lab.identities[WOODGROVE].fingerprint in book


@pytest.mark.parametrize(
    ("issued", "parameters", "verdict", "command"),
    [
        ("evil", {}, "name-mismatch", "mx=evil.test"),
        ("self", {}, "untrusted", "send_method=pin"),
        ("expired", {}, "expired", "send_method=pin"),
        ("own", {"smtpd_tls_security_level": "none"}, "no-tls", None),
        ("own", OLD_TLS, "protocol", "minimum_tls=TLSv1.1"),
    ],
    ids=["name", "self-signed", "expired", "no-starttls", "old-tls"],
)
def test_what_would_be_held(
    product: Product, issued: str, parameters: dict[str, str], verdict: str, command: str | None
) -> None:
    """Status 1, the reason, and the change that would let it through with its price."""
    lab = product.lab
    certificates = {
        "own": lab.identities[WOODGROVE],
        "evil": lab.identities[EVIL],
        "self": self_signed(WOODGROVE, dns_names=(MAIL,)),
        "expired": lab.authority.issue(WOODGROVE, dns_names=(MAIL,), not_after=EXPIRED),
    }
    shows(product, certificates[issued], **parameters)
    status, document = probed(product, "--no-keep")
    assert (status, document["verdict"]) == (1, "held")
    assert only_server(document)["verdict"] == verdict
    suggestion = document["suggestion"]
    if command is None:
        assert suggestion is None
    else:
        assert suggestion["commands"][-1].endswith(command)
        assert suggestion["weakens"]


OTHER_AUTHORITY = "/etc/ssl/certs/ca-certificates.crt"


def test_a_postfix_that_does_not_trust_our_authority(product: Product) -> None:
    """It says so in its first reply under TLS, and every message would wait."""
    demands = {"smtpd_tls_security_level": "encrypt", "smtpd_tls_req_ccert": "yes"}
    shows(product, product.lab.identities[WOODGROVE], smtpd_tls_CAfile=OTHER_AUTHORITY, **demands)
    status, document = probed(product, "--mutual")
    server = only_server(document)
    assert (status, document["verdict"], server["verdict"]) == (1, "held", "client-certificate")
    assert server["mutual"]["verdict"] == "ours-refused"
    shown = product.command("probe", WOODGROVE, check=False).stdout
    assert "would be HELD: the partner refuses our certificate" in shown
    assert "421 4.7.1" in shown
    shows(product, product.lab.identities[WOODGROVE], smtpd_tls_CAfile=str(AUTHORITY_FILE), **demands)
    assert probed(product)[:1] == (0,)


@pytest.mark.parametrize(
    ("authority", "expected"),
    [(str(AUTHORITY_FILE), (0, "good")), (OTHER_AUTHORITY, (1, "client-certificate"))],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_openssl_server_that_insists(
    product: Product, authority: str, expected: tuple[int, str], version: ssl.TLSVersion
) -> None:
    """In TLS 1.3 the alert comes behind the handshake, with which a probe would take it for done."""
    lab = product.lab
    shows(product, lab.identities[WOODGROVE])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(
        lab.namespaces.outside(lab.certificate_file(lab.identities[WOODGROVE], "insisting"))
    )
    context.load_verify_locations(lab.namespaces.outside(authority))
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    lab.dns.replace(f"{WOODGROVE}.", f"{WOODGROVE}. MX 10 mail.{FABRIKAM}.")
    with ExitStack() as stack:
        stack.callback(lab.dns.replace, f"{WOODGROVE}.", f"{WOODGROVE}. MX 10 {MAIL}.")
        with lab.namespaces.network():
            stack.enter_context(serve(starts_tls(context), (ADDRESSES[FABRIKAM], 25)))
        status, document = probed(product)
    found = only_server(document)
    assert (status, found["verdict"]) == expected, found
    if status:
        assert document["detail"] == "the partner refuses our certificate, and mail would wait in the queue"
        assert "alert unknown ca" in found["detail"]


def test_no_certificate_is_asked_for(product: Product) -> None:
    """Verified TLS, and not mutual: said in words."""
    shows(product, product.lab.identities[WOODGROVE], smtpd_tls_ask_ccert="no")
    status, document = probed(product, "--mutual")
    server = only_server(document)
    assert (status, server["verdict"], server["certificate_requested"]) == (1, "good", False)
    assert server["mutual"]["verdict"] == "not-asked"
    assert "asks for no certificate" in product.command("probe", "--mutual", WOODGROVE, check=False).stdout


def test_mutual_tls_is_proved_by_refusals(product: Product) -> None:
    """A server that takes trusted client certificates alone; a trusted one of another name passes."""
    lab = product.lab
    shows(
        product, lab.identities[WOODGROVE], smtpd_recipient_restrictions="permit_tls_all_clientcerts, reject"
    )
    envelope = ("--mutual", "--mail-from", f"a@{CONTOSO}", "--rcpt-to", f"b@{WOODGROVE}")
    _, document = probed(product, *envelope)
    mutual = only_server(document)["mutual"]
    assert mutual["verdict"] == "proved", mutual
    assert "RCPT TO was answered with 554" in mutual["sessions"]["none"]["refusal"]
    other = str(lab.certificate_file(lab.identities[EVIL], "other-name"))
    _, document = probed(product, *envelope, "--other-name", other)
    assert only_server(document)["mutual"]["verdict"] == "not-refused"
    lab.woodgrove.wait_for_log(" rcpt=1 rset=1 quit=1")
    assert " data=" not in lab.woodgrove.complete_log()


def test_without_an_envelope_nothing_is_claimed(product: Product) -> None:
    """The same server, asked only as far as TLS goes."""
    _, document = probed(product, "--mutual")
    assert only_server(document)["mutual"]["verdict"] == "not-refused"


def test_mta_sts(product: Product) -> None:
    """The policy is fetched over verified HTTPS, and hosts that it does not name are told."""
    lab = product.lab
    host = f"mta-sts.{WOODGROVE}"
    shows(product, lab.identities[WOODGROVE])
    lab.dns.add(f'_mta-sts.{WOODGROVE}. TXT "v=STSv1; id=1;"', f"{host}. A {ADDRESSES[EVIL]}")
    policy = f"version: STSv1\nmode: enforce\nmx: other.{WOODGROVE}\nmax_age: 86400\n".encode()
    bundle = lab.namespaces.outside("/etc/ssl/certs/ca-certificates.crt")
    bundle.write_bytes(bundle.read_bytes() + lab.namespaces.outside(AUTHORITY_FILE).read_bytes())
    issued = lab.authority.issue(host, dns_names=(host,))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(lab.namespaces.outside(lab.certificate_file(issued, host)))
    with lab.namespaces.network():
        server = WebServer(ADDRESSES[EVIL], 443, context)
    with server:
        server.pages["/.well-known/mta-sts.txt"] = Page(policy)
        _, document = probed(product)
    assert document["mta_sts"] == {
        "problem": None,
        "mode": "enforce",
        "mx": [f"other.{WOODGROVE}"],
        "not_covered": [MAIL],
    }
    _, document = probed(product)
    assert "cannot be fetched" in document["mta_sts"]["problem"]


def test_other_hosts_of_the_domain(product: Product) -> None:
    """A dead MX in front of a good one, an address without a server, IPv6: each is shown."""
    lab = product.lab
    shows(product, lab.identities[WOODGROVE])
    lab.namespaces.add_address("2001:db8::20")
    lab.woodgrove.configure(inet_interfaces=f"{ADDRESSES[WOODGROVE]}, [2001:db8::20]", inet_protocols="all")
    lab.woodgrove.stop()
    lab.woodgrove.start()
    lab.dns.add(f"{WOODGROVE}. MX 5 dead.{WOODGROVE}.", f"dead.{WOODGROVE}. A {ADDRESSES['fabrikam.test']}")
    lab.dns.add(f"{MAIL}. AAAA 2001:db8::20")
    status, document = probed(product)
    assert (status, document["verdict"]) == (0, "delivered")
    assert [(one["address"], one["verdict"]) for one in document["servers"]] == [
        (ADDRESSES["fabrikam.test"], "unreachable"),
        (ADDRESSES[WOODGROVE], "good"),
        ("2001:db8::20", "good"),
    ]


@pytest.mark.parametrize(
    ("name", "records", "expected"),
    [
        ("nowhere.test", (), (3, "unreachable")),
        ("nomail.test", ("nomail.test. MX 0 .",), (1, "no-mail")),
    ],
)
def test_domains_without_a_server(
    product: Product, name: str, records: tuple[str, ...], expected: tuple[int, str]
) -> None:
    """Nobody to ask, and a null MX."""
    product.lab.dns.add(*records)
    status, document = probed(product, domain=name)
    assert (status, document["verdict"]) == expected


@pytest.mark.parametrize("fits", [True, False])
def test_published_key(own_lab: Lab, fits: bool) -> None:
    """By DANE the server's key is the published one, or mail waits."""
    own_lab.publish_key(own_lab.identities[WOODGROVE if fits else EVIL])
    product = Product(own_lab)
    product.configure(f'[send]\ndomains = ["{WOODGROVE}"]\n[partner."{WOODGROVE}"]\nsend_method = "dane"\n')
    status, document = probed(product)
    server = only_server(document)
    assert (status, server["verdict"]) == ((0, "good") if fits else (1, "dane"))
    assert server["tlsa"]["records"]
    assert bool(server["tlsa"]["match"]) is fits
    if not fits:
        assert document["suggestion"]["commands"][0].endswith("send_method=pkix")


def test_all_listed_domains(product: Product) -> None:
    """One document for each, and a line that counts them."""
    product.command("send", "add", EVIL)
    done = product.command("probe", "--all", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "2 delivered"

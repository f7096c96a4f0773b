"""Probes and DANE against real Postfix and a real, validating resolver."""

import hashlib
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain_secure.postfix.probe.probe import ClientIdentity, ProbeResult, ProbeTarget, probe

from lab.certificates import SERVER, Authority, Issued, self_signed
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE, Lab
from lab.messages import compose, header_lines
from lab.product import Product
from lab.smtp_client import Reply
from lab.waiting import wait_for

pytestmark = pytest.mark.real

RECIPIENT = f"user@{CONTOSO}"
SENDER = f"admin@{WOODGROVE}"
MAIL = f"mail.{WOODGROVE}"


def send(
    product: Product,
    issued: Issued | None,
    source: str = ADDRESSES[WOODGROVE],
    *,
    tls: ssl.SSLContext | None = None,
) -> tuple[Reply, list[str]]:
    """Send a message of Woodgrove's; return the reply and our marks on it."""
    lab = product.lab
    message = compose(SENDER, RECIPIENT)
    tls = tls or lab.client_context(issued)
    reply = lab.send(lab.contoso, message, source=source, sender=SENDER, recipient=RECIPIENT, tls=tls)
    if reply.code != 250:
        return reply, []
    return reply, header_lines(lab.contoso.wait_for_delivery(message.mark), "X-Domain-Secure")


def serving(lab: Lab, text: str) -> Product:
    """Return a product that serves with this configuration and has nothing imported."""
    product = Product(lab)
    product.configure(text)
    product.attach()
    product.serve()
    return product


LISTED = f'[receive]\ndomains = ["{WOODGROVE}"]\n'
#: A probe must come in time on a busy machine, too.
PATIENT = "[inbound]\nprobe_timeout = 60\n"


@pytest.fixture(scope="module")
def probing(lab: Lab) -> Product:
    """The product with Woodgrove listed, and no certificate known but by its own doing."""
    return serving(lab, LISTED + PATIENT)


def test_first_message_passes_without_any_import(probing: Product) -> None:
    """The administrator listed a domain and did nothing else."""
    reply, marks = send(probing, probing.lab.identities[WOODGROVE])
    assert reply.code == 250, str(reply)
    assert marks[0].startswith(f"pass ({WOODGROVE}; pkix; TLSv1.3)")


def test_partner_is_probed_by_schedule(probing: Product) -> None:
    """Without any message: the daemon looks at its start."""
    expected = f"probed target={MAIL}[{ADDRESSES[WOODGROVE]}] certificate=sha256:"
    probing.wait_for_log(expected)
    fingerprint = probing.lab.identities[WOODGROVE].fingerprint
    wait_for(
        lambda: fingerprint in probing.command("partner", "show", WOODGROVE, "--json").stdout,
        "the certificate in the book",
    )


def test_only_probes_were_seen_at_the_mx(probing: Product) -> None:
    """Postfix at the other side counts what we said: no sender, no recipient."""
    probing.lab.woodgrove.wait_for_log(r"disconnect from \S+ ehlo=2 starttls=1 quit=1 commands=4")


def test_server_that_sends_is_not_the_one_that_receives(probing: Product) -> None:
    """The stranger's own server shows the very certificate: it is known, and so refused for good."""
    reply, _ = send(probing, probing.lab.identities[EVIL], ADDRESSES[EVIL])
    assert "(name-mismatch)" in str(reply), str(reply)
    assert f"certificate is for {EVIL}" in str(reply)


def test_certificate_that_nobody_shows(probing: Product) -> None:
    """Neither the MX nor the client's own server: it stays unknown, and soon so."""
    issued = probing.lab.certificate_for(WOODGROVE)

    def is_pending() -> bool:
        # A message does not wait for the book, so what another writer keeps busy may miss one.
        reply, _ = send(probing, issued, ADDRESSES[EVIL])
        assert "(unknown-certificate)" in str(reply), str(reply)
        return issued.fingerprint in probing.command("pending").stdout

    wait_for(is_pending, "the certificate to be pending")


def test_renewed_certificate_never_seen_before(own_lab: Lab) -> None:
    """Woodgrove renews between two messages: the first one with the new certificate passes."""
    product = serving(own_lab, LISTED + PATIENT)
    # The scheduled probe of the start has seen the old one, and servers are left alone for a while then.
    product.wait_for_log(f"probed target={MAIL}")
    new = own_lab.certificate_for(WOODGROVE)
    own_lab.present(own_lab.woodgrove, new)
    reply, marks = send(product, new)
    assert reply.code == 250, str(reply)
    assert marks[0].startswith(f"pass ({WOODGROVE}; pkix; TLSv1.3)")


def test_many_first_messages_at_once(own_lab: Lab) -> None:
    """Twenty sessions with one new certificate: all pass, over two probes."""
    product = serving(own_lab, LISTED + PATIENT)
    product.wait_for_log(f"probed target={MAIL}")
    new = own_lab.certificate_for(WOODGROVE)
    own_lab.present(own_lab.woodgrove, new)
    tls = own_lab.client_context(new)
    before = product.log().count("probed target=")
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: send(product, new, tls=tls)[0], range(20)))
    assert [reply.code for reply in replies] == [250] * 20
    assert product.log().count("probed target=") - before <= 2


def test_probing_switched_off(own_lab: Lab) -> None:
    """Nobody is connected to."""
    product = serving(own_lab, LISTED + "[inbound]\nprobe = false\n")
    reply, _ = send(product, own_lab.identities[WOODGROVE])
    assert "(unknown-certificate)" in str(reply)
    assert "probed" not in product.log()
    assert "connect from" not in own_lab.woodgrove.log()


def look(lab: Lab, address: str, identity: ClientIdentity | None = None) -> ProbeResult:
    """Probe from here, inside the laboratory's network."""
    with lab.namespaces.network():
        return probe(ProbeTarget(address), identity or ClientIdentity(f"mail.{CONTOSO}"))


def test_our_certificate_is_shown_to_the_partner(lab: Lab) -> None:
    """Woodgrove's Postfix asks for it and trusts it; who we are is read from our Postfix."""
    script = (
        "from pathlib import Path\n"
        "from domain_secure.postfix.probe.client_identity import client_identity\n"
        "from domain_secure.postfix.instance.programs import PostfixInstance\n"
        "from domain_secure.postfix.probe.probe import ProbeTarget, probe\n"
        f"identity = client_identity(PostfixInstance(Path({str(lab.contoso.layout.configuration)!r})))\n"
        f"result = probe(ProbeTarget({ADDRESSES[WOODGROVE]!r}), identity)\n"
        "print(identity.helo, identity.ipv4_source)\n"
        "print(result.certificate_requested, result.failure, result.remark)"
    )
    python = Path(sys.executable)
    printed = lab.namespaces.run(python, "-P", "-c", script).stdout.strip()
    assert printed == f"mail.{CONTOSO} {ADDRESSES[CONTOSO]}\nTrue None None"
    lab.woodgrove.wait_for_log(
        rf"Trusted TLS connection established from \S*\[{ADDRESSES[CONTOSO]}\]: TLSv1.3"
    )


def test_server_without_starttls(own_lab: Lab) -> None:
    """The finding says so."""
    own_lab.woodgrove.configure(smtpd_tls_security_level="none")
    own_lab.woodgrove.reload()
    assert look(own_lab, ADDRESSES[WOODGROVE]).failure == "the server does not offer STARTTLS"


def test_ipv6(own_lab: Lab) -> None:
    """A partner's server with IPv6 alone is probed too."""
    address = "2001:db8:20::25"
    own_lab.namespaces.add_address(address)
    own_lab.woodgrove.stop()
    own_lab.woodgrove.configure(inet_protocols="all", inet_interfaces=f"{ADDRESSES[WOODGROVE]} {address}")
    own_lab.woodgrove.start()
    assert look(own_lab, address).chain[0].der == own_lab.identities[WOODGROVE].der


def tlsa(numbers: str, digest: str) -> str:
    """Return a TLSA record of Woodgrove's mail server."""
    return f"_25._tcp.{MAIL}. 300 TLSA {numbers} {digest}"


def sign(lab: Lab, *records: str) -> None:
    """Make Woodgrove's zone a signed one."""
    lab.dns.sign(
        WOODGROVE, f"{WOODGROVE}. 300 MX 10 {MAIL}.", f"{MAIL}. 300 A {ADDRESSES[WOODGROVE]}", *records
    )


def key_digest(issued: Issued) -> str:
    """Return the digest of a 3 1 1 record, by the library and not by the product."""
    key = issued.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()


DANE = LISTED + f'[partner."{WOODGROVE}"]\nmethods = ["pkix", "dane"]\n'


def test_tlsa_match_and_mismatch(own_lab: Lab) -> None:
    """A self-signed certificate passes by its key in signed DNS, and another one does not."""
    issued, stranger = (self_signed(WOODGROVE, dns_names=(WOODGROVE,), purposes=(SERVER,)) for _ in range(2))
    own_lab.present(own_lab.woodgrove, issued)
    own_lab.present(own_lab.evil, stranger)
    sign(own_lab, tlsa("3 1 1", key_digest(issued)))
    product = serving(own_lab, DANE + PATIENT)
    reply, marks = send(product, issued)
    assert reply.code == 250, str(reply)
    assert marks[0].startswith(f"pass ({WOODGROVE}; dane; TLSv1.3)")
    reply, _ = send(product, stranger, ADDRESSES[EVIL])
    assert str(reply).startswith("550 5.7.5"), str(reply)
    assert "(untrusted)" in str(reply)
    assert "matches no TLSA record" in str(reply)
    assert "resolver-not" not in product.command("check", check=False).stdout


def test_tlsa_of_an_authority(own_lab: Lab) -> None:
    """2 1 1: the chain is known from the probe, and the private authority from signed DNS alone."""
    authority = Authority.create("Woodgrove's own")
    issued = authority.issue(WOODGROVE, dns_names=(WOODGROVE,))
    shown = Issued(issued.certificate, issued.key, (authority.certificate,))
    own_lab.present(own_lab.woodgrove, shown)
    sign(own_lab, tlsa("2 1 1", key_digest(authority)))
    product = serving(own_lab, DANE + PATIENT)
    reply, marks = send(product, shown)
    assert reply.code == 250, str(reply)
    assert marks[0].startswith(f"pass ({WOODGROVE}; dane; TLSv1.3)")


def test_tlsa_without_dnssec_is_no_evidence(own_lab: Lab) -> None:
    """The same record in a zone that is not signed proves nothing."""
    issued = self_signed(WOODGROVE, dns_names=(WOODGROVE,))
    own_lab.present(own_lab.woodgrove, issued)
    own_lab.dns.add(tlsa("3 1 1", key_digest(issued)))
    product = serving(own_lab, DANE + PATIENT)
    reply, _ = send(product, issued)
    assert "(untrusted)" in str(reply), str(reply)
    assert "self-signed" in str(reply)


def test_dns_that_does_not_answer_defers(own_lab: Lab) -> None:
    """Nobody knows whether a record would match; once DNS is back, the next attempt passes."""
    issued = self_signed(WOODGROVE, dns_names=(WOODGROVE,))
    own_lab.present(own_lab.woodgrove, issued)
    sign(own_lab, tlsa("3 1 1", key_digest(issued)))
    product = serving(own_lab, DANE + "[inbound]\nprobe_timeout = 2\n")
    product.command("partner", "cert", "add", WOODGROVE, own_lab.certificate_file(issued, "self-signed"))
    own_lab.dns.stop()
    reply, _ = send(product, issued)
    assert str(reply).startswith("451 4.7.5"), str(reply)
    assert "(no-evidence)" in str(reply)
    own_lab.dns.start()

    def passes() -> bool:
        return send(product, issued)[0].code == 250

    wait_for(passes, "a message to pass once DNS is back")

"""Attach opens no relay: what strangers try, with certificates and without, ends as it did before.

Five configurations of the kind that people have, each on the same Postfix; twenty attempts on each.
"""

import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.certificates import DAY, Authority, self_signed
from lab.laboratory import AUTHORITY_FILE, CERTIFICATES, CONTOSO, EVIL, NOBODY, WOODGROVE, Lab
from lab.messages import compose
from lab.product import Product

pytestmark = pytest.mark.real

BUNDLE = CERTIFICATES / "bundle.pem"  #: of several public authorities, as a distribution has one
FINGERPRINTS = CERTIFICATES / "relay_clientcerts"
TENANTS = CERTIFICATES / "tenants"
SUBMISSION = 587
OWN, ABROAD = f"user@{CONTOSO}", f"victim@{EVIL}"


@dataclass(frozen=True)
class Attempt:
    """What a stranger tries."""

    recipient: str
    certificate: str | None = "authority"  #: None: without TLS
    sender: str = "stranger@nowhere.example"
    port: int = 25


ATTEMPTS = {
    "in the clear": Attempt(ABROAD, None),
    "own recipient in the clear": Attempt(OWN, None),
    "no certificate": Attempt(ABROAD, "none"),
    "self-signed": Attempt(ABROAD, "self-signed"),
    "of the authority": Attempt(ABROAD),
    "of a public authority": Attempt(ABROAD, "public"),
    "expired": Attempt(ABROAD, "expired"),
    "listed fingerprint": Attempt(ABROAD, "listed"),
    "own recipient": Attempt(OWN),
    "null sender": Attempt(ABROAD, sender=""),
    "listed, null sender": Attempt(ABROAD, "listed", sender=""),
    "forged own sender": Attempt(ABROAD, sender=f"postmaster@{CONTOSO}"),
    "percent hack": Attempt(f"victim%{EVIL}@{CONTOSO}"),
    "listed, percent hack": Attempt(f"victim%{EVIL}@{CONTOSO}", "listed"),
    "source route": Attempt(f"@{CONTOSO}:victim@{EVIL}"),
    "quoted": Attempt(f'"victim@{EVIL}"@{CONTOSO}'),
    "to a partner": Attempt(f"victim@{WOODGROVE}", "public"),
    "submission": Attempt(ABROAD, port=SUBMISSION),
    "submission, listed": Attempt(ABROAD, "listed", port=SUBMISSION),
    "submission, no certificate": Attempt(OWN, "none", port=SUBMISSION),
}


@dataclass(frozen=True)
class Setup:
    """What somebody's main.cf and master.cf say beyond the stock ones."""

    main: dict[str, str]
    master: str = ""
    postscreen: bool = False
    sleeps: bool = True  #: whether something acts on certificates that is not asked for


SETUPS = {
    "stock": Setup({}, sleeps=False),
    "provider's tutorial": Setup(
        {
            "smtpd_tls_CAfile": str(BUNDLE),
            "smtpd_relay_restrictions": "",
            "smtpd_recipient_restrictions": "permit_mynetworks, permit_sasl_authenticated, "
            "Permit_TLS_All_ClientCerts, reject_unauth_destination",
            "smtpd_sender_restrictions": "warn_if_reject permit_tls_clientcerts, reject_non_fqdn_sender",
        }
    ),
    "submission with certificates": Setup(
        {
            "smtpd_tls_CAfile": str(AUTHORITY_FILE),
            "relay_clientcerts": f"texthash:{FINGERPRINTS}",
            "mua_relay_restrictions": "permit_tls_clientcerts, reject",
            "common_restrictions": "permit_mynetworks, permit_tls_clientcerts",
            "smtpd_relay_restrictions": "$common_restrictions, reject_unauth_destination",
            "local_header_rewrite_clients": "permit_inet_interfaces, permit_tls_all_clientcerts",
        },
        master="submission inet n - y - - smtpd\n"
        "  -o syslog_name=postfix/submission\n"
        "  -o smtpd_tls_security_level=encrypt\n"
        "  -o smtpd_relay_restrictions=$mua_relay_restrictions\n"
        "  -o smtpd_tls_ask_ccert=yes\n",
    ),
    "containers": Setup(
        {
            "smtpd_tls_CAfile": str(BUNDLE),
            "postscreen_greet_wait": "1s",
            "smtpd_restriction_classes": "certificate_relays",
            "certificate_relays": "permit_tls_all_clientcerts",
            "smtpd_client_restrictions": "permit_mynetworks, reject_unauth_pipelining",
            "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, "
            "check_client_access cidr:{{203.0.113.0/24 certificate_relays}}, defer_unauth_destination",
            "smtpd_milters": "inet:127.0.0.1:11332",
            "milter_default_action": "accept",
            "milter_mail_macros": "i {mail_addr} {client_addr} {client_name} {cert_subject}",
        },
        postscreen=True,
    ),
    "many tenants": Setup(
        {
            "smtpd_tls_CApath": str(CERTIFICATES),
            "relay_clientcerts": f"texthash:{FINGERPRINTS}",
            "smtpd_restriction_classes": "tenant_a, tenant_b",
            "tenant_a": "permit_tls_clientcerts, reject_unauth_destination",
            "tenant_b": f"check_ccert_access texthash:{FINGERPRINTS}, reject_unauth_destination",
            "smtpd_relay_restrictions": f"permit_mynetworks, check_recipient_access texthash:{TENANTS}, "
            "reject_unauth_destination",
            "smtpd_etrn_restrictions": "permit_tls_all_clientcerts, reject",
        }
    ),
}


@pytest.fixture(scope="module")
def serving(lab: Lab) -> Product:
    """The product with Woodgrove on both lists, serving, not attached; what strangers show lies ready."""
    product = Product(lab)
    product.command("receive", "add", WOODGROVE)
    product.command("send", "add", WOODGROVE)
    product.command("generate")
    product.serve()
    return product


@pytest.fixture(scope="module")
def contexts(lab: Lab) -> dict[str, ssl.SSLContext]:
    """The ways in which strangers do TLS, by name; files that the configurations name are written, too."""
    public = [Authority.create(f"Public Root {number}") for number in range(3)]
    roots = [lab.authority.certificate_pem, *(root.certificate_pem for root in public)]
    lab.namespaces.outside(BUNDLE).write_bytes(b"".join(roots))
    now = datetime.now(UTC)
    shown = {
        "none": None,
        "self-signed": self_signed("stranger.example", dns_names=["stranger.example"]),
        "authority": lab.authority.issue("stranger.example", dns_names=["stranger.example"]),
        "public": public[1].issue("stranger.example", dns_names=["stranger.example"]),
        "expired": lab.authority.issue("old.example", not_before=now - 9 * DAY, not_after=now - DAY),
        "listed": self_signed("laptop.example"),
    }
    listed = shown["listed"]
    assert listed is not None
    digits = re.findall("..", listed.fingerprint.upper())
    lab.namespaces.outside(FINGERPRINTS).write_text(f"{':'.join(digits)} OK\n")
    lab.namespaces.outside(TENANTS).write_text(f"{EVIL} tenant_a\nvictim@{WOODGROVE} tenant_b\n")
    return {name: lab.client_context(issued) for name, issued in shown.items()}


@pytest.fixture
def files(serving: Product) -> Iterator[list[Path]]:
    """main.cf and master.cf of Contoso in a state that is given back, with nothing left to be delivered."""
    contoso = serving.lab.contoso
    folder = contoso.outside(contoso.layout.configuration)
    paths = [folder / "main.cf", folder / "master.cf"]
    before = [path.read_bytes() for path in paths]
    yield paths
    for path, content in zip(paths, before, strict=True):
        path.write_bytes(content)
        os.utime(path, (0, 0))  # Postfix waits until a file is two seconds old
    serving.lab.namespaces.run("postsuper", "-c", contoso.layout.configuration, "-d", "ALL")


def install(serving: Product, setup: Setup, files: list[Path]) -> None:
    """Give Contoso a configuration; what it accepts for others stays in the queue."""
    contoso = serving.lab.contoso
    master = files[1]
    text = master.read_text() + setup.master
    if setup.postscreen:
        text = re.sub(r"(?m)^(smtp +inet .*)smtpd$", r"\1postscreen", text)
        text = re.sub(r"(?m)^(smtp +inet\s+n\s+-\s+y\s+-\s+)-", r"\g<1>1", text)
        text += (
            "smtpd pass - - y - - smtpd\ntlsproxy unix - - y - 0 tlsproxy\ndnsblog unix - - y - 0 dnsblog\n"
        )
    master.write_text(text)
    contoso.configure(defer_transports="smtp, domain-secure", **setup.main)
    contoso.reload()


def outcomes(lab: Lab, contexts: dict[str, ssl.SSLContext]) -> dict[str, int]:
    """Return the code of the reply that decides about each attempt; 0 where nobody listens."""
    return {name: outcome(lab, attempt, contexts) for name, attempt in ATTEMPTS.items()}


def outcome(lab: Lab, attempt: Attempt, contexts: dict[str, ssl.SSLContext]) -> int:
    """Return the code of the reply that decides about one attempt."""
    message = compose(attempt.sender or f"mailer-daemon@{EVIL}", OWN)
    try:
        dialogue = lab.connect(lab.contoso, NOBODY, port=attempt.port)
    except ConnectionRefusedError:
        return 0
    with dialogue:
        if attempt.certificate is not None:
            dialogue.starttls(contexts[attempt.certificate])
        reply = dialogue.message(attempt.sender, attempt.recipient, message.content)
        dialogue.quit()
    return reply.code


def accepted(found: dict[str, int]) -> set[str]:
    """Return the attempts that came through."""
    return {name for name, code in found.items() if 0 < code < 400}


@pytest.mark.parametrize("name", list(SETUPS))
def test_not_one_more_is_accepted(
    serving: Product, contexts: dict[str, ssl.SSLContext], files: list[Path], name: str
) -> None:
    """Each attempt gets the same answer before, while attached and after; detach gives the bytes back."""
    setup, contoso = SETUPS[name], serving.lab.contoso
    install(serving, setup, files)
    before, bytes_before = outcomes(serving.lab, contexts), [path.read_bytes() for path in files]
    done = serving.attach()
    assert ("goes on without" in done.stdout) == setup.sleeps
    assert outcomes(serving.lab, contexts) == before
    assert "nothing to do" in serving.command("attach").stdout
    serving.detach()
    assert [path.read_bytes() for path in files] == bytes_before
    if setup.sleeps:
        # What slept can be awakened: the attempts above are such that would have come through.
        contoso.configure(smtpd_tls_ask_ccert="yes")
        contoso.reload()
        awakened = outcomes(serving.lab, contexts)
        assert accepted(awakened) > accepted(before)
        done = serving.attach()
        assert "goes on without" not in done.stdout
        assert outcomes(serving.lab, contexts) == awakened

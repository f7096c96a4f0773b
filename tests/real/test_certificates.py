"""One certificate after the other, through real Postfix: each has its verdict.

Here is what a certificate says by itself.  What others say of it is in ``test_revocation`` (revoked, lists
out of date), ``test_probe`` (renewed and never seen, TLSA) and ``test_inbound`` (pinned).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from lab.certificates import CLIENT, DAY, SERVER, Authority, Issued, self_signed
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE, Lab
from lab.messages import compose, header_lines
from lab.product import Product

pytestmark = pytest.mark.real

SENDER, RECIPIENT = f"admin@{WOODGROVE}", f"user@{CONTOSO}"
LISTS = f'[receive]\ndomains = ["{WOODGROVE}"]\n[inbound]\nprobe = false\n'
MAIL = f"mail.{WOODGROVE}"
NOW = datetime.now(UTC)
SUBJECT_ALTERNATIVE_NAME = ExtensionOID.SUBJECT_ALTERNATIVE_NAME


@dataclass(frozen=True)
class Case:
    """A certificate, what is set in the table *trust*, and what becomes of a message."""

    issue: Callable[[Authority], Issued]
    verdict: str  #: ``pass``, or the word in the reply
    trust: str = ""
    says: str = ""  #: also in the reply


def _below(authority: Authority) -> Issued:
    return authority.authority("Laboratory Intermediate").issue(MAIL, dns_names=(MAIL,))


def _without_chain(authority: Authority) -> Issued:
    issued = _below(authority)
    return Issued(issued.certificate, issued.key)


def _with_unknown_critical_extension(authority: Authority) -> Issued:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    return authority.issue(MAIL, dns_names=(MAIL,), extensions=((unknown, True),))


def _many_names(authority: Authority) -> Issued:
    names = [f"host{number}.{EVIL}" for number in range(3000)]
    return authority.issue(EVIL, dns_names=names)


def _named(octets: bytes) -> Callable[[Authority], Issued]:
    """Issue for a dNSName that no library would take: GeneralNames with one entry, [2], of these octets."""
    name = bytes((0x82, len(octets))) + octets
    names = x509.UnrecognizedExtension(SUBJECT_ALTERNATIVE_NAME, bytes((0x30, len(name))) + name)
    return lambda authority: authority.issue(WOODGROVE, extensions=((names, False),))


WITHOUT_SAN = 'common_name = "without-san"'
NEEDS_CLIENT = 'client_purpose = "require"'
CASES = {
    "both names, both purposes": Case(lambda a: a.issue(MAIL, dns_names=(MAIL,)), "pass"),
    "names only, empty subject": Case(lambda a: a.issue(None, dns_names=(WOODGROVE,)), "pass"),
    "wildcard": Case(lambda a: a.issue(None, dns_names=(f"*.{WOODGROVE}",)), "pass"),
    "wildcard over a public suffix": Case(lambda a: a.issue(None, dns_names=("*.test",)), "name-mismatch"),
    "server purpose, accepted": Case(lambda a: a.issue(MAIL, dns_names=(MAIL,), purposes=(SERVER,)), "pass"),
    "intermediate sent along": Case(_below, "pass"),
    "intermediate missing": Case(_without_chain, "unknown-certificate", says="please retry"),
    "common name only": Case(
        lambda a: a.issue(WOODGROVE),
        "name-mismatch",
        says="its common name woodgrovebank.test is not looked at",
    ),
    "stranger with the partner's common name": Case(
        lambda a: a.issue(WOODGROVE, dns_names=(EVIL,)), "name-mismatch", says=f"certificate is for {EVIL}"
    ),
    "other authority": Case(
        lambda _: Authority.create("Laboratory Authority").issue(MAIL, dns_names=(MAIL,)), "untrusted"
    ),
    "self-signed": Case(lambda _: self_signed(MAIL, dns_names=(MAIL,)), "untrusted"),
    "expired": Case(
        lambda a: a.issue(MAIL, dns_names=(MAIL,), not_before=NOW - 9 * DAY, not_after=NOW - DAY), "expired"
    ),
    "not yet valid": Case(lambda a: a.issue(MAIL, dns_names=(MAIL,), not_before=NOW + DAY), "expired"),
    "valid in a moment": Case(
        lambda a: a.issue(MAIL, dns_names=(MAIL,), not_before=datetime.now(UTC) + timedelta(minutes=9)),
        "dates-unknown",
        says="and the receiving side's clock says",
    ),
    "year 9999": Case(
        lambda a: a.issue(MAIL, dns_names=(MAIL,), not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        "pass",
    ),
    "short key": Case(lambda a: a.issue(MAIL, dns_names=(MAIL,), key="rsa1024"), "untrusted"),
    "unknown critical extension": Case(_with_unknown_critical_extension, "untrusted"),
    "three thousand names": Case(_many_names, "name-mismatch", says="and 2997 more"),
    "NUL in its name": Case(_named(WOODGROVE.encode() + b"\0.evil.test"), "name-mismatch"),
    "octets that are not UTF-8": Case(_named(WOODGROVE.encode() + b"\xff"), "untrusted"),
    "common name, allowed": Case(lambda a: a.issue(WOODGROVE), "pass", WITHOUT_SAN),
    "common name beside others, allowed": Case(
        lambda a: a.issue(WOODGROVE, dns_names=(EVIL,)), "name-mismatch", WITHOUT_SAN
    ),
    "server purpose, refused": Case(
        lambda a: a.issue(MAIL, dns_names=(MAIL,), purposes=(SERVER,)), "untrusted", NEEDS_CLIENT
    ),
    "client purpose": Case(
        lambda a: a.issue(MAIL, dns_names=(MAIL,), purposes=(CLIENT,)), "pass", NEEDS_CLIENT
    ),
}


@pytest.fixture(scope="module")
def judging(lab: Lab) -> Product:
    """The product with Woodgrove listed, and nothing known but what is imported."""
    product = Product(lab)
    product.configure(LISTS)
    product.attach()
    product.serve()
    return product


_in_force = {"trust": ""}


@pytest.mark.parametrize("name", CASES)
def test_certificate(judging: Product, name: str) -> None:
    """The verdict that the session ends in, whatever Postfix itself calls the certificate."""
    case, lab = CASES[name], judging.lab
    if case.trust != _in_force["trust"]:
        judging.reconfigure(LISTS, trust=case.trust)
        _in_force["trust"] = case.trust
    issued = case.issue(lab.authority)
    file = lab.certificate_file(issued, f"case-{issued.fingerprint[:16]}")
    judging.command("partner", "cert", "add", WOODGROVE, file)
    message = compose(SENDER, RECIPIENT)
    reply = lab.send(
        lab.contoso,
        message,
        source=ADDRESSES[WOODGROVE],
        sender=SENDER,
        recipient=RECIPIENT,
        # OpenSSL itself would not show a short key.
        tls=lab.client_context(issued, ciphers="DEFAULT:@SECLEVEL=0"),
    )
    if case.verdict == "pass":
        assert reply.code == 250, str(reply)
        (mark,) = header_lines(lab.contoso.wait_for_delivery(message.mark), "X-Domain-Secure")
        assert mark.startswith(f"pass ({WOODGROVE}; pkix; TLSv1.3)")
    else:
        temporary = case.verdict in {"dates-unknown", "unknown-certificate"}
        status = "451 4.7.5" if temporary else "550 5.7.5"
        assert str(reply).startswith(f"{status} {WOODGROVE}: "), str(reply)
        assert f"({case.verdict})" in str(reply)
        assert case.says in str(reply)

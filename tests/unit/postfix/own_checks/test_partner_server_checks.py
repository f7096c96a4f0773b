"""What the doctor says of what partners' servers showed when they were probed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from configurations import make_configuration, make_partner

from domain_secure.policy.book.certificate_book import FILE_NAME, IMPORT, CertificateBook
from domain_secure.policy.certificates.certificate import parse, read_certificates
from domain_secure.policy.certificates.gateways import RECIPES
from domain_secure.policy.configuration.configuration import Condition, Configuration, Method, SendMethod
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaRecord
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.nexthop import Nexthop
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.own_checks.partner_server_checks import check_partner_servers

from lab.certificates import DAY, Authority, Issued, self_signed
from unit.policy.own_files import now

ROOT, OTHER = Authority.create("Root"), Authority.create("Other Root")
WOODGROVE = Entry("woodgrovebank.test")
HOST = "mail.woodgrovebank.test"
MX = f"{HOST}[192.0.2.1]"
OUTLOOK = "woodgrovebank-test.mail.protection.outlook.com[192.0.2.2]"
SHARED = "*.mail.protection.outlook.com"
NO_RECORDS = TlsaAnswer()
REFUSED = ["partner-server-refused", "partner-certificate-refused"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a state folder, beside the authority's file."""
    (tmp_path / "ca.pem").write_bytes(ROOT.certificate_pem)
    return tmp_path


def configured(folder: Path, **rule: Any) -> Configuration:
    """Return a configuration with one partner on both lists."""
    listed = DomainList.of(WOODGROVE)
    plain = make_configuration(
        folder, receive=listed, send=listed, partners={WOODGROVE: make_partner(WOODGROVE, **rule)}
    )
    return replace(plain, trust=replace(plain.trust, ca_file=folder / "ca.pem"))


def show(folder: Path, issued: Issued, target: str = MX, ago: timedelta = timedelta(0)) -> None:
    """Put what a server showed into the book."""
    book = CertificateBook(folder / FILE_NAME)
    book.add(read_certificates(issued.pem()), f"probe {target}", WOODGROVE, now() - ago)
    book.close()


def found(configuration: Configuration, answer: TlsaAnswer = NO_RECORDS) -> list[Finding]:
    """Return what is found now, where DNS says *answer* of TLSA records."""
    return list(check_partner_servers(configuration, now(), lambda _: answer))


def words(*arguments: Any) -> list[str]:
    """Return the words of what is found."""
    return [one.word for one in found(*arguments)]


def test_nothing_shown(folder: Path) -> None:
    """Without a probe there is nothing to say."""
    assert found(configured(folder)) == []


def test_renewed_by_another_authority(folder: Path) -> None:
    """What the servers show now counts, and not what they showed before."""
    show(folder, ROOT.issue(HOST, dns_names=[HOST]), ago=2 * DAY)
    assert found(configured(folder)) == []
    show(folder, OTHER.issue(HOST, dns_names=[HOST]))
    sending, receiving = found(configured(folder))
    assert [sending.word, receiving.word] == REFUSED
    assert sending.what.startswith("mail to woodgrovebank.test waits: ")
    assert MX in sending.proof
    assert "domain-secure probe woodgrovebank.test" in sending.fix
    assert "the certificate of its issuer, CN=Other Root" in receiving.fix
    assert "partner pin" not in receiving.fix


def test_another_server_is_good(folder: Path) -> None:
    """Postfix takes the next server."""
    show(folder, OTHER.issue(HOST, dns_names=[HOST]))
    show(
        folder, ROOT.issue(HOST, dns_names=[HOST]), "mx2.woodgrovebank.test[192.0.2.3]", timedelta(minutes=1)
    )
    assert found(configured(folder)) == []


def test_server_that_is_one_no_longer(folder: Path) -> None:
    """A host that was seen long before the others excuses nothing, nor one from before a probe of now."""
    good = ROOT.issue(HOST, dns_names=[HOST])
    show(folder, good, "old.woodgrovebank.test[192.0.2.3]", timedelta(hours=1))
    show(folder, OTHER.issue(HOST, dns_names=[HOST]))
    rule = configured(folder)
    assert words(rule) == REFUSED
    show(folder, good, "old.woodgrovebank.test[192.0.2.3]", timedelta(minutes=1))
    assert words(rule) == []
    probed = now() - timedelta(seconds=5)
    told = check_partner_servers(rule, now(), lambda _: NO_RECORDS, Domain(WOODGROVE), probed)
    assert [one.word for one in told] == REFUSED


def test_client_that_was_probed_back_is_no_server(folder: Path) -> None:
    """What stands behind an address alone is no server of the partner's."""
    show(folder, OTHER.issue(HOST, dns_names=[HOST]), "[192.0.2.9]")
    assert found(configured(folder)) == []


def test_gateway_is_known(folder: Path) -> None:
    """By the names of its MX hosts a gateway is told, with its recipe; by the recipe nothing is left."""
    show(folder, ROOT.issue(None, dns_names=[SHARED]), OUTLOOK)
    sending, receiving = found(configured(folder))
    assert "Microsoft Exchange Online" in sending.what
    assert "partner set woodgrovebank.test gateway=exchange-online" in sending.fix
    assert "partner set woodgrovebank.test gateway=exchange-online" in receiving.fix
    recipe = RECIPES["exchange-online"]
    names = {"receive_names": recipe.receive_names, "send_names": recipe.send_names}
    assert found(configured(folder, **names, require=(Condition.DKIM,))) == []


def test_partner_that_sends_past_its_gateway(folder: Path) -> None:
    """Where its own certificate was imported, what the gateway shows is not what it sends with."""
    show(folder, ROOT.issue(None, dns_names=[SHARED]), OUTLOOK)
    book = CertificateBook(folder / FILE_NAME)
    for authority in (OTHER, ROOT, OTHER):
        own = read_certificates(authority.issue(HOST, dns_names=[HOST]).pem())
        book.add(own, IMPORT, WOODGROVE, now())
    book.close()
    assert words(configured(folder, send_names=RECIPES["exchange-online"].send_names)) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"send_method": SendMethod.DANE}, REFUSED[1:]),
        ({"via": Nexthop.parse("[relay.test]")}, REFUSED[1:]),
        ({"receive_names": (Domain("other.test"),)}, REFUSED[:1]),
        ({"methods": (Method.POSTFIX,)}, REFUSED[:1]),
        ({"methods": (Method.PIN,)}, REFUSED[:1]),
    ],
    ids=["by TLSA", "by a relay", "other names", "Postfix judges", "nothing set up"],
)
def test_rules_that_ask_for_something_else(folder: Path, rule: dict[str, Any], expected: list[str]) -> None:
    """Where the certificates of the servers decide nothing, nothing is said."""
    show(folder, OTHER.issue(HOST, dns_names=[HOST]))
    assert words(configured(folder, **rule)) == expected


def test_pinned_partner_that_changed_its_key(folder: Path) -> None:
    """A certificate that is not the pinned one is refused both ways; a pin of its key settles it."""
    former, renewed = self_signed(HOST, dns_names=[HOST]), self_signed(HOST, dns_names=[HOST])
    pins = frozenset({parse(former.der).public_key_pin})
    rule = {"pins": pins, "methods": (Method.PIN,), "send_method": SendMethod.PIN}
    show(folder, former, ago=2 * DAY)
    assert found(configured(folder, **rule)) == []
    show(folder, renewed)
    sending, receiving = found(configured(folder, **rule))
    assert [sending.word, receiving.word] == REFUSED
    assert f"partner pin woodgrovebank.test {parse(renewed.der).public_key_pin}" in receiving.fix


def test_tlsa_records_are_asked_where_they_decide(folder: Path) -> None:
    """A record that matches vouches for a certificate of nobody; while nobody knows, that is said."""
    issued = self_signed(HOST, dns_names=[HOST])
    show(folder, issued)
    rule = configured(folder, send_method=SendMethod.DANE)
    digest = bytes.fromhex(parse(issued.der).public_key_pin.digest)
    record = TlsaRecord.of(3, 1, 1, digest)
    assert record is not None
    assert found(rule, TlsaAnswer(frozenset({record}))) == []
    assert words(rule) == REFUSED[1:]
    assert words(rule, TlsaAnswer(failures=("no answer",))) == ["not-looked-at"]


def test_only_one_domain(folder: Path) -> None:
    """About one listed domain nothing is said of others."""
    show(folder, OTHER.issue(HOST, dns_names=[HOST]))
    about = Domain("fabrikam.test")
    assert list(check_partner_servers(configured(folder), now(), lambda _: TlsaAnswer(), about)) == []

"""What the doctor says where Postfix believes what is distrusted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from configurations import make_configuration

from domain_secure.policy.book.certificate_book import FILE_NAME, PROBE, CertificateBook
from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.configuration.configuration import Configuration, SendMethod, default_partner
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.own_checks.distrust_checks import check_distrusted

from lab.certificates import DAY, Authority
from unit.policy.own_files import now

WOODGROVE = Entry("woodgrovebank.test")
ROOT = Authority.create("Root")
SUB = ROOT.authority("Sub")
OLD, NEW = (parse(SUB.issue(f"mx.{WOODGROVE}").der) for _ in range(2))
CHAIN = (OLD, parse(SUB.der))


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """A configuration that sends to a partner, whose server was probed."""
    (tmp_path / "ca.pem").write_bytes(ROOT.certificate_pem)
    plain = make_configuration(tmp_path, send=DomainList.of(WOODGROVE))
    book = CertificateBook(tmp_path / FILE_NAME)
    book.add(CHAIN, f"{PROBE} mx", WOODGROVE, now() - DAY)
    book.close()
    return replace(plain, trust=replace(plain.trust, ca_file=tmp_path / "ca.pem"))


def found(configuration: Configuration, which: str, **rule: Any) -> list[str]:
    """Return what is found where something is distrusted."""
    pins = {
        "certificate": OLD.certificate_pin,
        "key": OLD.public_key_pin,
        "intermediate": parse(SUB.der).certificate_pin,
        "anchor": parse(ROOT.der).certificate_pin,
    }
    partner = replace(default_partner(WOODGROVE, configuration.mode), **rule)
    trust = replace(configuration.trust, distrusted=frozenset({pins[which]}))
    asked = replace(configuration, trust=trust, partners={WOODGROVE: partner})
    return [one.word for one in check_distrusted(asked, now())]


@pytest.mark.parametrize(
    ("which", "is_told"), [("certificate", True), ("key", True), ("intermediate", True), ("anchor", False)]
)
def test_by_authority(configuration: Configuration, which: str, *, is_told: bool) -> None:
    """An anchor is left out of what Postfix is given; of what is below it, it cannot be told."""
    assert found(configuration, which) == (["distrusted-when-sending"] if is_told else [])


def test_by_pin_and_by_dane(configuration: Configuration) -> None:
    """A pin that is distrusted is left out, and another of the same certificate is believed; DANE may be."""
    by_pin = {"send_method": SendMethod.PIN, "pins": frozenset({OLD.certificate_pin})}
    assert found(configuration, "certificate", **by_pin) == []
    assert found(configuration, "key", **by_pin) == ["distrusted-when-sending"]
    assert found(configuration, "certificate", send_method=SendMethod.DANE) == ["distrusted-when-sending"]


def test_what_a_server_shows_no_more(configuration: Configuration) -> None:
    """Its last certificate counts; that of another partner, or of nobody listed, does not."""
    book = CertificateBook(configuration.state / FILE_NAME)
    book.add((NEW, parse(SUB.der)), f"{PROBE} mx", WOODGROVE, now())
    book.add(CHAIN, f"{PROBE} elsewhere", Entry("other.test"), now())
    book.close()
    assert found(configuration, "certificate") == []
    assert found(configuration, "intermediate") == ["distrusted-when-sending"]

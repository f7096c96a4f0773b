"""Whether the resolver is good enough for DANE."""

import pytest
from configurations import make_configuration, make_partner

from domain_secure.policy.configuration.configuration import Configuration, Method, SendMethod
from domain_secure.policy.terms.domain import Entry
from domain_secure.postfix.findings.findings import Severity
from domain_secure.postfix.mail_checks.resolver_checks import check_resolver

from unit.postfix.dns_answers import found, zone

WOODGROVE = Entry("woodgrovebank.test")
LOCAL = ("127.0.0.1",)
SIGNED_ROOT = zone({(".", "DNSKEY"): found("DNSKEY", "257 3 13 AAAA")}, secure=False)
SIGNED_PARTNER = zone({(WOODGROVE, "MX"): found("MX", "10 mail.woodgrovebank.test.")}, secure=False)
UNSIGNED = zone({}, secure=False)


def rules(**changes: object) -> Configuration:
    """Return a configuration with one partner."""
    return make_configuration(partners={WOODGROVE: make_partner(WOODGROVE, **changes)})


BY_DANE = rules(methods=(Method.PKIX, Method.DANE))


@pytest.mark.parametrize("lookup", [SIGNED_ROOT, SIGNED_PARTNER])
def test_validating_resolver(lookup: object) -> None:
    """By the root's anchor, or by one of the partner's own zone."""
    assert list(check_resolver(BY_DANE, lookup, LOCAL)) == []  # type: ignore[arg-type]


def test_resolver_that_does_not_validate() -> None:
    """Nothing is authenticated."""
    (finding,) = check_resolver(BY_DANE, UNSIGNED, LOCAL)
    assert finding.word == "resolver-not-validating"
    (finding,) = check_resolver(rules(send_method=SendMethod.DANE), UNSIGNED, LOCAL)
    assert finding.word == "resolver-not-validating"


@pytest.mark.parametrize("servers", [("192.0.2.53",), ("127.0.0.1", "192.0.2.53"), ()])
def test_resolver_elsewhere(servers: tuple[str, ...]) -> None:
    """What it says of DNSSEC is not asked for."""
    (finding,) = check_resolver(BY_DANE, SIGNED_ROOT, servers)
    assert finding.word == "resolver-not-local"


def test_nobody_chose_dane() -> None:
    """Among the default methods it is a chance, and its absence no fault."""
    assert list(check_resolver(rules(), UNSIGNED, ())) == []
    assert list(check_resolver(make_configuration(), UNSIGNED, ())) == []


RECORD = {
    (WOODGROVE, "MX"): found("MX", "10 mail.woodgrovebank.test."),
    ("mail.woodgrovebank.test", "A"): found("A", "198.51.100.20"),
    ("_25._tcp.mail.woodgrovebank.test", "TLSA"): found("TLSA", f"3 1 1 {'ab' * 32}"),
}


@pytest.mark.parametrize("methods", [(Method.DANE,), (Method.PIN, Method.DANE)])
def test_dane_alone_needs_a_record(methods: tuple[Method, ...]) -> None:
    """Where nothing else can prove the partner, missing records are an error before the first message."""
    without = {key: answer for key, answer in RECORD.items() if key[1] != "TLSA"}
    (finding,) = check_resolver(rules(methods=methods), zone(without), LOCAL)
    assert (finding.word, finding.severity) == ("no-tlsa", Severity.ERROR)
    assert list(check_resolver(rules(methods=methods), zone(RECORD), LOCAL)) == []
    assert list(check_resolver(rules(methods=(*methods, Method.PKIX)), zone(without), LOCAL)) == []

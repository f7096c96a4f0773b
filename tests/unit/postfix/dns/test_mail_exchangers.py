"""Mail servers from DNS answers."""

import pytest
from configurations import make_partner

from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.postfix.dns.dns_lookup import Lookup, LookupStatus, is_trusted
from domain_secure.postfix.dns.mail_exchangers import (
    ADDRESSES_LIMIT,
    HOSTS_LIMIT,
    exchange_names,
    is_probeable,
    mail_domains,
    mail_exchangers,
)

from unit.postfix.dns_answers import failed, found, zone

WOODGROVE = Domain("woodgrovebank.test")


def test_hosts_stand_in_order_of_preference() -> None:
    """Lower numbers first, equal ones by name, no host twice."""
    mx = found("MX", "20 b.test.", "10 Z.test.", "10 a.test.", "30 a.test.")
    assert exchange_names(WOODGROVE, mx) == ("a.test", "z.test", "b.test")


@pytest.mark.parametrize(
    ("mx", "names"),
    [
        (Lookup(LookupStatus.NONE), (WOODGROVE,)),
        (found("MX", "0 ."), ()),
        (found("MX", "10 bad\\000name.test.", "20 good.test."), ("good.test",)),
    ],
)
def test_without_mx_and_with_none(mx: Lookup, names: tuple[str, ...]) -> None:
    """Implicit MX, null MX, and names that are none."""
    assert exchange_names(WOODGROVE, mx) == names


def test_both_address_families_are_found() -> None:
    """Each host with IPv4 before IPv6; addresses of this machine are left out."""
    lookup = zone(
        {
            (WOODGROVE, "MX"): found("MX", "10 mx1.test.", "20 mx2.test."),
            ("mx1.test", "A"): found("A", "192.0.2.1", "127.0.0.1"),
            ("mx1.test", "AAAA"): found("AAAA", "2001:db8::1", "::1"),
        }
    )
    exchangers = mail_exchangers(WOODGROVE, lookup)
    assert [(host.name, host.addresses) for host in exchangers.hosts] == [
        ("mx1.test", ("192.0.2.1", "2001:db8::1"))
    ]
    assert exchangers.failures == ()


def test_failures_are_told_and_hide_nothing() -> None:
    """What was found is used; a failed MX look-up never means implicit MX."""
    lookup = zone(
        {
            (WOODGROVE, "MX"): found("MX", "10 mx1.test."),
            ("mx1.test", "A"): found("A", "192.0.2.1"),
            ("mx1.test", "AAAA"): failed(),
        }
    )
    exchangers = mail_exchangers(WOODGROVE, lookup)
    assert exchangers.hosts[0].addresses == ("192.0.2.1",)
    assert exchangers.failures == ("SERVFAIL",)
    assert mail_exchangers(WOODGROVE, zone({(WOODGROVE, "MX"): failed()})).hosts == ()


def test_a_zone_full_of_hosts_is_cut_short() -> None:
    """No partner can make us probe more than a few dozen addresses."""
    many = [f"10 mx{number:03}.test." for number in range(100)]
    answers = {(WOODGROVE, "MX"): found("MX", *many)}
    for number in range(100):
        answers[f"mx{number:03}.test", "A"] = found("A", *(f"192.0.2.{last}" for last in range(100)))
    exchangers = mail_exchangers(WOODGROVE, zone(answers))
    assert len(exchangers.hosts) == HOSTS_LIMIT
    assert all(len(host.addresses) == ADDRESSES_LIMIT for host in exchangers.hosts)


def test_domains_of_a_partner() -> None:
    """The list entry's own, its certificate names, and the MX hosts of its rule; none twice."""
    partner = make_partner("*.fabrikam.test", names=("fabrikam.test", "gw.test"), mx=("mx.provider.test",))
    assert mail_domains(Entry("a.fabrikam.test"), partner) == (
        "a.fabrikam.test",
        "fabrikam.test",
        "gw.test",
        "mx.provider.test",
    )


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", True),
        ("10.0.0.1", True),
        ("fd00::1", True),
        ("64:ff9b::192.0.2.1", True),
        ("127.0.0.2", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("::", False),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_addresses_that_may_be_probed(address: str, expected: bool) -> None:
    """Private networks may; this machine, groups and texts that are no address may not."""
    assert is_probeable(address) is expected


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        (("127.0.0.1",), True),
        (("::1", "127.0.0.53"), True),
        (("127.0.0.1", "192.0.2.53"), False),
        (("https://dns.test/dns-query",), False),
        ((), False),
    ],
)
def test_only_resolvers_of_this_machine_are_believed(servers: tuple[str, ...], expected: bool) -> None:
    """One foreign server among them is enough not to."""
    assert is_trusted(servers) is expected

"""The lines of Postfix's lookup tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from configurations import make_configuration, make_partner
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.bypass.bypass import Bypass
from domain_secure.policy.configuration.configuration import Configuration, SendMethod
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Domain, Entry, parse_domain
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.nexthop import Nexthop
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.timed_pin import TimedPin
from domain_secure.policy.terms.tls import TlsVersion
from domain_secure.postfix.tables.tables import (
    Dialect,
    Table,
    choose_map_type,
    keys_of,
    lines_of,
    policy_of,
    spellings,
)

STOCK = Dialect(True, frozenset({"debug_peer_list", "smtpd_access_maps"}))
STRICT = Dialect(True, frozenset())
AB, ZERO_ONE = (":".join([octet] * 32) for octet in ("AB", "01"))
OLD = Dialect(False, frozenset())


@pytest.mark.parametrize(
    ("entry", "keys"),
    [
        ("woodgrovebank.test", ("woodgrovebank.test",)),
        ("*.fabrikam.com", (".fabrikam.com",)),
        ("xn--bcher-kva.test", ("xn--bcher-kva.test", "bücher.test")),
        ("*.xn--bcher-kva.test", (".xn--bcher-kva.test", ".bücher.test")),
        ("xn--.test", ("xn--.test",)),
    ],
)
def test_keys(entry: str, keys: tuple[str, ...]) -> None:
    """An entry has a key for each spelling Postfix may look up."""
    assert keys_of(Entry(entry)) == keys


@pytest.mark.parametrize(
    ("changes", "policy"),
    [
        ({}, "secure match=a.test:.a.test protocols=>=TLSv1.2 ciphers=high"),
        (
            {"names": (Domain("a.test"), Domain("b.test"))},
            "secure match=a.test:.a.test:b.test:.b.test protocols=>=TLSv1.2 ciphers=high",
        ),
        ({"mx": (Domain("mx.b.test"),)}, "secure match=mx.b.test protocols=>=TLSv1.2 ciphers=high"),
        (
            {"send_names": (Domain("b.test"),), "receive_names": (Domain("c.test"),)},
            "secure match=b.test:.b.test protocols=>=TLSv1.2 ciphers=high",
        ),
        (
            {"send_names": (Domain("b.test"),), "mx": (Domain("mx.b.test"),)},
            "secure match=mx.b.test protocols=>=TLSv1.2 ciphers=high",
        ),
        (
            {"minimum_tls": TlsVersion.TLS_1_3},
            "secure match=a.test:.a.test protocols=>=TLSv1.3 ciphers=high",
        ),
        ({"send_method": SendMethod.DANE}, "dane-only protocols=>=TLSv1.2 ciphers=high"),
        (
            {
                "send_method": SendMethod.PIN,
                "pins": frozenset({Pin.certificate("ab" * 32), Pin.public_key("01" * 32)}),
            },
            f"fingerprint match={AB}|{ZERO_ONE} protocols=>=TLSv1.2 ciphers=high",
        ),
    ],
)
def test_policy(changes: dict[str, Any], policy: str) -> None:
    """Each way of verifying the partner's server has its level and attributes."""
    assert policy_of(make_partner("a.test", **changes), STOCK) == policy


def test_policy_with_a_name_and_authorities_of_its_own() -> None:
    """SNI at every level; authorities where these are asked."""
    file = Path("/etc/partner.pem")
    dialect = replace(STOCK, authorities={file: "/domain-secure/authorities/x.pem"})
    partner = make_partner("a.test", servername=Domain("mx.a.test"), send_ca_file=file)
    assert policy_of(partner, dialect) == (
        "secure match=a.test:.a.test protocols=>=TLSv1.2 ciphers=high servername=mx.a.test"
        " tafile=/domain-secure/authorities/x.pem"
    )
    dane = replace(partner, send_method=SendMethod.DANE)
    assert policy_of(dane, dialect) == "dane-only protocols=>=TLSv1.2 ciphers=high servername=mx.a.test"


def with_relays(*relays: tuple[str, str], listed: tuple[str, ...] = (), **changes: Any) -> Configuration:
    """Return a configuration in which each of the domains is reached by a relay."""
    partners = {
        Entry(entry): make_partner(entry, via=Nexthop.parse(relay), **changes) for entry, relay in relays
    }
    return make_configuration(send=DomainList.of(*partners, *listed), partners=partners)


def test_relay_has_the_policy_and_the_route() -> None:
    """Postfix looks the relay up as it is written, brackets and port included."""
    configuration = with_relays(("*.a.test", "[mx.a.test]:2525"))
    policy = "secure match=a.test:.a.test protocols=>=TLSv1.2 ciphers=high"
    assert list(lines_of(Table.TLS_POLICY, configuration, STOCK)) == [
        f".a.test\t{policy}",
        f"[mx.a.test]:2525\t{policy}",
    ]
    assert list(lines_of(Table.TRANSPORT, configuration, STOCK)) == [
        ".a.test\tdomain-secure:[mx.a.test]:2525"
    ]


def test_relay_that_two_partners_share() -> None:
    """With one rule there is one line; with two, one would be verified by the other's: none is made."""
    shared = (("a.test", "[mx.test]"), ("b.test", "[mx.test]"))
    alike = with_relays(*shared, names=(Domain("mx.test"),))
    keys = [line.split("\t")[0] for line in lines_of(Table.TLS_POLICY, alike, STOCK)]
    assert keys == ["a.test", "[mx.test]", "b.test"]
    with pytest.raises(Problem, match=r"to b\.test and to a\.test goes to"):
        list(lines_of(Table.TLS_POLICY, with_relays(*shared), STOCK))


def test_relay_that_is_another_partners_domain() -> None:
    """Its key is taken."""
    configuration = with_relays(("a.test", "b.test"), listed=("b.test",))
    with pytest.raises(Problem, match=r"goes to b\.test"):
        list(lines_of(Table.TLS_POLICY, configuration, STOCK))


def test_relay_needs_our_routes() -> None:
    """With ``direct = false`` nothing of ours sends it there."""
    configuration = replace(with_relays(("a.test", "[mx.test]")), direct=False)
    with pytest.raises(Problem, match="does not route"):
        list(lines_of(Table.TRANSPORT, configuration, STOCK))


def test_policy_for_an_older_postfix() -> None:
    """Before 3.6 Postfix knows no lower bound, only exclusions."""
    assert "protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1 " in policy_of(make_partner("a.test"), OLD)


def test_policy_goes_without_what_is_distrusted() -> None:
    """By pin by the others, and where none is left by one that no server has; by authority by a file."""
    denied, other = Pin.certificate("01" * 32), Pin.certificate("ab" * 32)
    dialect = replace(STOCK, distrusted=frozenset({denied}), common_authorities="/x.pem")
    partner = make_partner("a.test", send_method=SendMethod.PIN, pins=frozenset({denied, other}))
    assert policy_of(partner, dialect).startswith(f"fingerprint match={AB} ")
    alone = replace(partner, pins=frozenset({denied}))
    assert policy_of(alone, dialect).startswith(f"fingerprint match={':'.join(['00'] * 32)} ")
    assert policy_of(make_partner("a.test"), dialect).endswith(" tafile=/x.pem")
    own = make_partner("a.test", send_ca_file=Path("/own.pem"))
    authorities = {Path("/own.pem"): "/own-copy.pem"}
    assert policy_of(own, replace(dialect, authorities=authorities)).endswith(" tafile=/own-copy.pem")


def test_pin_without_pins_is_refused() -> None:
    """Sending by pin without a pin is the operator's to mend, and no line is invented."""
    with pytest.raises(Problem, match="no pin is known"):
        policy_of(make_partner("a.test", send_method=SendMethod.PIN), STOCK)


def test_pins_out_of_their_time_let_mail_wait() -> None:
    """A rule whose keys have all ended holds up no other partner's tables, nor keeps the old key in them."""
    ended = TimedPin(Pin.certificate("ab" * 32), None, datetime(2026, 1, 1, tzinfo=UTC))
    rule = make_partner("a.test", send_method=SendMethod.PIN, timed_pins=(ended,))
    assert policy_of(rule, STOCK).startswith(f"fingerprint match={':'.join(['00'] * 32)} ")


@given(
    st.sampled_from(SendMethod), st.lists(st.sampled_from(["a.test", "bücher.test", "c_d.test"]), min_size=1)
)
def test_policy_is_read_alike_by_every_version(method: SendMethod, names: list[str]) -> None:
    """No policy has commas or braces, nor blanks but between its attributes."""
    partner = make_partner(
        "a.test",
        send_method=method,
        names=tuple(parse_domain(name) for name in names),
        pins=frozenset({Pin.certificate("ab" * 32)}),
    )
    level, *attributes = policy_of(partner, STOCK).split(" ")
    assert level in {"secure", "dane-only", "fingerprint"}
    assert all("=" in attribute for attribute in attributes)
    assert not set("{},\t\n") & set(policy_of(partner, STOCK))


def test_transport_lines() -> None:
    """Listed domains go to the dedicated transport, by MX."""
    configuration = make_configuration(send=DomainList.of("woodgrovebank.test", "*.fabrikam.com"))
    assert list(lines_of(Table.TRANSPORT, configuration, STOCK)) == [
        "woodgrovebank.test\tdomain-secure:",
        ".fabrikam.com\tdomain-secure:",
    ]


def test_no_transport_lines_unless_direct() -> None:
    """With ``direct = false`` the administrator routes, and the table is empty."""
    configuration = make_configuration(send=DomainList.of("woodgrovebank.test"), direct=False)
    assert list(lines_of(Table.TRANSPORT, configuration, STOCK)) == []


def test_transport_that_would_draw_subdomains_along_is_refused() -> None:
    """Where Postfix matches subdomains by their parents, a line speaks for domains that are not listed."""
    dialect = Dialect(True, frozenset({"transport_maps"}))
    with pytest.raises(Problem, match="drawn along"):
        list(lines_of(Table.TRANSPORT, make_configuration(send=DomainList.of("a.test")), dialect))


@pytest.mark.parametrize(
    ("default", "available", "chosen"),
    [
        ("hash", {"hash", "btree", "cdb"}, "hash"),
        ("cdb", {"hash", "cdb"}, "cdb"),
        ("lmdb", {"hash"}, "hash"),
        ("texthash", {"lmdb", "texthash"}, "lmdb"),
    ],
)
def test_map_type(default: str, available: set[str], chosen: str) -> None:
    """Postfix's default is taken when a replaced file of that type is noticed, else the first such type."""
    assert choose_map_type(default, available) == chosen


def test_no_map_type() -> None:
    """A Postfix with none of the watched types is told what to install."""
    with pytest.raises(Problem, match="none of the table types"):
        choose_map_type("texthash", {"texthash", "cidr"})


def test_every_combination_of_labels() -> None:
    """Each internationalised label is looked up either way, also one with a symbol."""
    assert spellings("xn--bcher-kva.xn--strae-oqa.test") == (
        "xn--bcher-kva.xn--strae-oqa.test",
        "xn--bcher-kva.straße.test",
        "bücher.xn--strae-oqa.test",
        "bücher.straße.test",
    )
    assert spellings("xn--ls8h.test") == ("xn--ls8h.test", "💩.test")
    assert spellings("xn--woodgrovebank-.test") == ("xn--woodgrovebank-.test",)
    capital = f"xn--{'bÜcher'.encode('punycode').decode()}.test"
    assert spellings(capital) == (capital,)
    many = ".".join(["xn--bcher-kva"] * 9)
    assert spellings(many) == (many, many.replace("xn--bcher-kva", "bücher"))


def test_a_bypass_asks_for_no_proof() -> None:
    """While a bypass for sending is in force the policy asks for nothing, of this entry alone."""
    start = datetime(2026, 11, 27, tzinfo=UTC)
    woodgrove = Entry("woodgrovebank.test")
    bypass = Bypass(woodgrove, (Direction.SEND,), start, start + timedelta(hours=1), "anna", "tonight")
    listed = DomainList((woodgrove, Entry("fabrikam.test")))
    config = make_configuration(send=listed, bypasses=(bypass,))
    lines = dict(line.split("\t") for line in lines_of(Table.TLS_POLICY, config, STOCK))
    assert lines["woodgrovebank.test"] == "may"
    assert lines["fabrikam.test"].startswith("secure ")
    config = replace(config, bypasses=(replace(bypass, directions=(Direction.RECEIVE,)),))
    lines = dict(line.split("\t") for line in lines_of(Table.TLS_POLICY, config, STOCK))
    assert lines["woodgrovebank.test"].startswith("secure ")

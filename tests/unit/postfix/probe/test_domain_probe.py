"""Which servers of a domain are looked at."""

import threading

from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.nexthop import Nexthop
from domain_secure.postfix.dns.dns_lookup import Lookup
from domain_secure.postfix.probe.domain_probe import Destination, DomainProbe, probe_domain
from domain_secure.postfix.probe.probe import ProbeResult, ProbeTarget

from lab.waiting import DEADLINE
from unit.postfix.dns_answers import failed, found, zone

WOODGROVE = Domain("woodgrovebank.test")
TLSA = f"3 1 1 {'ab' * 32}"
TWO_HOSTS = {
    (WOODGROVE, "MX"): found("MX", "20 b.test.", "10 a.test."),
    ("a.test", "A"): found("A", "192.0.2.1"),
    ("a.test", "AAAA"): found("AAAA", "2001:db8::1"),
    ("b.test", "A"): found("A", "192.0.2.2"),
    ("_25._tcp.a.test", "TLSA"): found("TLSA", TLSA),
}


MX_HOSTS = Destination(WOODGROVE)


def probed(answers: dict[tuple[str, str], Lookup], destination: Destination = MX_HOSTS) -> DomainProbe:
    """Look at the servers that these answers lead to."""
    return probe_domain(destination, zone(answers), ProbeResult)


def places(found: DomainProbe) -> list[tuple[int, str, str]]:
    """Return who was probed."""
    return [(one.preference, one.host, one.result.target.address) for one in found.servers]


def test_every_address_of_every_host() -> None:
    """In the order of preference, IPv4 before IPv6."""
    assert places(probed(TWO_HOSTS)) == [
        (10, "a.test", "192.0.2.1"),
        (10, "a.test", "2001:db8::1"),
        (20, "b.test", "192.0.2.2"),
    ]


def test_records_belong_to_their_host() -> None:
    """Another host's record is not this one's."""
    assert [len(one.tlsa.records) for one in probed(TWO_HOSTS).servers] == [1, 1, 0]


def test_records_need_a_signed_mx() -> None:
    """RFC 7672 section 2.2.1: a name that anybody can forge leads to no key."""
    unsigned = TWO_HOSTS | {(WOODGROVE, "MX"): found("MX", "10 a.test.", secure=False)}
    assert not any(one.tlsa.records for one in probed(unsigned).servers)


def test_domain_that_takes_no_mail() -> None:
    """A null MX, and a failure, are not the same as no MX."""
    assert probed({(WOODGROVE, "MX"): found("MX", "0 .")}).takes_no_mail
    broken = probed({(WOODGROVE, "MX"): failed("no answer in time")})
    assert (broken.takes_no_mail, broken.failures) == (False, ("no answer in time",))


def test_hosts_without_an_address_are_named() -> None:
    """And do not hide the others."""
    found_ = probed(TWO_HOSTS | {(WOODGROVE, "MX"): found("MX", "10 gone.test.", "20 b.test.")})
    assert places(found_) == [(20, "b.test", "192.0.2.2")]
    assert found_.failures == ("gone.test has no address",)


def test_relay_stands_in_the_place_of_mx() -> None:
    """Its MX is not asked for, its port is used for everything."""
    destination = Destination(WOODGROVE, Nexthop.parse("[a.test]:2525"), Domain("sni.test"))
    asked = probed(TWO_HOSTS | {("_2525._tcp.a.test", "TLSA"): found("TLSA", TLSA, TLSA)}, destination)
    assert [(one.host, one.result.target.port, len(one.tlsa.records)) for one in asked.servers] == [
        ("a.test", 2525, 1),
        ("a.test", 2525, 1),
    ]
    assert {one.result.target.server_name for one in asked.servers} == {"sni.test"}


def test_relay_by_its_address() -> None:
    """Nothing is looked up."""
    (server,) = probed({}, Destination(WOODGROVE, Nexthop.parse("[IPv6:2001:db8::9]:26"))).servers
    assert (server.host, server.result.target.address, server.result.target.port) == (None, "2001:db8::9", 26)


def test_relay_that_is_found_by_mx() -> None:
    """Without brackets the relay's own MX records count."""
    other = TWO_HOSTS | {("relay.test", "MX"): found("MX", "10 b.test.")}
    assert places(probed(other, Destination(WOODGROVE, Nexthop.parse("relay.test")))) == [
        (10, "b.test", "192.0.2.2")
    ]


def test_servers_are_asked_at_the_same_time() -> None:
    """A dead one does not make the others wait."""
    together = threading.Barrier(3, timeout=DEADLINE)

    def probe(target: ProbeTarget) -> ProbeResult:
        together.wait()
        return ProbeResult(target)

    assert len(probe_domain(Destination(WOODGROVE), zone(TWO_HOSTS), probe).servers) == 3

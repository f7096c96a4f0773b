"""SPF by pyspf over look-ups of ours."""

import sys
from collections.abc import Mapping
from types import SimpleNamespace

import dns.name
import pytest

from domain_secure.policy.reflector.spf import SpfQuestion, SpfResult
from domain_secure.policy.terms.mailbox import Mailbox
from domain_secure.postfix.dns.dns_lookup import Lookup, LookupStatus
from domain_secure.postfix.dns.spf_lookup import SpfLookup, evaluated

from lab.waiting import DEADLINE

ZONE: Mapping[tuple[str, str], object] = {
    ("mx.test", "MX"): SimpleNamespace(preference=10, exchange=dns.name.from_text("mail.mx.test")),
    ("mail.mx.test", "A"): SimpleNamespace(address="192.0.2.7"),
    ("mail.mx.test", "AAAA"): SimpleNamespace(address="2001:db8::7"),
    ("7.2.0.192.in-addr.arpa", "PTR"): SimpleNamespace(target=dns.name.from_text("mail.mx.test")),
    ("6.local._spf.macro.test", "A"): SimpleNamespace(address="127.0.0.2"),
    ("198.51.100.1.local._spf.macro.test", "A"): SimpleNamespace(address="127.0.0.2"),
}
RECORDS = {
    "ip.test": b"v=spf1 ip4:192.0.2.0/24 -all",
    "ip6.test": b"v=spf1 ip6:2001:db8::/32 ~all",
    "mx.test": b"v=spf1 mx -all",
    "a.test": b"v=spf1 a:mail.mx.test ?all",
    "include.test": b"v=spf1 include:ip.test -all",
    "redirect.test": b"v=spf1 redirect=ip.test",
    "exp.test": b"v=spf1 -all exp=never.asked.test",
    "ptr.test": b"v=spf1 ptr:mx.test -all",
    "loop.test": b"v=spf1 include:loop.test -all",
    "odd.test": b"v=spf1 what:ever -all",
    "void.test": b"v=spf1 a:n1.test a:n2.test a:n3.test a:n4.test -all",
    "macro.test": b"v=spf1 exists:%{i}.%{l}._spf.%{d} -all",
    "all.test": b"v=spf1 +all",
    "all-included.test": b"v=spf1 include:all.test -all",
    "all-redirected.test": b"v=spf1 redirect=all.test",
    "all-networks.test": b"v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 ip6:2000::/3 -all",
    "half.test": b"v=spf1 ip4:128.0.0.0/1 ip6:2000::/4 -all",
    "wide.test": b"v=spf1 a:mail.mx.test/0 -all",
    "exists.test": b"v=spf1 exists:6.%{l}._spf.macro.test -all",
    "large.test": b"v=spf1 ip4:192.0.0.0/8 ip6:2001:db8::/20 -all",
    "broken.test": b"v=spf1 include:fails.test -all",
}


def look_up(name: str, record_type: str) -> Lookup:
    """Answer from the tables above; what is under fails.test does not answer."""
    if name.endswith("fails.test"):
        return Lookup(LookupStatus.FAILED, detail="no answer in time")
    assert name != "never.asked.test"
    record = ZONE.get((name, record_type))
    if record is None and record_type == "TXT" and name in RECORDS:
        record = SimpleNamespace(strings=(RECORDS[name][:9], RECORDS[name][9:]))
    return Lookup(LookupStatus.FOUND, (record,)) if record else Lookup(LookupStatus.NONE)


def question(domain: str, client: str = "192.0.2.7") -> SpfQuestion:
    """Ask whether a client may send for a domain."""
    return SpfQuestion(client, Mailbox.parse(f"local@{domain}"))


@pytest.mark.parametrize(
    ("domain", "client", "expected"),
    [
        ("ip.test", "192.0.2.7", SpfResult.PASS),
        ("ip.test", "::ffff:192.0.2.7", SpfResult.PASS),
        ("ip.test", "198.51.100.1", SpfResult.FAIL),
        ("ip6.test", "2001:db8::99", SpfResult.PASS),
        ("ip6.test", "2001:db9::99", SpfResult.SOFTFAIL),
        ("mx.test", "192.0.2.7", SpfResult.PASS),
        ("mx.test", "2001:db8::7", SpfResult.PASS),
        ("mx.test", "192.0.2.8", SpfResult.FAIL),
        ("a.test", "192.0.2.8", SpfResult.NEUTRAL),
        ("include.test", "192.0.2.7", SpfResult.PASS),
        ("redirect.test", "198.51.100.1", SpfResult.FAIL),
        ("exp.test", "192.0.2.7", SpfResult.FAIL),
        ("ptr.test", "192.0.2.7", SpfResult.PASS),
        ("macro.test", "198.51.100.1", SpfResult.PASS),
        ("macro.test", "198.51.100.2", SpfResult.FAIL),
        ("large.test", "192.0.2.7", SpfResult.PASS),
        ("large.test", "2001:db8::99", SpfResult.PASS),
        *(
            (f"{domain}.test", client, SpfResult.EVERYBODY)
            for domain in ("all", "all-included", "all-redirected", "all-networks", "half", "exists")
            for client in ("192.0.2.7", "2001:db8::99")
        ),
        ("wide.test", "198.51.100.1", SpfResult.EVERYBODY),
        ("loop.test", "192.0.2.7", SpfResult.PERMERROR),
        ("odd.test", "192.0.2.7", SpfResult.PERMERROR),
        ("void.test", "192.0.2.7", SpfResult.PERMERROR),
        ("broken.test", "192.0.2.7", SpfResult.TEMPERROR),
        ("nothing.test", "192.0.2.7", SpfResult.NONE),
        ("fails.test", "192.0.2.7", SpfResult.TEMPERROR),
        ("ip.test", "unknown", SpfResult.TEMPERROR),
    ],
)
def test_results(domain: str, client: str, expected: SpfResult) -> None:
    """By each mechanism; a look-up that fails is never a no."""
    assert evaluated(question(domain, client), look_up, lambda: False) is expected


def test_time_that_is_up_is_a_temporary_error() -> None:
    """Whatever the records would say."""
    assert evaluated(question("ip.test"), look_up, lambda: True) is SpfResult.TEMPERROR


def test_asking_does_not_wait() -> None:
    """The answer comes by a future."""
    assert SpfLookup(look_up, lambda: 0.0).find(question("ip.test"), 1.0).result(DEADLINE) is SpfResult.PASS
    assert (
        SpfLookup(look_up, lambda: 2.0).find(question("ip.test"), 1.0).result(DEADLINE) is SpfResult.TEMPERROR
    )


def test_a_library_that_is_not_there_is_no_temporary_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would ever hear why no record speaks for anybody."""
    monkeypatch.setitem(sys.modules, "spf", None)
    asked = SpfLookup(look_up, lambda: 0.0).find(question("ip.test"), 1.0)
    with pytest.raises(ModuleNotFoundError, match="spf"):
        asked.result(DEADLINE)

"""TLSA look-ups: what DNSSEC vouches for, what it denies, and what nobody knows."""

import threading
from dataclasses import replace

import pytest
from configurations import make_configuration

from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.dns.dns_lookup import Lookup, LookupStatus
from domain_secure.postfix.dns.tlsa_lookup import TlsaLookup, host_records, look_up

from lab.waiting import DEADLINE, wait_for
from unit.postfix.dns_answers import failed, found, zone

WOODGROVE = Domain("woodgrovebank.test")
HOST = "mail.woodgrovebank.test"
TLSA = f"_25._tcp.{HOST}"
DIGEST = "ab" * 32
GOOD = {
    (WOODGROVE, "MX"): found("MX", f"10 {HOST}.", seconds=900),
    (HOST, "A"): found("A", "192.0.2.1"),
    (TLSA, "TLSA"): found("TLSA", f"3 1 1 {DIGEST}", f"1 1 1 {DIGEST}", seconds=600),
}


def records(answers: dict[tuple[str, str], Lookup]) -> list[str]:
    """Return the records found, which must not be a failure."""
    answer = look_up(WOODGROVE, zone(answers)).answer
    assert answer.failures == ()
    return [str(record) for record in answer.records]


def test_validated_records_are_found() -> None:
    """Usable ones, for as long as the shorter of the answers holds."""
    timed = look_up(WOODGROVE, zone(GOOD))
    assert [str(record) for record in timed.answer.records] == ["3 1 1 abababababababab…"]
    assert timed.seconds == 600


@pytest.mark.parametrize("key", GOOD)
def test_every_step_must_be_authenticated(key: tuple[str, str]) -> None:
    """One answer without DNSSEC, and there are no records: no opinion, and no failure."""
    assert records({**GOOD, key: replace(GOOD[key], authenticated=False)}) == []


@pytest.mark.parametrize("key", GOOD)
def test_every_step_may_fail(key: tuple[str, str]) -> None:
    """A failure is told as one: there may be records that forbid or prove."""
    answer = look_up(WOODGROVE, zone({**GOOD, key: failed("SERVFAIL")})).answer
    assert (answer.records, answer.failures) == (frozenset(), ("SERVFAIL",))


def test_implicit_and_null_mx() -> None:
    """A domain without MX is its own host; one that takes no mail has no records."""
    own = {
        (WOODGROVE, "A"): found("A", "192.0.2.1"),
        (f"_25._tcp.{WOODGROVE}", "TLSA"): found("TLSA", f"3 1 1 {DIGEST}"),
    }
    assert len(records(own)) == 1
    assert records({**own, (WOODGROVE, "MX"): found("MX", "0 .")}) == []
    insecure = Lookup(LookupStatus.NONE, authenticated=False)
    assert records({**own, (WOODGROVE, "MX"): insecure}) == []


def test_host_with_ipv6_only() -> None:
    """Its zone is signed, as the address tells."""
    answers = {**GOOD, (HOST, "AAAA"): found("AAAA", "2001:db8::1")}
    del answers[HOST, "A"]
    assert len(records(answers)) == 1


def test_failing_address_of_one_family_does_not_matter() -> None:
    """Servers that fail on AAAA are common."""
    assert len(records({**GOOD, (HOST, "AAAA"): failed()})) == 1


TARGET = "mx.isp.test"
TARGET_TLSA = f"_25._tcp.{TARGET}"
ALIAS = {
    (HOST, "A"): replace(found("A", "192.0.2.1"), canonical=TARGET),
    (HOST, "CNAME"): found("CNAME", f"{TARGET}."),
    (TARGET_TLSA, "TLSA"): found("TLSA", f"3 1 1 {'cd' * 32}"),
    (TLSA, "TLSA"): found("TLSA", f"3 1 1 {DIGEST}"),
}
INSECURE = {(HOST, "A"): replace(ALIAS[HOST, "A"], authenticated=False)}


@pytest.mark.parametrize(
    ("changes", "base"),
    [
        ({}, TARGET),
        ({(TARGET_TLSA, "TLSA"): Lookup(LookupStatus.NONE, authenticated=True)}, HOST),
        ({(TARGET_TLSA, "TLSA"): replace(ALIAS[TARGET_TLSA, "TLSA"], authenticated=False)}, HOST),
        (INSECURE, HOST),
        (INSECURE | {(HOST, "CNAME"): replace(ALIAS[HOST, "CNAME"], authenticated=False)}, None),
        # Records that nobody can use are there all the same.
        ({(TARGET_TLSA, "TLSA"): found("TLSA", f"1 1 1 {DIGEST}")}, TARGET),
    ],
)
def test_a_host_that_is_an_alias(changes: dict[tuple[str, str], Lookup], base: str | None) -> None:
    """The target's records if all of the way is signed, else the alias's own if that is."""
    timed = host_records(Domain(HOST), zone(ALIAS | changes))
    assert (timed.answer.base, timed.answer.failures) == (base, ())
    assert bool(timed.answer.records) is (base is not None and "1 1 1" not in str(changes))


@pytest.mark.parametrize(
    "changes", [{(TARGET_TLSA, "TLSA"): failed()}, INSECURE | {(HOST, "CNAME"): failed()}]
)
def test_a_failure_about_an_alias_is_told(changes: dict[tuple[str, str], Lookup]) -> None:
    """The alias's own records do not take the place of what nobody knows."""
    answer = host_records(Domain(HOST), zone(ALIAS | changes)).answer
    assert (answer.records, answer.failures) == (frozenset(), ("SERVFAIL",))


def test_zone_that_is_not_signed_is_not_asked_for_tlsa() -> None:
    """Its servers may fail then, which would look like an attack."""
    unsigned = {key: replace(one, authenticated=False) for key, one in GOOD.items()}
    assert records({**unsigned, (TLSA, "TLSA"): failed()}) == []
    assert records({**GOOD, (HOST, "A"): unsigned[HOST, "A"], (TLSA, "TLSA"): failed()}) == []


class Resolver:
    """Counts look-ups."""

    def __init__(self, answers: dict[tuple[str, str], Lookup]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, name: str, record_type: str) -> Lookup:
        """Answer."""
        self.gate.wait(DEADLINE)
        self.asked.append((name, record_type))
        return zone(self.answers)(name, record_type)


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


CONFIGURATION = make_configuration(receive=DomainList.of(WOODGROVE))


def ask(source: TlsaLookup) -> TlsaAnswer:
    """Ask for the partner and wait."""
    return source.find(Entry(WOODGROVE)).result(DEADLINE)


def test_answers_are_kept_as_long_as_dns_says() -> None:
    """And then asked for again."""
    clock, resolver = Clock(), Resolver(GOOD)
    source = TlsaLookup(lambda: CONFIGURATION, resolver, clock)
    assert len(ask(source).records) == 1
    first = len(resolver.asked)
    clock.now += 599
    assert source.find(Entry(WOODGROVE)).done()
    assert len(resolver.asked) == first
    clock.now += 1
    assert len(ask(source).records) == 1
    assert len(resolver.asked) == 2 * first


def test_that_there_are_no_records_is_asked_again_soon() -> None:
    """Who was told so under a fault of DNS is served when it is over, whatever that said of its time."""
    clock, resolver = Clock(), Resolver({})
    source = TlsaLookup(lambda: CONFIGURATION, resolver, clock)
    assert ask(source).records == frozenset()
    asked = len(resolver.asked)
    assert ask(source).records == frozenset()
    assert len(resolver.asked) == asked
    clock.now += 1
    resolver.answers = GOOD
    assert len(ask(source).records) == 1


def test_failures_are_not_kept_but_spaced() -> None:
    """Until it is time to ask again the answer is that nobody knows."""
    clock, resolver = Clock(), Resolver({(WOODGROVE, "MX"): failed()})
    source = TlsaLookup(lambda: CONFIGURATION, resolver, clock)
    assert ask(source).failures == ("SERVFAIL",)
    assert ask(source).failures
    assert len(resolver.asked) == 1
    wait_for(lambda: source._tasks.ask(WOODGROVE) is None, "the look-up to be spaced")
    clock.now += 5
    resolver.answers = GOOD
    assert len(ask(source).records) == 1


def test_messages_share_a_look_up() -> None:
    """One at a time for each domain."""
    resolver = Resolver(GOOD)
    source = TlsaLookup(lambda: CONFIGURATION, resolver)
    resolver.gate.clear()
    futures = [source.find(Entry(WOODGROVE)) for _ in range(10)]
    resolver.gate.set()
    assert all(len(future.result(DEADLINE).records) == 1 for future in futures)
    assert len(resolver.asked) == 3

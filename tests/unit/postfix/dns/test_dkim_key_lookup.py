"""Keys of DKIM signatures from DNS."""

import threading
from types import SimpleNamespace

from domain_secure.policy.dkim.message_signature import KeyAnswer
from domain_secure.postfix.dns.dkim_key_lookup import DkimKeyLookup
from domain_secure.postfix.dns.dns_lookup import Lookup, LookupStatus

from lab.waiting import DEADLINE

NAME = "s1._domainkey.woodgrovebank.test"


class Dns:
    """Answers look-ups, counts them, and has a clock."""

    def __init__(self, *strings: bytes, seconds: int = 300) -> None:
        self.found = Lookup(LookupStatus.FOUND, (SimpleNamespace(strings=strings),), seconds=seconds)
        self.asked: list[tuple[str, str]] = []
        self.now = 0.0
        self.keys = DkimKeyLookup(self.look_up, lambda: self.now)

    def look_up(self, name: str, record_type: str) -> Lookup:
        """Answer one look-up."""
        self.asked.append((name, record_type))
        return self.found

    def answer(self) -> KeyAnswer:
        """Return what is found now."""
        return self.keys.find(NAME).result(DEADLINE)


def test_strings_of_a_record_are_joined() -> None:
    """RFC 6376 section 3.6.2.2."""
    dns = Dns(b"v=DKIM1; p=AA", b"BB")
    assert dns.answer() == KeyAnswer((b"v=DKIM1; p=AABB",))
    assert dns.asked == [(NAME, "TXT")]


def test_key_is_kept_as_long_as_dns_says() -> None:
    """And an hour at most, so that a withdrawn one stops counting."""
    for seconds, kept in ((300, 300), (86400, 3600)):
        dns = Dns(b"a", seconds=seconds)
        for at, asked in ((0.0, 1), (kept - 1.0, 1), (kept + 1.0, 2)):
            dns.now = at
            dns.answer()
            assert len(dns.asked) == asked


def test_no_key_is_an_answer() -> None:
    """There is none: that is known, and kept too."""
    dns = Dns()
    dns.found = Lookup(LookupStatus.NONE)
    assert dns.answer() == dns.answer() == KeyAnswer()
    assert len(dns.asked) == 1


def test_failure_is_told_and_not_kept() -> None:
    """The next message asks again, but not at once."""
    dns = Dns(b"a")
    good, dns.found = dns.found, Lookup(LookupStatus.FAILED, detail="no answer in time")
    assert dns.answer() == KeyAnswer(failure="no answer in time")
    assert dns.answer().failure.endswith("failed a moment ago")
    dns.found, dns.now = good, 10.0
    assert dns.answer() == KeyAnswer((b"a",))


def test_fault_of_the_look_up_is_a_failure() -> None:
    """Whoever waits gets an answer."""
    dns = Dns(b"a")
    dns.found = Lookup(LookupStatus.FOUND, (object(),))
    assert dns.answer().failure.endswith("AttributeError")


def test_asking_never_waits() -> None:
    """A resolver that hangs holds nobody but those who want its answer."""
    released = threading.Event()

    def hang(_: str, __: str) -> Lookup:
        released.wait(DEADLINE)
        return Lookup(LookupStatus.NONE)

    keys = DkimKeyLookup(hang)
    futures = [keys.find(f"s{number}._domainkey.woodgrovebank.test") for number in range(400)]
    refused = [future for future in futures if future.done()]
    assert 100 < len(refused) < 200
    assert all(future.result().failure for future in refused)
    released.set()
    assert all(isinstance(future.result(DEADLINE), KeyAnswer) for future in futures)

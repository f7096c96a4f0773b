"""Lists: which entry speaks for a domain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.lists import DomainList

LIST = DomainList.of(
    "fabrikam.test", "*.fabrikam.test", "*.eu.fabrikam.test", "mail.eu.fabrikam.test", "*.other.test"
)


@pytest.mark.parametrize(
    ("domain", "entry"),
    [
        ("fabrikam.test", "fabrikam.test"),
        ("a.fabrikam.test", "*.fabrikam.test"),
        ("a.b.fabrikam.test", "*.fabrikam.test"),
        ("eu.fabrikam.test", "*.fabrikam.test"),
        ("a.eu.fabrikam.test", "*.eu.fabrikam.test"),
        ("mail.eu.fabrikam.test", "mail.eu.fabrikam.test"),
        ("a.mail.eu.fabrikam.test", "*.eu.fabrikam.test"),
        ("other.test", None),
        ("a.other.test", "*.other.test"),
        ("another.test", None),
        ("notfabrikam.test", None),
        ("fabrikam.test.evil.test", None),
        ("test", None),
    ],
)
def test_longest_match(domain: str, entry: str | None) -> None:
    """An exact entry beats every wildcard, a longer wildcard a shorter, and none covers its own domain."""
    assert LIST.match(Domain(domain)) == entry


LABEL = st.sampled_from("abc")
DOMAIN = st.lists(LABEL, min_size=1, max_size=5).map(".".join)


@given(st.lists(st.tuples(st.sampled_from(["", "*."]), DOMAIN).map("".join)), DOMAIN)
def test_match_agrees_with_the_definition(entries: list[str], domain: str) -> None:
    """Invariant: of all entries that cover a domain, the exact one or else the longest is found."""
    covering = [
        entry
        for entry in entries
        if entry == domain or (entry.startswith("*.") and domain.endswith(entry.removeprefix("*")))
    ]
    expected = domain if domain in covering else max(covering, key=len, default=None)
    assert DomainList.of(*entries).match(Domain(domain)) == expected


def test_a_list_is_a_set_in_order() -> None:
    """Entries stand once and in the order of the configuration; equality asks for the same entries only."""
    doubled = DomainList.of("b.test", "a.test", "b.test")
    assert list(doubled) == ["b.test", "a.test"]
    assert len(doubled) == 2
    assert doubled == DomainList.of("a.test", "b.test")
    assert hash(doubled) == hash(DomainList.of("a.test", "b.test"))
    assert doubled != DomainList.of("a.test")
    assert doubled != {"a.test", "b.test"}


def test_membership_is_of_the_entry_itself() -> None:
    """``in`` matches nothing."""
    assert Entry("*.fabrikam.test") in LIST
    assert Entry("a.fabrikam.test") not in LIST


def test_empty_list() -> None:
    """Nobody is on it."""
    assert DomainList(()).match(Domain("a.test")) is None
    assert not DomainList(())

"""Names in certificates: who they are for."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.names import any_name_matches, dns_name_matches


@pytest.mark.parametrize(
    ("presented", "name"),
    [
        ("woodgrovebank.test", "woodgrovebank.test"),
        ("WoodgroveBank.TEST.", "woodgrovebank.test"),
        ("mail.woodgrovebank.test", "woodgrovebank.test"),
        ("a.b.woodgrovebank.test", "woodgrovebank.test"),
        ("*.woodgrovebank.test", "woodgrovebank.test"),
        ("*.mail.woodgrovebank.test", "woodgrovebank.test"),
        ("*.woodgrovebank.test", "mail.woodgrovebank.test"),
        ("xn--bcher-kva.test", "xn--bcher-kva.test"),
        ("*.XN--bcher-kva.test", "mail.xn--bcher-kva.test"),
        ("mx_1.woodgrovebank.test", "woodgrovebank.test"),
    ],
)
def test_names_that_match(presented: str, name: str) -> None:
    """A dNSName is for the name, or for a host under it."""
    assert dns_name_matches(presented, Domain(name))


@pytest.mark.parametrize(
    ("presented", "name"),
    [
        ("evil.test", "woodgrovebank.test"),
        ("evilwoodgrovebank.test", "woodgrovebank.test"),
        ("woodgrovebank.test.evil.test", "woodgrovebank.test"),
        ("test", "woodgrovebank.test"),
        ("woodgrovebank.test", "mail.woodgrovebank.test"),
        ("*.test", "woodgrovebank.test"),
        ("*.co.uk", "example.co.uk"),
        ("*", "woodgrovebank.test"),
        ("*.", "woodgrovebank.test"),
        ("*.*.woodgrovebank.test", "woodgrovebank.test"),
        ("m*.woodgrovebank.test", "woodgrovebank.test"),
        ("mail.*.woodgrovebank.test", "woodgrovebank.test"),
        ("*.woodgrovebank.test", "a.b.woodgrovebank.test"),
        ("evil.test\x00.woodgrovebank.test", "woodgrovebank.test"),
        ("a b.woodgrovebank.test", "woodgrovebank.test"),
        ("woodgrovebank.test\n", "woodgrovebank.test"),
        ("woodgroveban\u212a.test", "woodgrovebank.test"),  # lower-cases to "k"
        (".woodgrovebank.test", "woodgrovebank.test"),
        ("woodgrovebank.test..", "woodgrovebank.test"),
        ("", "woodgrovebank.test"),
        ("192.0.2.1", "192.0.2.1"),
        ("*.0.2.1", "192.0.2.1"),
        ("::1", "woodgrovebank.test"),
        ("https://woodgrovebank.test", "woodgrovebank.test"),
        ("b\xfccher.test", "xn--bcher-kva.test"),
        ("xn--*.test", "xn--bcher-kva.test"),
    ],
)
def test_names_that_do_not_match(presented: str, name: str) -> None:
    """Neighbours, parents, public suffixes, partial wildcards, addresses and odd characters match nothing."""
    assert not dns_name_matches(presented, Domain(name))


@given(st.text())
def test_only_names_that_end_in_the_name_match(presented: str) -> None:
    """Invariant: what matches a name without wildcard ends in it."""
    if dns_name_matches(presented, Domain("woodgrovebank.test")):
        assert presented.lower().removesuffix(".").endswith("woodgrovebank.test")


def test_first_match_is_returned() -> None:
    """The name that matched is known afterwards."""
    names = (Domain("woodgrovebank.test"), Domain("woodgrove.test"))
    assert (
        any_name_matches(("evil.test", "mx.woodgrove.test", "woodgrovebank.test"), names)
        == "mx.woodgrove.test"
    )
    assert any_name_matches(("evil.test",), iter(names)) is None
    assert any_name_matches((), names) is None
    assert any_name_matches(("evil.test",), ()) is None


@pytest.mark.parametrize("unit", ["a", "a.", "a-", "*.", "-", "_"])
def test_time_is_linear(unit: str) -> None:
    """A stranger's certificate may hold long names."""
    started = time.process_time()
    assert not dns_name_matches(unit * 50_000 + "!", Domain("woodgrovebank.test"))
    assert time.process_time() - started < 3

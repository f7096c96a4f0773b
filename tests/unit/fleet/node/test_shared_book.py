"""Certificates from other nodes: taken for what they are, or not at all."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.fleet.node.shared_book import read_chain, write_chain
from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.terms.domain import Entry

from lab.certificates import Authority

AUTHORITY = Authority.create("Lab CA")
CERTIFICATES = [
    parse(AUTHORITY.issue(name, dns_names=(name,)).der) for name in ("woodgrovebank.test", "evil.test")
]
ENTRY = Entry("woodgrovebank.test")
GOOD, EVIL = (one.certificate_pin.digest for one in CERTIFICATES)


def test_written_and_read_again() -> None:
    """A chain is read under its own digest."""
    assert read_chain(GOOD, write_chain(tuple(CERTIFICATES), ENTRY)) == (tuple(CERTIFICATES), ENTRY)


def test_nothing_is_taken_under_a_name_that_is_not_its_own() -> None:
    """A stolen edge cannot put another certificate under a digest that a partner's session will show."""
    assert read_chain(GOOD, write_chain((CERTIFICATES[1],), ENTRY)) is None
    assert read_chain(GOOD, write_chain((CERTIFICATES[1], CERTIFICATES[0]), ENTRY)) is None
    assert read_chain(GOOD, b'{"entry": "woodgrovebank.test", "certificates": []}') is None


@given(
    st.binary(max_size=200)
    | st.builds(lambda n: write_chain(tuple(CERTIFICATES), ENTRY)[:n], st.integers(0, 900))
)
def test_garbage_is_nothing(octets: bytes) -> None:
    """Whatever stands there, reading it raises nothing."""
    assert read_chain(hashlib.sha256(octets).hexdigest(), octets) is None


@pytest.mark.parametrize(
    "value", ["1", "[]", '"x"', '{"certificates": 3}', '{"certificates": ["AAAA"], "entry": "a"}']
)
def test_wrong_documents(value: str) -> None:
    """JSON of another shape is nothing either."""
    assert read_chain(GOOD, value.encode()) is None

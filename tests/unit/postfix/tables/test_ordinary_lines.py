"""Entries that no rule speaks of: their lines are what each would get by itself."""

from types import MappingProxyType

import pytest
from configurations import make_configuration, make_partner
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.configuration.configuration import SendMethod
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.tables import ordinary_lines
from domain_secure.postfix.tables.tables import (
    TRANSPORT_SERVICE,
    Dialect,
    Table,
    keys_of,
    lines_of,
    policy_for,
)

DIALECT = Dialect(True, frozenset())
NAMES = ("a.test", "b.a.test", "c.b.a.test", "*.a.test", "*.b.a.test", "other.test", "xn--bcher-kva.test")


@pytest.fixture(params=[1, 2, 1000], autouse=True)
def _at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at so many entries together."""
    monkeypatch.setattr(ordinary_lines, "_AT_ONCE", request.param)


@given(
    st.lists(st.sampled_from(NAMES), unique=True),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["dane", "mx"])),
)
def test_each_line_is_what_the_entry_would_get_by_itself(listed: list[str], rules: dict[str, str]) -> None:
    """A rule counts for its own entry, a wildcard's for what lies under it, and no other entry has one."""
    changes = {
        "dane": {"send_method": SendMethod.DANE},
        "mx": {"mx": ("mx.other.test",)},
    }
    partners = {Entry(name): make_partner(name, **changes[rule]) for name, rule in rules.items()}
    configuration = make_configuration(send=DomainList.of(*listed), partners=MappingProxyType(partners))
    expected = [
        (key, policy_for(Entry(name), configuration, DIALECT), f"{TRANSPORT_SERVICE}:")
        for name in listed
        for key in keys_of(Entry(name))
    ]
    policies = [f"{key}\t{policy}" for key, policy, _ in expected]
    routes = [f"{key}\t{route}" for key, _, route in expected]
    assert list(lines_of(Table.TLS_POLICY, configuration, DIALECT)) == policies
    assert list(lines_of(Table.TRANSPORT, configuration, DIALECT)) == routes

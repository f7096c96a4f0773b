"""Which other entries go by what is written for a partner."""

from pathlib import Path

import pytest

from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.onboarding.followers import followers
from domain_secure.policy.terms.domain import Entry

LISTED = '[receive]\ndomains = ["*.bank.test", "a.bank.test", "*.b.bank.test", "other.test"]\n'


@pytest.mark.parametrize(
    ("entry", "tables", "expected"),
    [
        pytest.param("bank.test", (), ["*.bank.test"], id="a domain and what is below it"),
        pytest.param("bank.test", ("*.bank.test",), [], id="with a rule of its own"),
        pytest.param("*.bank.test", (), ["a.bank.test", "*.b.bank.test"], id="below a wildcard"),
        pytest.param("*.bank.test", ("b.bank.test",), ["a.bank.test"], id="by a closer rule"),
        pytest.param("*.test", ("*.bank.test",), ["other.test"], id="by a closer wildcard"),
        pytest.param("other.test", (), [], id="nobody"),
    ],
)
def test_who_follows(entry: str, tables: tuple[str, ...], expected: list[str]) -> None:
    """It is told of entries before a rule is written that they would go by it."""
    text = LISTED + "".join(f'[partner."{one}"]\nnames = ["x.test"]\n' for one in tables)
    configuration = parse(text.encode(), Path("/nowhere/domain-secure.toml"))
    assert sorted(followers(configuration, configuration.receive, Entry(entry))) == sorted(expected)

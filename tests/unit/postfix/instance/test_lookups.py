"""Splitting settings, and the order in which tables and keys are asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.postfix.instance.lookups import (
    Key,
    is_pattern_table,
    name_and_parents,
    policy_keys,
    split_elements,
)


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("", []),
        ("hash:/a, hash:/b\thash:/c", ["hash:/a", "hash:/b", "hash:/c"]),
        ("{ unix:m, default_action=accept }, inet:h:1", ["{ unix:m, default_action=accept }", "inet:h:1"]),
        ("inline:{ {a = b}, c=d } x", ["inline:{ {a = b}, c=d }", "x"]),
    ],
)
def test_split(text: str, elements: list[str]) -> None:
    """Blanks and commas separate, but not inside braces."""
    assert split_elements(text) == elements


@given(st.text("ab{}, \t"))
def test_split_loses_nothing(text: str) -> None:
    """Whatever the braces do, no character but separators is lost."""
    assert "".join("".join(split_elements(text)).split()).replace(",", "") == "".join(text.split()).replace(
        ",", ""
    )


def test_parents() -> None:
    """The nearest parent comes first."""
    assert name_and_parents("a.b.test", dotted=True) == ["a.b.test", ".b.test", ".test"]
    assert name_and_parents("a.b.test", dotted=False) == ["a.b.test", "b.test", "test"]


@pytest.mark.parametrize(
    ("nexthop", "keys"),
    [
        ("b.test", ["b.test", ".test"]),
        ("bücher.test", ["bücher.test", ".test"]),
        ("[b.test]", ["[b.test]"]),
        ("b.test:26", ["b.test:26"]),
        ("[192.0.2.1]:26", ["[192.0.2.1]:26"]),
    ],
)
def test_policy_keys(nexthop: str, keys: list[str]) -> None:
    """Parents are looked up for a bare name only."""
    assert policy_keys(nexthop) == [Key(key) for key in keys]


@pytest.mark.parametrize(
    ("table", "patterns"),
    [("regexp:/a", True), ("proxy:pcre:/a", True), ("hash:/regexp:", False), ("inline:{a=b}", False)],
)
def test_pattern_tables(table: str, patterns: bool) -> None:
    """The type decides, also behind proxy."""
    assert is_pattern_table(table) is patterns

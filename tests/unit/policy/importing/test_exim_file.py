"""The lines and lists of Exim's configuration."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.importing.exim_file import Kind, elements_of, statements
from domain_secure.policy.importing.source_text import SourceText

LABEL = st.text("abc", min_size=1, max_size=3)


def read(text: str) -> list[tuple[int, Kind, str, str, str, str]]:
    """Return the statements of a text, each as what it is made of."""
    return [
        (one.place.line, one.kind, one.section, one.driver, one.name, one.value)
        for one in statements(SourceText("a", text))
    ]


def test_each_kind_of_line() -> None:
    """In its section, and of its driver."""
    text = (
        'a = 1\nhide b = "2"\nno_c\nMACRO == x\ndomainlist d = e\n.ifdef X\n?\n'
        "begin acl\ncheck:\n deny\n  a = b\n"
        "begin transports\nsmtp:\n driver = smtp\nother: driver = y\n"
    )
    assert read(text) == [
        (1, Kind.OPTION, "main", "", "a", "1"),
        (2, Kind.OPTION, "main", "", "b", "2"),
        (3, Kind.OPTION, "main", "", "no_c", ""),
        (4, Kind.MACRO, "main", "", "MACRO", "x"),
        (5, Kind.LIST, "main", "", "domainlist d", "e"),
        (6, Kind.DIRECTIVE, "main", "", ".ifdef", "X"),
        (7, Kind.OTHER, "main", "", "?", ""),
        (10, Kind.VERB, "acl", "check", "deny", ""),
        (11, Kind.CONDITION, "acl", "check", "a", "b"),
        (14, Kind.OPTION, "transports", "smtp", "driver", "smtp"),
        (15, Kind.OPTION, "transports", "other", "driver", "y"),
    ]


@given(st.lists(LABEL, min_size=1, max_size=6), st.lists(st.booleans(), min_size=6, max_size=6))
def test_a_line_may_be_broken_anywhere_between_words(words: list[str], breaks: list[bool]) -> None:
    """The next one's leading blanks are none of it, and comments between are none."""
    ends = [" \\\n  # no\n   " if broken else " " for broken in breaks]
    joined = "a =" + "".join(end + word for end, word in zip(ends, words, strict=False))
    (found,) = read(joined)
    assert found[5].replace(" ", "") == "".join(words)


@given(st.lists(LABEL.map(lambda one: f"{one}::1") | LABEL, max_size=6), st.sampled_from([":", ";", "|"]))
def test_a_list_is_what_was_joined(elements: list[str], separator: str) -> None:
    """Whatever the separator, which is doubled within an element."""
    head = "" if separator == ":" else f"<{separator} "
    written = f" {separator} ".join(one.replace(separator, separator * 2) for one in elements)
    assert elements_of(head + written, {}, (), 1000).elements == tuple(dict.fromkeys(elements))


@pytest.mark.parametrize("value", ["$domain", "${lookup{x}}", "a : +l"])
def test_what_is_expanded_has_no_elements(value: str) -> None:
    """Also where it stands in a list that is named."""
    assert elements_of(value, {"l": "$x"}, (), 1000).elements == ()
    assert "expanded" in elements_of(value, {"l": "$x"}, (), 1000).unknown

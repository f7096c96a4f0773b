"""Any of many texts as one regular expression: the same answers as a set gives."""

import re

from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.long_lists.any_of import any_of

TEXTS = st.sets(st.text("ab.*\n", max_size=4).map(str.encode), min_size=1, max_size=12)


@given(TEXTS, st.text("ab.*\n", max_size=5).map(str.encode))
def test_it_is_a_set(texts: set[bytes], asked: bytes) -> None:
    """Each of the texts is matched whole, and nothing else is, whatever octets are in them."""
    expression = re.compile(any_of(texts))
    assert all(expression.fullmatch(text) for text in texts)
    assert bool(expression.fullmatch(asked)) is (asked in texts)


@given(TEXTS, st.text("ab.*\n", max_size=5).map(str.encode))
def test_the_longest_is_found(texts: set[bytes], asked: bytes) -> None:
    """Of texts that begin alike the longest counts."""
    found = re.compile(any_of(texts)).match(asked)
    begins = [text for text in texts if asked.startswith(text)]
    assert (found[0] if found else None) == max(begins, key=len, default=None)

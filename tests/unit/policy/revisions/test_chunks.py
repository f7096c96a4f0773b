"""Cutting texts into chunks: nothing is lost, and a change stays where it is made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.revisions.chunks import MAXIMUM_OCTETS, digest, read_index, split, write_index


@given(st.lists(st.binary(max_size=60)).map(b"\n".join))
def test_chunks_joined_are_the_text(text: bytes) -> None:
    """Whatever the text, its chunks are it, in order, and none is empty."""
    chunks = list(split(text))
    assert b"".join(chunks) == text
    assert all(chunks)


@pytest.mark.parametrize(
    "text", [b"x" * (3 * MAXIMUM_OCTETS + 5), b"y" * MAXIMUM_OCTETS + b"\n" + b"z" * 9, b"short\n" * 100_000]
)
def test_no_chunk_is_too_large(text: bytes) -> None:
    """A line longer than a chunk is cut as well."""
    chunks = list(split(text))
    assert b"".join(chunks) == text
    assert max(map(len, chunks)) <= MAXIMUM_OCTETS


def test_one_more_line_changes_two_chunks_at_most() -> None:
    """In a long list an inserted line touches the chunk it falls into, and its neighbour if it splits it."""
    lines = [b"d%06d.test\n" % number for number in range(50_000)]
    before = {digest(chunk) for chunk in split(b"".join(lines))}
    assert len(before) > 5
    lines.insert(20_000, b"new.test\n")
    after = {digest(chunk) for chunk in split(b"".join(lines))}
    assert 1 <= len(after - before) <= 2


def test_index() -> None:
    """An index gives back the names it was made of, and octets that are none are refused."""
    names = [digest(b"a"), digest(b"b")]
    assert read_index(write_index(names)) == names
    assert read_index(b"") == []
    with pytest.raises(ValueError, match="not an index"):
        read_index(b"x")

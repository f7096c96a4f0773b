"""How Postfix cuts its files into logical lines, and that what goes in comes out again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.postfix.instance.logical_lines import (
    insert_lines,
    logical_lines,
    remove,
    remove_comment,
    tokens,
)

LINES = st.lists(
    st.sampled_from(
        [b"a = b", b"  c", b"# note", b"", b"  # note", b"\t", b"smtp inet n - y - - smtpd\r", b"x=", b"{ a"]
    ),
    max_size=12,
).map(b"\n".join)
CONTENT = st.tuples(LINES, st.sampled_from([b"", b"\n"])).map(b"".join)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a = b", [b"a = b"]),
        (b"a = b\n  c\nd = e\n", [b"a = b  c", b"d = e"]),
        (b"a = b\n# note\n\n \t\n  # note\n  c\n", [b"a = b  c"]),
        (b"  lost\n  too\na = b\n", [b"a = b"]),
        (b"# note\n  c\na = b\n", [b"a = b"]),
        (b"a = b\r\n c\r\n", [b"a = b\r c\r"]),
    ],
)
def test_logical_lines_are_cut_as_postfix_cuts_them(content: bytes, expected: list[bytes]) -> None:
    """Comments and blank lines may stand within a logical line; one that starts with whitespace is none."""
    assert [line.text for line in logical_lines(content)] == expected


@given(CONTENT)
def test_each_byte_of_a_logical_line_is_found_in_the_content(content: bytes) -> None:
    """An offset into the text of a line leads to the same byte of the content."""
    for line in logical_lines(content):
        assert bytes(content[line.offset(index)] for index in range(len(line.text))) == line.text


def test_braces_hold_a_token_together() -> None:
    """A separator between braces does not separate."""
    found = [token.text for token in tokens(b"-o { a = { b, c } } d}, e", b" ,")]
    assert found == [b"-o", b"{ a = { b, c } }", b"d}", b"e"]


@given(
    CONTENT,
    st.lists(st.sampled_from([b"  -o a=b", b"new = line", b"# c"]), min_size=1, max_size=4),
    st.data(),
)
def test_removing_what_was_inserted_gives_the_content_back(
    content: bytes, lines: list[bytes], data: st.DataObject
) -> None:
    """Whole lines put in behind any line come out again without a trace, also at an end without newline."""
    ends = [line.end for line in logical_lines(content)]
    after = data.draw(st.sampled_from([*ends, len(content)]))
    inserted = insert_lines(content, after, lines)
    start = len(content) if content.find(b"\n", after) == -1 else content.find(b"\n", after) + 1
    start += inserted[start : start + 1] == b"\n" and content[start - 1 : start] not in {b"\n", b""}
    ranges = []
    for line in lines:
        ranges.append((start + len(line) - len(line.lstrip()), start + len(line)))
        start += len(line) + 1
    assert remove(inserted, ranges) == content


def test_a_comment_goes_wherever_it_stands() -> None:
    """An editing program may have moved our comment, or given it another line end."""
    assert remove_comment(b"# ours\na = b\n# ours\r\n# theirs\n# ours", b"# ours") == b"a = b\n# theirs"

"""Blocks of PEM files, however they are written and damaged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.certificates.pem import MalformedPemError, PemBlock, is_pem, pem_blocks, plain

BLOCK = b"-----BEGIN X-----\nAAAA\nBBBB\n-----END X-----\n"


@pytest.mark.parametrize(
    "content",
    [
        BLOCK,
        BLOCK.replace(b"\n", b"\r\n"),
        b"Bag Attributes\n  x: y\n" + BLOCK + b"the end",
        BLOCK.replace(b"\nAA", b" \n  AA"),
        b"-----BEGIN Y-----\nCCCC\n" + BLOCK,  # who begins anew gives the former one up
        b"\xef\xbb\xbf" + BLOCK,
        BLOCK.decode().encode("utf-16"),
    ],
)
def test_one_block(content: bytes) -> None:
    """Text around it, white space, line ends and what Windows makes of the file do not matter."""
    (block,) = pem_blocks(plain(content))
    assert (block.label, block.der) == ("X", b"\0\0\0\4\x10\x41")


def test_block_as_a_file_of_its_own() -> None:
    """Header lines of old private keys stay."""
    content = (
        b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
    )
    (block,) = pem_blocks(content)
    assert block.text == content


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"-----BEGIN X-----\nAAAA\n", "it ends in the middle of a block (X)"),
        (b"-----BEGIN X-----\nAAAA\n-----END Y-----\n", "it ends in the middle of a block (X)"),
        (b"-----BEGIN X-----\nAA*A\n-----END X-----\n", "a block in it is not base64"),
        (b"-----BEGIN X-----\nAAA\n-----END X-----\n", "a block in it is not base64"),
    ],
)
def test_damage_is_told(content: bytes, why: str) -> None:
    """In words, for whoever has to fetch the file again."""
    with pytest.raises(MalformedPemError) as raised:
        _ = [block.der for block in pem_blocks(content)]
    assert str(raised.value) == why


@pytest.mark.parametrize(
    ("label", "told"),
    [(b"x" * 100, "x" * 100), (b"x" * 101, "x" * 100), (b"\xff\xc3", "\N{REPLACEMENT CHARACTER}" * 2)],
)
def test_label_that_is_odd(label: bytes, told: str) -> None:
    """A hundred characters of it are told, and what is not ASCII stands for nothing."""
    begin = b"-----BEGIN " + label + b"-----\n"
    (block,) = pem_blocks(begin + b"AAAA\n-----END " + label + b"-----\n")
    assert block.label == told
    with pytest.raises(MalformedPemError) as raised:
        list(pem_blocks(begin))
    assert str(raised.value) == f"it ends in the middle of a block ({told})"


def test_several_blocks() -> None:
    """One after the other; an end without a beginning, and one of another label, end nothing."""
    stray = b"-----END X-----\n"
    other = b"-----BEGIN Z-----\n-----END Y-----\nAAAA\n-----END Z-----\n"
    found = list(pem_blocks(stray + BLOCK + stray + BLOCK + other))
    assert [(block.label, block.lines) for block in found] == [
        ("X", (b"AAAA", b"BBBB")),
        ("X", (b"AAAA", b"BBBB")),
        ("Z", (b"-----END Y-----", b"AAAA")),
    ]


@pytest.mark.parametrize(
    "line", [b"-----BEGIN X----", b"----BEGIN X-----", b"-----BEGINX-----", b"x -----BEGIN X-----"]
)
def test_what_is_no_beginning(line: bytes) -> None:
    """Five hyphens on each side, a space, and nothing before them on the line."""
    assert list(pem_blocks(line + b"\nAAAA\n-----END X-----\n")) == []


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_text_in_utf_16(order: str) -> None:
    """Either order of octets; what is not ASCII, or not UTF-16, is a question mark and no error."""
    mark = "\N{ZERO WIDTH NO-BREAK SPACE}".encode(order)
    assert plain(mark + "a\N{LATIN SMALL LETTER U WITH DIAERESIS}b".encode(order)) == b"a?b"
    assert plain(mark + "ab".encode(order) + b"x") == b"ab?"
    assert plain(b"ab" + mark) == b"ab" + mark
    assert plain(b"\xef\xbb\xbfab\xef\xbb\xbf") == b"ab\xef\xbb\xbf"


@given(
    st.lists(
        st.sampled_from([b"-----BEGIN X-----", b"-----END X-----", b"AAAA", b"", b"\xff", b"-----"])
    ).map(b"\n".join)
)
def test_nothing_else_is_raised(content: bytes) -> None:
    """Blocks or a MalformedPemError, and no block without the beginning of one."""
    try:
        blocks = list(pem_blocks(content))
    except MalformedPemError:
        blocks = [PemBlock("", ())]
    assert not blocks or is_pem(content)


@pytest.mark.parametrize(
    "line", [b"-----BEGIN X-----\n", b"-----BEGIN X-----", b"-----END X-----\n", b"\n", b"A"]
)
def test_megabytes_of_boundaries(line: bytes) -> None:
    """What took hours with a pattern is read in one pass."""
    content = line * (4_000_000 // len(line)) + b"\n"
    (block,) = pem_blocks(content + BLOCK)
    assert block.label == "X"

"""SMTP replies: where they end, and what is none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.postfix.probe.smtp_reply import (
    LINE_LIMIT,
    LINES_LIMIT,
    MalformedReplyError,
    Reply,
    ReplyReader,
)

EHLO = b"250-mail.woodgrovebank.test\r\n250-SIZE 10240000\r\n250-starttls\r\n250 SMTPUTF8\r\n"


def read(octets: bytes) -> Reply | None:
    """Return the first reply."""
    return ReplyReader().feed(octets)


@pytest.mark.parametrize(
    ("octets", "code", "lines"),
    [
        (b"220 mail ESMTP\r\n", 220, ("mail ESMTP",)),
        (b"220\r\n", 220, ("",)),
        (b"220 \n", 220, ("",)),
        (b"220-a\r\n220-\r\n220 b\r\n", 220, ("a", "", "b")),
        (b"554 5.7.1 \xff\x1b[31m\r\n", 554, ("5.7.1 \\xff\\x1b[31m",)),
    ],
)
def test_good(octets: bytes, code: int, lines: tuple[str, ...]) -> None:
    """Continuation lines, lines without text, bare LF; what could harm a terminal is escaped."""
    assert read(octets) == Reply(code, lines)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "does not speak SMTP"),
        (b"\r\n", "does not speak SMTP"),
        (b"100 continue\r\n", "does not speak SMTP"),
        (b"2200 x\r\n", "does not speak SMTP"),
        (b"220-a\r\n250 b\r\n", "two codes"),
        (b"\x16\x03\x01\x00\x05hello\n", "does not speak SMTP"),
        (b"220 " + b"x" * LINE_LIMIT, "longer"),
        (b"220 " + b"x" * LINE_LIMIT + b"\r\n", "longer"),
        (b"220-x\r\n" * (LINES_LIMIT + 1), "more than"),
    ],
)
def test_bad(octets: bytes, why: str) -> None:
    """Other protocols, contradictions, and more than anybody needs."""
    with pytest.raises(MalformedReplyError, match=why):
        read(octets)


def test_extensions_are_offered_in_any_case_and_not_by_the_first_line() -> None:
    """The first line of an answer to EHLO is the server's name."""
    reply = read(EHLO)
    assert reply is not None
    assert reply.offers("STARTTLS")
    assert reply.offers("SIZE")
    assert not reply.offers("MAIL.WOODGROVEBANK.TEST")


@given(st.lists(st.integers(0, len(EHLO))))
def test_pieces_do_not_matter(cuts: list[int]) -> None:
    """Fed whole, octet by octet or in between, the reply is the same."""
    reader, found = ReplyReader(), None
    edges = [0, *sorted(cuts), len(EHLO)]
    for start, end in pairwise(edges):
        found = reader.feed(EHLO[start:end]) or found
    assert found == read(EHLO)
    assert reader.rest == b""


@given(st.binary())
def test_what_follows_is_kept_apart(tail: bytes) -> None:
    """Octets behind a reply are no part of it, and can be seen."""
    reader = ReplyReader()
    assert reader.feed(b"220 go\r\n" + tail) == Reply(220, ("go",))
    assert reader.rest == tail


@given(st.binary())
def test_whatever_comes_is_a_reply_or_malformed(octets: bytes) -> None:
    """No input does anything else."""
    reader = ReplyReader()
    try:
        reply = reader.feed(octets)
    except MalformedReplyError:
        return
    assert reply is None or str(reply).isprintable()

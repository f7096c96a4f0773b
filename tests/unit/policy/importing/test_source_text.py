"""The text of files from elsewhere: what says its encoding, and what is not guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.importing.source_text import decode, is_readable
from domain_secure.policy.terms.problems import Problem

TEXT = "Name : Büro 東京\r\nFqdn : mail.contoso.com\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_tells_its_encoding_is_read(encoding: str) -> None:
    """A byte order mark says it, and UTF-8 proves itself."""
    assert decode(TEXT.encode(encoding), "a").text == TEXT


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("cp1252", "Name : Büro\n"), ("cp932", "Name : 表示\n"), ("utf-16-le", "Name : a\n")],
)
def test_what_does_not_tell_it_is_read_once_it_is_named(encoding: str, text: str) -> None:
    """The code pages of a German and a Japanese Windows have no mark."""
    assert decode(text.encode(encoding), "a", encoding).text == text


@pytest.mark.parametrize("encoding", ["cp1252", "cp932"])
def test_letters_of_an_unnamed_encoding_are_not_guessed(encoding: str) -> None:
    """ASCII is read all the same, line by line, and the rest is known to be unknown."""
    name = {"cp1252": "Büro", "cp932": "表示"}[encoding]
    source = decode(f"Name : {name}\nFqdn : mail.contoso.com\n".encode(encoding), "a")
    assert source.lines[1] == "Fqdn : mail.contoso.com"
    assert not is_readable(source.lines[0])
    assert is_readable(source.lines[1])


def test_utf_16_without_a_mark_is_named() -> None:
    """It holds NUL octets; nothing of it is taken."""
    with pytest.raises(Problem, match=r"NUL octets.*: a:1: .*utf-16-le"):
        decode("Name : a".encode("utf-16-le"), "a")


def test_a_wrong_encoding_is_told_with_the_line() -> None:
    """Where the first octet stands that cannot be."""
    with pytest.raises(Problem, match=r"not in utf-8 .*: a:2: .*--encoding"):
        decode(b"Name : a\nComment : \xff\n", "a", "utf-8")
    with pytest.raises(Problem, match=r"'klingon' is no encoding: a:1: "):
        decode(b"a", "a", "klingon")


@given(st.binary(max_size=64), st.sampled_from([None, "cp932", "cp1252", "utf-16", "utf-8", "idna", "hex"]))
def test_any_octets_are_text_or_a_problem(content: bytes, encoding: str | None) -> None:
    """Nothing else is raised, and ASCII comes out as it went in."""
    try:
        source = decode(content, "a", encoding)
    except Problem:
        return
    if encoding is None and content.isascii():
        assert source.text == content.decode()
